"""What every decorrelator is: mono in, side out, at once or block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mono2stereo.dsp.signals import Signal, require_mono, require_sample_rate

if TYPE_CHECKING:
    from mono2stereo.model_card import ModelCard

PIECE_SAMPLES = 1 << 16  # of a long block, which go through all stages before the next: bounds the memory


class SideStream(Protocol):
    """A decorrelator at work on one signal."""

    @property
    def latency_samples(self) -> int:
        """How many samples the side comes after its mid."""
        ...

    def process(self, mid: Signal) -> Signal:
        """Take the next samples of the mid, any number, and return as many of the side, of the same dtype.

        What was made does not depend on where the blocks were cut. The side of mid sample k is sample
        k + `latency_samples`; push that many zeros at the end to get the last ones.
        """
        ...


class SideMaker(Protocol):
    """Makes the side channel that a mono recording lacks, of whole signals: what can be measured."""

    @property
    def name(self) -> str:
        """Name in tables and file names, parameters included."""
        ...

    @property
    def changes_mid(self) -> bool:
        """Whether it makes left and right, and with them a width and another mid than it was given."""
        ...

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        """Make the side of a mid, both (samples,) of one dtype, at the level of the mid or near it.

        Deterministic; silence gives silence.

        Raises:
            AudioError: not a floating-point waveform, or a rate that does not fit.
        """
        ...

    def fold_down(self, mid: Signal, sample_rate: int) -> Signal:
        """Make the mid that goes with `side`, (samples,) of one dtype: the given one unless `changes_mid`.

        Raises:
            AudioError: not a floating-point waveform, or a rate that does not fit.
        """
        ...


class Decorrelator(SideMaker, Protocol):
    """The same also block by block: what can convert."""

    @property
    def card(self) -> ModelCard | None:
        """Of a trained one: what its file tells, its own width for one; None for all others."""
        ...

    def stream(self, sample_rate: int) -> SideStream:
        """Start on a new signal of `sample_rate` Hz.

        Raises:
            AudioError: a rate that does not fit.
        """
        ...

    def fold_down_stream(self, sample_rate: int) -> SideStream:
        """Start on a new signal: makes the mid that goes with the side of `stream`, with its own latency."""
        ...


class Unchanged:
    """A stream that gives what it takes."""

    latency_samples = 0

    def process(self, mid: Signal) -> Signal:
        return mid


class Streaming:
    """Makes `side` from `stream`, one mechanism for files and for blocks; leaves the mid alone."""

    card: ModelCard | None = None
    changes_mid = False

    def side(self: Decorrelator, mid: Signal, sample_rate: int) -> Signal:
        return _in_full(self.stream(require_mid(mid, sample_rate)), mid)

    def fold_down_stream(self, sample_rate: int) -> SideStream:
        return Unchanged()

    def fold_down(self: Decorrelator, mid: Signal, sample_rate: int) -> Signal:
        return _in_full(self.fold_down_stream(require_mid(mid, sample_rate)), mid)


def _in_full(stream: SideStream, mid: Signal) -> Signal:
    late = np.zeros(stream.latency_samples, mid.dtype)
    return np.concatenate([stream.process(mid), stream.process(late)])[len(late) :]


class Staged:
    """Gives a stream its `process` from `stages`: what the first makes of a block the next one takes.

    Each has a state of its own, so that a file's blocks can be in all of them at once.
    """

    stages: Sequence[Callable[[Any], Any]]

    def process(self, mid: Signal) -> Signal:
        pieces = [mid[start : start + PIECE_SAMPLES] for start in range(0, len(mid), PIECE_SAMPLES)]
        return np.concatenate([mid[:0], *map(self._through, pieces)])

    def _through(self, block: Any) -> Any:
        for stage in self.stages:
            block = stage(block)
        return block


def stages_of(stream: SideStream) -> Sequence[Callable[[Any], Any]]:
    """Functions that make, one after the other, what `process` makes of a block."""
    return stream.stages if isinstance(stream, Staged) else (stream.process,)


class RecursiveStream:
    """Base of filters that feed back: they work in short blocks, so that what they hold can `settle`."""

    latency_samples = 0

    def process(self, mid: Signal) -> Signal:
        blocks = [
            self._filter(mid[start : start + 4096].astype(np.float64)) for start in range(0, len(mid), 4096)
        ]
        return np.concatenate([mid[:0], *blocks]).astype(mid.dtype)

    def _filter(self, mid: Signal) -> Signal:
        raise NotImplementedError


def settle(state: Signal) -> Signal:
    """Round what a filter holds to silence 1200 dB down: denormal numbers would slow it a hundredfold.

    >>> settle(np.array([0.5, 1e-70])).tolist()
    [0.5, 0.0]
    """
    return np.where(np.abs(state) < 1e-60, 0, state)


def require_mid(mid: Signal, sample_rate: int) -> int:
    """Refuse what no decorrelator takes; returns the rate as an integer.

    Raises:
        AudioError: not a floating-point waveform, or not a rate of 8000 to 384 000 Hz.
    """
    require_mono(mid, "mid", samples=1)
    return require_sample_rate(sample_rate)

"""What every decorrelator is: mono in, side out, at once or block by block."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.fft

from mono2stereo.dsp.signals import Signal, require_mono, require_sample_rate

SHORTEST_TRANSFORM = 4096
DIRECT_SAMPLES = 256  # in shorter blocks sums are faster than transforms


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


class Decorrelator(Protocol):
    """Makes the side channel that a mono recording lacks."""

    @property
    def name(self) -> str:
        """Name in tables and file names, parameters included."""
        ...

    def stream(self, sample_rate: int) -> SideStream:
        """Start on a new signal of `sample_rate` Hz.

        Raises:
            AudioError: a rate that does not fit.
        """
        ...

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        """Make the side of a mid, both (samples,) of one dtype, at the level of the mid or near it.

        Deterministic; silence gives silence.

        Raises:
            AudioError: not a floating-point waveform, or a rate that does not fit.
        """
        ...


class Streaming:
    """Gives a decorrelator its `side` from its `stream`: one mechanism for files and for blocks."""

    def side(self: Decorrelator, mid: Signal, sample_rate: int) -> Signal:
        require_mid(mid, sample_rate)
        stream = self.stream(sample_rate)
        late = np.zeros(stream.latency_samples, mid.dtype)
        return np.concatenate([stream.process(mid), stream.process(late)])[len(late) :]


class FirStream:
    """Convolution with an impulse response; nothing sounds early.

    Args:
        impulse_response: (taps,).

    >>> stream = FirStream(np.array([0, 0.5]))
    >>> blocks = [stream.process(np.array([1.0])), stream.process(np.zeros(2))]
    >>> np.allclose(np.concatenate(blocks), [0, 0.5, 0])
    True
    """

    latency_samples = 0

    def __init__(self, impulse_response: Signal) -> None:
        self._response = impulse_response
        self._past = np.zeros(len(impulse_response) - 1)
        self._spectra: dict[int, Signal] = {}

    def process(self, mid: Signal) -> Signal:
        if not len(mid):
            return mid.copy()
        # In double precision what a transform leaves in silence is below any sample format's last bit.
        joined = np.concatenate([self._past, mid.astype(np.float64)])
        self._past = joined[len(mid) :].copy()
        if len(mid) <= DIRECT_SAMPLES:
            return np.convolve(joined, self._response, "valid").astype(mid.dtype)
        # Overlap-save: what wraps around is as long as the past.
        past = len(self._past)
        size = min(_power_of_two(len(joined)), _power_of_two(max(4 * past, SHORTEST_TRANSFORM)))
        if size not in self._spectra:
            self._spectra[size] = scipy.fft.rfft(self._response, size)
        spectrum = self._spectra[size]
        side = np.empty(len(mid), mid.dtype)
        for start in range(0, len(mid), size - past):
            piece = scipy.fft.rfft(joined[start : start + size], size) * spectrum
            made = scipy.fft.irfft(piece, size, overwrite_x=True)[past:]
            side[start : start + size - past] = made[: len(mid) - start]
        return side


def _power_of_two(n: int) -> int:
    return 1 << (n - 1).bit_length()


def require_mid(mid: Signal, sample_rate: int) -> None:
    """Refuse what no decorrelator takes.

    Raises:
        AudioError: not a floating-point waveform, or a rate below 8000 Hz.
    """
    require_mono(mid, "mid", samples=1)
    require_sample_rate(sample_rate)

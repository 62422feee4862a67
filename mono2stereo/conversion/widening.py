"""A decorrelator made as wide as recordings are, over the whole band of the file."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from mono2stereo.conversion.highband import highband_filter
from mono2stereo.conversion.width_curve import WidthCurve
from mono2stereo.conversion.width_filter import grid_hz, highpass_gain_db, minimum_phase_filter
from mono2stereo.decorrelators.base import (
    Decorrelator,
    SideStream,
    Staged,
    Streaming,
    require_mid,
    stages_of,
)
from mono2stereo.decorrelators.fir import FirStream
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.decorrelators.neural_stream import crossover_hz
from mono2stereo.dsp.filters import SosFilter, dc_blocker_sos
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError
from mono2stereo.model_card import ModelCard

MOST_RAISED_DB = 12.0
MOST_LOWERED_DB = -40.0
WIDEST_DB = 40.0
LEVEL = WidthCurve([1.0], [0.0])  # as loud as the mid
AS_IT_IS = np.ones(1)


@dataclass(frozen=True)
class Width:
    """How wide the result shall be.

    Args:
        db: wider or narrower than the curve, in all bands alike.
        curve: side against mid: as in recordings ("natural": the model carries what was measured), no
            correction ("flat": as the decorrelator makes it), or a curve of your own.
        mono_below_hz: the side fades out below, 24 dB an octave; 0 leaves the bass to the decorrelator.
        highband: continue the side above the network's band.

    Raises:
        AudioError: out of range.
    """

    db: float = 0.0
    curve: Literal["natural", "flat"] | WidthCurve = "natural"
    mono_below_hz: float = 0.0
    highband: bool = True

    def __post_init__(self) -> None:
        if not -np.inf < self.db <= WIDEST_DB:
            raise AudioError(f"width {self.db} dB: a number up to {WIDEST_DB:g}")
        if not 0 <= self.mono_below_hz < np.inf:
            raise AudioError(f"mono below {self.mono_below_hz} Hz: from 0 up")
        if not isinstance(self.curve, WidthCurve) and self.curve not in ("natural", "flat"):
            raise AudioError(f"width curve {self.curve!r}: natural, flat, or a WidthCurve")


@dataclass(frozen=True)
class Widened(Streaming):
    """Wraps a decorrelator: side per band = the curve, by a minimum-phase filter; the high band added.

    The gain of a band is the curve less what the decorrelator itself gives in this band: the `own_width`
    of a model's card, 0 dB for the classical ones. It stays between -40 and +12 dB, so that what a network
    leaves out, such as the bass below its high-pass, is not dug up.

    A constant offset of the mid gets no side, and no thump where it begins and ends: the mid counts as if
    its first sample had always been there and its last one stayed.

    Args:
        decorrelator: what makes the side.
        width: how wide.
    """

    decorrelator: Decorrelator
    width: Width = field(default_factory=Width)

    @property
    def name(self) -> str:
        return f"{self.decorrelator.name}-widened"

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        stream = self.stream(require_mid(mid, sample_rate))
        blocks = [stream.process(mid), stream.process(np.full(stream.latency_samples, mid[-1]))]
        return np.concatenate(blocks)[stream.latency_samples :]

    def stream(self, sample_rate: int) -> WidenedStream:
        gain, highband = width_filters(self.decorrelator.card, self.width, sample_rate)
        return WidenedStream(
            self.decorrelator.stream(sample_rate), OffsetBlocker(sample_rate), gain, highband
        )


def width_filters(
    card: ModelCard | None, width: Width, sample_rate: int
) -> tuple[Signal | None, Signal | None]:
    """Impulse responses that give a side its width; None for none.

    Args:
        card: of the network that makes the side; None for a classical method.
        width: how wide.
        sample_rate: Hz.

    Returns:
        From the side as it is made, and from the mid to what is added above the network's band.
    """
    frequency_hz = grid_hz(sample_rate)
    own, target = _curves_db(card, width.curve, frequency_hz)
    wanted = width.db + highpass_gain_db(frequency_hz, width.mono_below_hz)
    gain_db = np.clip(target - own, MOST_LOWERED_DB, MOST_RAISED_DB) + wanted
    highband = None
    if width.highband and card and card.sample_rate != sample_rate:
        band = crossover_hz(card.sample_rate, sample_rate)
        highband = highband_filter(target + wanted, frequency_hz, band, sample_rate)
    return minimum_phase_filter(gain_db, sample_rate) if np.any(gain_db) else None, highband


def _curves_db(
    card: ModelCard | None, wanted: Literal["natural", "flat"] | WidthCurve, frequency_hz: Signal
) -> tuple[Signal, Signal]:
    """Side against mid at `frequency_hz` as it is made, and as it shall be."""
    own, curve = WidthCurve.of(card.own_width) if card else LEVEL, wanted
    if curve == "natural":
        natural = WidthCurve.of((card or NeuralDecorrelator.load().card).natural_width)
        curve = natural if natural and own else "flat"
        if curve == "flat":
            warnings.warn("the model knows no natural width: its side stays as it makes it", stacklevel=4)
    own_db = (own or LEVEL).at(frequency_hz)
    return own_db, own_db if isinstance(curve, str) else curve.at(frequency_hz)


class OffsetBlocker(SosFilter):
    """A high-pass of 5 Hz for which the first sample has always been there.

    >>> np.abs(OffsetBlocker(8000).process(np.full(3, 0.5))).round(12).tolist()
    [0.0, 0.0, 0.0]
    """

    def __init__(self, sample_rate: int) -> None:
        sos = dc_blocker_sos(sample_rate)
        super().__init__(sos)
        self._held = sos[0, [1, 2]]  # by a constant one, of which nothing passes
        self._begun = False

    def process(self, mid: Signal) -> Signal:
        if len(mid) and not self._begun:
            self.state, self._begun = self._held * mid[0], True
        return super().process(mid)


class WidenedStream(Staged):
    """The widened decorrelator at work; push the last sample of the mid again to get the end of the side.

    Args:
        stream: of the decorrelator.
        blocker: before it.
        gain: impulse response on its side; None for none.
        highband: impulse response from mid to what is added; None for none.
    """

    def __init__(
        self, stream: SideStream, blocker: OffsetBlocker, gain: Signal | None, highband: Signal | None
    ) -> None:
        self.latency_samples = stream.latency_samples
        self._highband = highband is not None
        responses = [AS_IT_IS if gain is None else gain, *([] if highband is None else [highband])]
        self._filter = None if gain is None and highband is None else FirStream(*responses)
        self._late = np.zeros(stream.latency_samples)
        first, *others = stages_of(stream)
        self.stages = (
            lambda mid: ((steady := blocker.process(mid)), first(steady)),
            *[partial(_beside_mid, stage) for stage in others],
            lambda pair: self._filtered(*pair),
        )

    def _filtered(self, mid: Signal, side: Signal) -> Signal:
        if not self._filter:
            return side
        if not self._highband:
            return self._filter.process(side)
        waiting = np.concatenate([self._late, mid])
        self._late = waiting[len(mid) :].copy()
        return self._filter.process(side, waiting[: len(mid)])


def _beside_mid(stage: Callable[[Any], Any], pair: tuple[Signal, Any]) -> tuple[Signal, Any]:
    mid, block = pair
    return mid, stage(block)

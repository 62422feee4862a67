"""A delay that never rests: pseudo-stereo of the 1990s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError

SHORTEST_SECONDS = 0.5e-3  # so many samples later the interpolation may look ahead
HALF_TAPS = 8  # of it, at most
PHASES = 512  # between two samples, for which it has weights; straight in between
KAISER_BETA = 6.0
PIECE_SAMPLES = 1 << 15


@dataclass(frozen=True)
class ModulatedDelay(Streaming):
    """S = the mid, later by a time that swings: `delay_seconds` + `depth_seconds` |sin(pi `rate_hz` t)|.

    The comb mode of P. Kellett's plug-in mda Stereo (1998 to 2007, MIT licence; also as LV2), whose left and
    right are the mid plus and minus that delayed mid. There the knobs set, at 44.1 kHz, delays of
    20 + 2080 delay^2 samples, depths of 2100 mod^2 samples and rates of 10^(3 rate - 2) Hz; the default here
    is delay 0.1, mod 0.2, rate 0.7, with as much side as mid (width 1, balance in the middle). The plug-in
    takes the nearest earlier sample; here a windowed sinc interpolates (Laakso et al., "Splitting the Unit
    Delay", IEEE Signal Processing Magazine 13(1), 1996), which spares the crackle.

    Args:
        delay_seconds: the shortest delay, at least 0.5 ms.
        depth_seconds: how much longer it becomes.
        rate_hz: how often a second.

    Raises:
        AudioError: too short a delay, or no movement.

    >>> ModulatedDelay(depth_seconds=0.01, rate_hz=0.5).name
    'modulated-delay-10ms-0.5hz'
    """

    delay_seconds: float = 0.925e-3
    depth_seconds: float = 1.905e-3
    rate_hz: float = 1.26

    def __post_init__(self) -> None:
        require_moving("modulated delay", self.delay_seconds, self.depth_seconds, self.rate_hz)

    @property
    def name(self) -> str:
        return f"modulated-delay-{self.depth_seconds * 1e3:g}ms-{self.rate_hz:g}hz"

    def stream(self, sample_rate: int) -> MovingTaps:
        longest = self.delay_seconds + self.depth_seconds
        return MovingTaps([self._delay_seconds], [1.0], longest, sample_rate)

    def _delay_seconds(self, seconds: Signal) -> Signal:
        return self.delay_seconds + self.depth_seconds * np.abs(np.sin(np.pi * self.rate_hz * seconds))


class MovingTaps:
    """Sum of delayed copies of a signal whose delays depend on the time since it began.

    Args:
        delays: of each copy: seconds since the start → seconds of delay, at least 0.5 ms.
        gains: of each copy.
        longest_seconds: that any of the delays becomes.
        sample_rate: Hz.
    """

    latency_samples = 0

    def __init__(
        self,
        delays: Sequence[Callable[[Signal], Signal]],
        gains: Sequence[float],
        longest_seconds: float,
        sample_rate: int,
    ) -> None:
        self._delays, self._gains, self._rate = delays, gains, sample_rate
        self._weights = _sinc_weights(min(HALF_TAPS, int(SHORTEST_SECONDS * sample_rate)))
        self._past = np.zeros(int(longest_seconds * sample_rate) + len(self._weights[0]))
        self._clock = 0  # samples since the start

    def process(self, mid: Signal) -> Signal:
        pieces = [mid[start : start + PIECE_SAMPLES] for start in range(0, len(mid), PIECE_SAMPLES)]
        return np.concatenate([mid[:0], *map(self._piece, pieces)]).astype(mid.dtype)

    def _piece(self, mid: Signal) -> Signal:
        past, samples, taps = len(self._past), len(mid), len(self._weights[0])
        joined = np.concatenate([self._past, mid])
        now, side = np.arange(samples), np.zeros(samples)
        near = np.lib.stride_tricks.sliding_window_view(joined, taps)
        for delay, gain in zip(self._delays, self._gains, strict=True):
            wanted = delay((self._clock + now) / self._rate) * self._rate
            whole, part = np.divmod(np.floor(wanted * PHASES).astype(int), PHASES)
            share = (wanted * PHASES % 1.0)[:, np.newaxis]
            weights = self._weights[part] * (1 - share) + self._weights[part + 1] * share
            side += gain * np.einsum("nk,nk->n", near[past + now - whole - taps // 2], weights)
        self._past, self._clock = joined[samples:], self._clock + samples
        return side


def _sinc_weights(half: int) -> Signal:
    """(PHASES + 1, 2 half): what the samples around weigh, earliest first, by the part of a sample to add."""
    away = np.arange(-half, half) + np.arange(PHASES + 1)[:, np.newaxis] / PHASES
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(1 - np.square(away / half), 0)))
    weights = np.sinc(away) * window
    return weights / weights.sum(axis=1, keepdims=True)


def require_moving(name: str, delay_seconds: float, depth_seconds: float, rate_hz: float) -> None:
    """Refuse delays that cannot be interpolated or do not move.

    Raises:
        AudioError: what is wrong.
    """
    if not delay_seconds >= SHORTEST_SECONDS:
        raise AudioError(f"{name}: delay_seconds = {delay_seconds}: at least {SHORTEST_SECONDS}")
    if not (depth_seconds > 0 and rate_hz > 0):
        raise AudioError(f"{name}: depth_seconds = {depth_seconds}, rate_hz = {rate_hz}: both above 0")

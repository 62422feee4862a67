"""A cascade of all-pass delay loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from mono2stereo.decorrelators.base import RecursiveStream, Streaming, settle
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError


@dataclass(frozen=True)
class Schroeder(Streaming):
    """All-passes in series, each H(z) = (-g + z^-D) / (1 - g z^-D): flat, smeared in time.

    Schroeder, "Natural Sounding Artificial Reverberation", JAES 10 (1962), fig. 2.

    Args:
        delays_seconds: the loops' delays D, rounded to whole samples; by default each a third of the last.
        gain: g, from -1 to 1 exclusive.

    Raises:
        AudioError: no delays, one that is not positive, or an unstable gain.

    >>> Schroeder(delays_seconds=(1 / 8000,), gain=0.5).side(np.array([1.0, 0.0, 0.0]), 8000).tolist()
    [-0.5, 0.75, 0.375]
    """

    delays_seconds: tuple[float, ...] = (0.005, 0.0017, 0.0006)
    gain: float = 0.7

    def __post_init__(self) -> None:
        if not self.delays_seconds or not min(self.delays_seconds) > 0:
            raise AudioError(f"schroeder: delays_seconds = {self.delays_seconds}: at least one, all above 0")
        if not -1 < self.gain < 1:
            raise AudioError(f"schroeder: gain = {self.gain}: between -1 and 1, or the loops grow")

    @property
    def name(self) -> str:
        return f"schroeder-{len(self.delays_seconds)}x{self.gain:g}-{sum(self.delays_seconds) * 1e3:.3g}ms"

    def stream(self, sample_rate: int) -> SchroederStream:
        delays = [max(1, round(seconds * sample_rate)) for seconds in self.delays_seconds]
        return SchroederStream(delays, self.gain)


class SchroederStream(RecursiveStream):
    """The cascade at work.

    Args:
        delays: of the loops, in samples.
        gain: g.
    """

    def __init__(self, delays: Sequence[int], gain: float) -> None:
        self._gain = gain
        self._delays = [np.zeros(delay) for delay in delays]  # what each loop still holds

    def _filter(self, mid: Signal) -> Signal:
        side = mid
        for number, held in enumerate(self._delays):
            side, self._delays[number] = _all_pass(side, settle(held), self._gain)
        return side


def _all_pass(x: Signal, held: Signal, gain: float) -> tuple[Signal, Signal]:
    """One loop on (samples,), and what it holds afterwards: the last len(held) of its x + g y."""
    # Samples a delay apart form their own first-order filter: one column each.
    delay = len(held)
    columns = np.pad(x, (0, -len(x) % delay)).reshape(-1, delay)
    filtered, _ = scipy.signal.lfilter([-gain, 1.0], [1.0, -gain], columns, axis=0, zi=held[np.newaxis])
    y = filtered.reshape(-1)[: len(x)]
    return y, np.concatenate([held, x + gain * y])[len(x) :]

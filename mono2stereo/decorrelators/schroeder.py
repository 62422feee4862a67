"""A cascade of all-pass delay loops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.signal

from mono2stereo.decorrelators.base import require_mid
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError


@dataclass(frozen=True)
class Schroeder:
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

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        require_mid(mid, sample_rate)
        side = mid.astype(np.float64)
        for delay_seconds in self.delays_seconds:
            side = _all_pass(side, max(1, round(delay_seconds * sample_rate)), self.gain)
        return side.astype(mid.dtype)


def _all_pass(x: Signal, delay_samples: int, gain: float) -> Signal:
    # Samples a delay apart form their own first-order filter: one column each.
    columns = np.pad(x, (0, -x.shape[0] % delay_samples)).reshape(-1, delay_samples)
    filtered = scipy.signal.lfilter([-gain, 1.0], [1.0, -gain], columns, axis=0)
    return filtered.reshape(-1)[: x.shape[0]]

"""Keeps left and right below a ceiling by making the side smaller for a moment; the mid is left alone."""

from __future__ import annotations

from math import ceil

import numpy as np

from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.true_peak import PHASES, TAPS
from mono2stereo.dsp.windows import running, windows

SMOOTHING_SECONDS = 0.003
_NOTHING = 1e-30
# (TAPS, 5): the sample in the middle, and the four that BS.1770 puts between it and the next.
_AT_AND_AFTER = np.column_stack([np.eye(TAPS)[TAPS // 2 - 1], PHASES.T[::-1]])


class SideLimiter:
    """Smooth gain on the side, so that neither mid + side nor mid - side passes the ceiling.

    Both are looked at between the samples too (BS.1770's true peak). The gain is the lowest that a sample
    within 3 ms needs, averaged over as long with a Hann window: it comes before the peak, and without a
    corner. Where the mid alone passes the ceiling the side is gone and the mid passes.

    Args:
        sample_rate: Hz.
        ceiling: of the absolute value, linear.
    """

    def __init__(self, sample_rate: int, ceiling: float) -> None:
        self._ceiling = ceiling
        self._smooth = ceil(SMOOTHING_SECONDS * sample_rate)
        self._window = np.hanning(2 * self._smooth + 3)[1:-1]
        self._window /= self._window.sum()
        # One more than the window's reach: what is seen between samples belongs to both.
        self._search = self._smooth + 1
        self.latency_samples = self._smooth + self._search + TAPS // 2
        self._held = np.zeros((2, TAPS))  # mid and side
        self._needed = np.ones(2 * (self._smooth + self._search))
        self._late = np.zeros(self.latency_samples)  # side

    def process(self, mid: Signal, side: Signal) -> Signal:
        """Take the next samples of both, (n,), and return as many of the side, `latency_samples` late."""
        joined = np.concatenate([self._held, [mid, side]], axis=1)
        needed = np.concatenate([self._needed, self._gain_needed(joined)])
        late = np.concatenate([self._late, side])
        new = len(mid)
        self._held, self._needed, self._late = joined[:, new:], needed[new:], late[new:]
        gain = np.convolve(running(np.minimum, needed, 2 * self._search + 1), self._window, "valid")
        return (late[:new] * gain).astype(side.dtype)

    def _gain_needed(self, joined: Signal) -> Signal:
        """Gain that suffices at each sample and up to the next; TAPS are missing."""
        mid, side = (np.abs(windows(row, TAPS)[1:] @ _AT_AND_AFTER) for row in joined)
        return ((self._ceiling - mid) / np.maximum(side, _NOTHING)).min(axis=1).clip(0, 1)

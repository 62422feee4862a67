"""Keeps left and right below a ceiling by making the side smaller for a moment; the mid is left alone."""

from __future__ import annotations

from math import ceil

import numpy as np
from scipy.ndimage import minimum_filter1d

from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.true_peak import PHASES, TAPS

SMOOTHING_SECONDS = 0.003
_NOTHING = 1e-30


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
        self._held = np.zeros((2, 2 * self.latency_samples))  # mid and side

    def process(self, mid: Signal, side: Signal) -> Signal:
        """Take the next samples of both, (n,), and return as many of the side, `latency_samples` late."""
        joined = np.concatenate([self._held, [mid, side]], axis=1)
        self._held = joined[:, len(mid) :].copy()
        needed = minimum_filter1d(self._needed(joined), 2 * self._search + 1, mode="nearest")
        gain = np.convolve(needed[self._search : len(needed) - self._search], self._window, "valid")
        late = joined[1, self.latency_samples : self.latency_samples + len(mid)]
        return (late * gain).astype(side.dtype)

    def _needed(self, joined: Signal) -> Signal:
        """Gain that suffices at each sample and up to the next; TAPS / 2 are missing at either end."""
        between = np.lib.stride_tricks.sliding_window_view(joined, TAPS, axis=1)[:, 1:] @ PHASES.T[::-1]
        inside = joined[:, TAPS // 2 : joined.shape[1] - TAPS // 2, np.newaxis]
        mid, side = np.abs(np.concatenate([inside, between], axis=2))
        return np.clip((self._ceiling - mid) / np.maximum(side, _NOTHING), 0, 1).min(axis=1)

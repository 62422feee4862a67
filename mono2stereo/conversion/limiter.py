"""Keeps left and right below a ceiling by making the side smaller for a moment; the mid is left alone."""

from __future__ import annotations

from math import ceil

import numpy as np
from scipy.ndimage import minimum_filter1d

from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.true_peak import between_samples

LOOKAHEAD_SECONDS = 0.003
_NOTHING = 1e-30


class SideLimiter:
    """Smooth gain on the side so that neither |mid + side| nor |mid - side| passes the ceiling.

    Both are looked at four times per sample, so that what a converter makes between the samples counts. The
    gain is the lowest that any of the next samples needs, averaged over as many with a Hann window: it arrives
    in time and has no corners. Where the mid alone passes the ceiling the side is gone, the mid stays.

    Args:
        sample_rate: Hz.
        ceiling: of the absolute value, linear.
    """

    def __init__(self, sample_rate: int, ceiling: float) -> None:
        self._ceiling = ceiling
        reach = ceil(LOOKAHEAD_SECONDS * sample_rate)
        self._window = np.hanning(2 * reach + 3)[1:-1]
        self._window /= self._window.sum()
        self._reach = reach
        self._around = 2 * OVERSAMPLING_REACH
        self.latency_samples = 2 * reach + OVERSAMPLING_REACH
        self._held = np.zeros((2, self.latency_samples + 2 * reach + OVERSAMPLING_REACH))

    def process(self, mid: Signal, side: Signal) -> tuple[Signal, Signal]:
        """Next samples of both → as many of the mid and the limited side, `latency_samples` late."""
        raise NotImplementedError

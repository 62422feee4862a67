"""Filters that training and inference must share to the last coefficient."""

from __future__ import annotations

import numpy as np
import scipy.signal

from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError


def highpass_sos(cutoff_hz: float, sample_rate: int) -> Signal:
    """Fourth-order Butterworth high-pass as second-order sections, (2, 6).

    It keeps the side free of the mean and the bass no loss on mel bands sees.

    Args:
        cutoff_hz: where it is 3 dB down.
        sample_rate: Hz.

    Raises:
        AudioError: `cutoff_hz` not between 0 and Nyquist.

    >>> highpass_sos(50.0, 22050).shape
    (2, 6)
    """
    if not 0 < cutoff_hz < sample_rate / 2:
        raise AudioError(f"cutoff_hz = {cutoff_hz}: between 0 and {sample_rate / 2:g}, half of sample_rate")
    return scipy.signal.butter(4, cutoff_hz, "highpass", fs=sample_rate, output="sos")


def dc_blocker_sos(sample_rate: int, cutoff_hz: float = 5.0) -> Signal:
    """First-order high-pass as one second-order section, (1, 6): of a constant nothing passes.

    At the default it takes 0.04 dB of what lies at 50 Hz.

    Args:
        sample_rate: Hz.
        cutoff_hz: where it is 3 dB down.

    >>> float(dc_blocker_sos(22050)[0, :3].sum())
    0.0
    """
    return scipy.signal.butter(1, cutoff_hz, "highpass", fs=sample_rate, output="sos")


def impulse_response(sos: Signal, floor_db: float = -140.0) -> Signal:
    """Response of second-order sections to an impulse, cut where it stays below `floor_db`.

    Training applies the high-pass by convolution with it, inference recursively: the same filter twice.

    Args:
        sos: (sections, 6), stable.
        floor_db: relative to the largest tap.

    Returns:
        (taps,) float64.

    >>> taps = impulse_response(highpass_sos(50.0, 22050))
    >>> 500 < len(taps) < 5000
    True
    """
    n = 1024
    while True:
        impulse = np.zeros(n)
        impulse[0] = 1.0
        taps = scipy.signal.sosfilt(sos, impulse)
        above = np.flatnonzero(np.abs(taps) > np.abs(taps).max() * 10 ** (floor_db / 20))
        if above[-1] < n // 2:
            return taps[: above[-1] + 1]
        n *= 2

"""Change of the sample rate."""

from __future__ import annotations

import numpy as np
import soxr

from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError


def resample(x: Signal, from_rate: int, to_rate: int) -> Signal:
    """Resample with soxr's best linear-phase filter, without delay, to a length known beforehand.

    Args:
        x: (samples,) or (samples, channels), float32 or float64.
        from_rate: Hz.
        to_rate: Hz.

    Returns:
        round(samples * to_rate / from_rate) samples, other axes and dtype as given.

    Raises:
        AudioError: a rate is not positive, or `x` not floating point.

    >>> resample(np.zeros((44100, 2), np.float32), 44100, 22050).shape
    (22050, 2)
    """
    if from_rate <= 0 or to_rate <= 0:
        raise AudioError(f"resample from {from_rate} to {to_rate} Hz: both must be above 0")
    if x.dtype not in (np.float32, np.float64) or x.ndim not in (1, 2):
        raise AudioError(f"resample: {x.dtype} of shape {x.shape}; floats (samples,) or (samples, channels)")
    if from_rate == to_rate or not x.shape[0]:
        return x.copy()
    samples = (2 * x.shape[0] * to_rate + from_rate) // (2 * from_rate)
    resampled = soxr.resample(x, from_rate, to_rate, quality="VHQ")[:samples]
    missing = [(0, samples - resampled.shape[0])] + [(0, 0)] * (x.ndim - 1)
    return np.pad(resampled, missing)

"""Mono in, stereo out: L = M + S, R = M - S, so that the fold-down (L + R)/2 is the input."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.dsp.mid_side import decode
from mono2stereo.errors import AudioError
from mono2stereo.files import atomic_path


def convert(mono: np.ndarray, *, sample_rate: int, decorrelator: Decorrelator | None = None) -> np.ndarray:
    """Give a mono signal a side.

    Args:
        mono: `(samples,)`, floating point.
        sample_rate: In Hz; any.
        decorrelator: What makes the side; without it the network that comes with the package.

    Returns:
        `(samples, 2)` of the same dtype; the mean of both channels is `mono`. Widening adds energy: peaks
        beyond full scale are possible and are not clipped.

    Raises:
        AudioError: More than one channel, no floating point, or values that are not finite.
    """
    mono = np.asarray(mono)
    if mono.ndim != 1 or mono.dtype.kind != "f":
        raise AudioError(
            f"mono is {mono.dtype} of shape {mono.shape}; give floating point of shape (samples,)"
        )
    if not np.all(np.isfinite(mono)):
        raise AudioError("mono holds values that are not finite; repair the recording first")
    side = (decorrelator or _default()).side(mono, sample_rate)
    return decode(mono, side)


@lru_cache(maxsize=1)
def _default() -> NeuralDecorrelator:
    return NeuralDecorrelator.load()

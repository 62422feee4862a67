"""Equally loud versions of an excerpt: louder sounds better and wider, whatever else it does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mono2stereo.dsp.loudness import integrated_lufs
from mono2stereo.errors import AudioError

HIGHEST_PEAK = 10 ** (-1 / 20)  # of full scale, in any version
FADE_SECONDS = 0.01


def fades(samples: int, sample_rate: int) -> NDArray:
    """Gains (samples,) that let a passage begin and end without a click."""
    from_the_edge = np.minimum(np.arange(samples), np.arange(samples)[::-1])
    ramp = np.minimum(from_the_edge / (FADE_SECONDS * sample_rate), 1.0)
    return np.sin(np.pi / 2 * ramp) ** 2


def gain_to(loudness_lufs: float, stereo: NDArray, sample_rate: int, name: str) -> float:
    """Factor that brings `stereo` (samples, 2) to an integrated loudness.

    Raises:
        AudioError: too quiet to measure; the message begins with `name`.
    """
    measured = integrated_lufs(stereo, sample_rate)
    if not np.isfinite(measured):
        raise AudioError(f"{name}: quieter than -70 LUFS; listen to another track or a longer excerpt")
    return float(10 ** ((loudness_lufs - measured) / 20))

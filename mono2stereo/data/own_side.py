"""How a recording's own side relates to its mid: the natural reference for everything made up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mono2stereo.dsp.coherence import mel_coherence
from mono2stereo.dsp.correlation import lagged_correlation
from mono2stereo.dsp.mel import mel_magnitudes
from mono2stereo.dsp.signals import mean_defined

COHERENCE_FRAME_LENGTHS = (1024, 4096)
STRETCH_SECONDS = 3.0
MAX_STRETCHES = 10
MAX_LAG_SECONDS = 0.12
N_MELS = 80
LEVEL_FRAME_LENGTH = 1024
LEVEL_FRAME_STEP = 256
BLOCK_FRAMES = 1024


@dataclass(frozen=True)
class OwnSide:
    """Means over a track's stretches of 3 s.

    Attributes:
        coherence: by frame length in samples: (n_mels,) mel coherence of mid and side.
        largest_correlation: largest |r| within ±120 ms.
        stretches: how many were measured; 0 leaves the rest nan.
    """

    coherence: dict[int, NDArray[np.float64]]
    largest_correlation: float
    stretches: int


def measure_own_side(mid_side: NDArray[np.float32], sample_rate: int) -> OwnSide:
    """Measure up to ten stretches, evenly spread over `mid_side` (samples, 2); silent ones are skipped."""
    length = round(STRETCH_SECONDS * sample_rate)
    count = min(MAX_STRETCHES, len(mid_side) // length)
    starts = np.linspace(0, max(len(mid_side) - length, 0), count).astype(int)
    coherence: dict[int, list[NDArray[np.float64]]] = {n: [] for n in COHERENCE_FRAME_LENGTHS}
    correlation = []
    for start in starts:
        stretch = np.asarray(mid_side[start : start + length], np.float64)
        if np.any(np.sqrt(np.mean(stretch**2, axis=0)) < 1e-5):
            continue
        mid, side = stretch.T
        for n, bands in coherence.items():
            bands.append(mel_coherence(mid, side, sample_rate, frame_length=n, n_mels=N_MELS))
        lags = lagged_correlation(mid, side, round(MAX_LAG_SECONDS * sample_rate))
        correlation.append(np.max(np.abs(lags)))
    if not correlation:
        nothing = np.full(N_MELS, np.nan)
        return OwnSide(dict.fromkeys(COHERENCE_FRAME_LENGTHS, nothing), float("nan"), 0)
    return OwnSide(
        {n: mean_defined(bands) for n, bands in coherence.items()},
        float(np.mean(correlation)),
        len(correlation),
    )


def level_bands(x: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """Long-term RMS (n_mels,) of each mel band's magnitude, 1024/256, read block by block.

    `x` (samples,) may be mapped from a file.
    """
    step, overlap = LEVEL_FRAME_STEP, LEVEL_FRAME_LENGTH - LEVEL_FRAME_STEP
    energy = np.zeros(N_MELS)
    frames = 0
    for start in range(0, max(len(x) - overlap, 1), BLOCK_FRAMES * step):
        block = np.asarray(x[start : start + BLOCK_FRAMES * step + overlap])
        block = np.pad(block, (0, max(LEVEL_FRAME_LENGTH - len(block), 0)))
        bands = mel_magnitudes(block, sample_rate, N_MELS, LEVEL_FRAME_LENGTH, step).astype(np.float64)
        energy += np.sum(bands**2, axis=0)
        frames += len(bands)
    return np.sqrt(energy / frames)

"""How a recording's own side relates to its mid: the natural reference for everything made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mono2stereo.dsp.coherence import mel_coherence
from mono2stereo.dsp.correlation import lagged_correlation
from mono2stereo.dsp.mel import mel_magnitudes
from mono2stereo.dsp.movement import FEWEST_FRAMES, FIGURES, frames_of, movement
from mono2stereo.dsp.signals import mean_defined

COHERENCE_FRAME_LENGTHS = (1024, 4096)
STRETCH_SECONDS = 3.0
MAX_STRETCHES = 10
MAX_LAG_SECONDS = 0.12
N_MELS = 80
LEVEL_FRAME_LENGTH = 1024
LEVEL_FRAME_STEP = 256
BLOCK_FRAMES = 1024


class Samples(Protocol):
    """An array, or a file that is read a slice at a time."""

    def __len__(self) -> int: ...
    def __getitem__(self, piece: slice, /) -> NDArray[np.float32]: ...


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


def measure_own_side(mid_side: Samples, sample_rate: int) -> OwnSide:
    """Measure up to ten stretches, evenly spread over `mid_side` (samples, 2); silent ones are skipped."""
    stretches = sounding_stretches(mid_side, round(STRETCH_SECONDS * sample_rate))
    coherence = stretch_coherence(stretches, sample_rate, COHERENCE_FRAME_LENGTHS, N_MELS)
    max_lag = round(MAX_LAG_SECONDS * sample_rate)
    largest = [np.max(np.abs(lagged_correlation(mid, side, max_lag))) for mid, side in stretches]
    return OwnSide(coherence, float(np.mean(largest)) if largest else float("nan"), len(stretches))


def sounding_stretches(mid_side: Samples, samples: int) -> list[NDArray[np.float64]]:
    """Up to ten stretches (2, samples) of mid and side, evenly spread, without those where one is silent."""
    count = min(MAX_STRETCHES, len(mid_side) // samples)
    starts = np.linspace(0, max(len(mid_side) - samples, 0), count).astype(int)
    stretches = [np.asarray(mid_side[start : start + samples], np.float64).T for start in starts]
    return [stretch for stretch in stretches if np.all(np.sqrt(np.mean(stretch**2, axis=1)) >= 1e-5)]


def stretch_coherence(
    stretches: Sequence[NDArray[np.float64]], sample_rate: int, frame_lengths: Sequence[int], n_mels: int
) -> dict[int, NDArray[np.float64]]:
    """By frame length: mean over stretches of the coherence of mid and side, (n_mels,); NaN without any."""
    return {
        length: mean_defined(
            [mel_coherence(mid, side, sample_rate, length, n_mels) for mid, side in stretches]
            or np.full((1, n_mels), np.nan)
        )
        for length in frame_lengths
    }


def stretch_movement(stretches: Sequence[NDArray[np.float64]], sample_rate: int) -> NDArray[np.float64]:
    """Mean over stretches of the figures of `dsp.movement`, (6,); NaN where none is long enough to tell."""
    stft = frames_of(sample_rate)
    fewest = stft.frame_length + (FEWEST_FRAMES - 1) * stft.frame_step
    long_enough = [(mid, side) for mid, side in stretches if len(mid) >= fewest]
    return mean_defined(
        [movement(mid, side, sample_rate) for mid, side in long_enough] or np.full((1, len(FIGURES)), np.nan)
    )


def level_bands(x: Samples, sample_rate: int) -> NDArray[np.float64]:
    """Long-term RMS (n_mels,) of each mel band's magnitude, 1024/256, of `x` (samples,), block by block."""
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

"""How far one signal's spectra are from another's: the distances that MusicHiFi reports for the side.

Zhu et al., "MusicHiFi: Fast High-Fidelity Stereo Vocoding" (2024), table of mono-to-stereo. As in Descript's
audiotools: windows of 2048 and 512 samples at 75 % overlap (here without padding at the ends), for each the
mean absolute difference of log10 power, floored at 1e-5 of magnitude, plus that of the magnitudes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.stft import Stft

MEL_BANDS = {2048: 150, 512: 80}  # by window
LEAST_MAGNITUDE = 1e-5


def magnitudes(x: Signal) -> dict[int, Signal]:
    """By window, (frames, n_bins): what both distances compare.

    Raises:
        AudioError: shorter than 2048 samples.
    """
    return {length: np.abs(Stft(length, length // 4, length).analyse(x)) for length in MEL_BANDS}


def mel_cells(magnitudes: Mapping[int, Signal], sample_rate: int) -> dict[int, Signal]:
    """`magnitudes` by mel bands: by window, (frames, n_mels)."""
    return {
        length: each @ mel_filterbank(sample_rate, length, MEL_BANDS[length]).T.astype(each.dtype)
        for length, each in magnitudes.items()
    }


def magnitude_distance(*, estimate: Mapping[int, Signal], reference: Mapping[int, Signal]) -> float:
    """Multi-resolution distance: sum over windows of the two mean absolute differences.

    Of no unit, 0 for equal magnitudes; depends on the level.

    >>> noise = np.random.default_rng(0).standard_normal(8192)
    >>> magnitude_distance(estimate=magnitudes(-noise), reference=magnitudes(noise))
    0.0
    """
    total = 0.0
    for length, target in reference.items():
        logs = (np.log10(np.maximum(each, LEAST_MAGNITUDE)) for each in (estimate[length], target))
        total += 2 * float(np.mean(np.abs(next(logs) - next(logs)), dtype=np.float64))
        total += float(np.mean(np.abs(estimate[length] - target), dtype=np.float64))
    return total

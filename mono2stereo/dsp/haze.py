"""What a side has where its mid has nothing near: haze between harmonics, sidebands, smeared notes.

Spectra of 186 ms (4096 samples at 22 050 Hz) every quarter of that, as long at other rates. By cell: how far
the side, at the mid's level, stands above the largest of the mid's cells within 21 Hz and one frame; less is
nothing; both are floored 80 dB below the mid's loudest cell. The mean is over frames and 80 mel bands, each
the mean over its bins, so that treble counts as much as hearing makes of it. A linear filter that is short or
slow has none; a recording's own side has some, for it plays other notes. Project-defined, after the
noise-to-mask ratio of ITU-R BS.1387.
"""

from __future__ import annotations

import numpy as np
import scipy

from mono2stereo.dsp.bands import level_match
from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.dsp.signals import Signal, require_pair, require_sample_rate
from mono2stereo.dsp.stft import Stft

FRAME_SECONDS = 4096 / 22050
OVERLAP = 4
NEAR_HZ = 22.0  # four bins: the main lobe of a Hann window is two wide
NEAR_FRAMES = 1
FLOOR_DB = -80.0


def haze_db(*, estimate: Signal, reference: Signal, sample_rate: int) -> float:
    """Mean excess of the side over the mid's cells near, dB; 0 for a side that has nothing of its own.

    Args:
        estimate: (samples,), the side, at any level.
        reference: (samples,), the mid.
        sample_rate: Hz.

    Returns:
        dB; NaN for a silent mid.

    Raises:
        AudioError: lengths differ, or shorter than a frame.

    >>> noise = np.random.default_rng(0).standard_normal(22050)
    >>> round(haze_db(estimate=-0.1 * noise, reference=noise, sample_rate=22050), 9)
    0.0
    """
    require_pair(estimate, reference, "estimate and reference")
    side = level_match(estimate, reference)
    return haze_of_cells(
        estimate=cells(side, sample_rate), mask=mask(cells(reference, sample_rate)), sample_rate=sample_rate
    )


def cells(x: Signal, sample_rate: int) -> Signal:
    """Powers (frames, bins) of (samples,), float64."""
    require_sample_rate(sample_rate)
    step = round(FRAME_SECONDS / OVERLAP * sample_rate)
    return np.abs(Stft(OVERLAP * step, step, OVERLAP * step).analyse(x.astype(np.float64))) ** 2


def mask(reference: Signal) -> Signal:
    """The largest cell near each one, of `cells`."""
    near_bins = int(NEAR_HZ * FRAME_SECONDS)
    size = (2 * NEAR_FRAMES + 1, 2 * near_bins + 1)
    return scipy.ndimage.maximum_filter(reference, size, mode="constant")


def haze_of_cells(*, estimate: Signal, mask: Signal, sample_rate: int) -> float:
    """`haze_db` of cells at hand, the estimate's at the level of the mid whose `mask` it is."""
    floor = mask.max() * 10 ** (FLOOR_DB / 10)
    if not floor > 0:
        return float("nan")
    excess = 10 * np.log10(np.maximum(estimate, floor) / np.maximum(mask, floor))
    weights = mel_filterbank(sample_rate, 2 * (mask.shape[1] - 1))
    shares = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
    return float(np.mean(np.maximum(excess, 0) @ shares))

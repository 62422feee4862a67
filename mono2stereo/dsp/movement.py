"""How left and right move against the mid: what a chorus or a swirl has too much of, or too little.

Everything is computed from three signals: the mid M, and L = M + S, R = M - S with the side S at the RMS of
the mid less 5 dB (`SIDE_DB`), over the whole signal.

1. Short-time power: periodic Hann frames of 46.4 ms every 11.6 ms (1024 and 256 samples at 22 050 Hz; as
   long at other rates), no padding, transform as long as the frame.
2. Bands one ERB wide: the bins whose ERB number 21.4 log10(1 + 0.00437 f) has the same whole part, from 2
   (55 Hz) up to the last whole one below the Nyquist frequency; power summed over a band's bins.
3. Levels D = 10 log10(max(power, floor)), floor: 60 dB below the mid's largest power in any band and frame,
   the same for M, L and R. A cell (frame, band) counts where the mid's power is above the floor.
4. For each band, over the T frames of the signal: d(t) = D_L - D_M where the cell counts, less its mean over
   the cells that count; 0 elsewhere. The same with R, and e(t) with D_L - D_R.
5. Modulation of a band from f1 up to f2 Hz: sqrt(sum over f1 <= f < f2, f > 0, of 2 |DFT d|^2 / T / n), the
   standard deviation of what d holds there. n: how many cells of the band count; f: frequencies of the
   T-point DFT at one frame per 11.6 ms. Ranges (`MODULATION_HZ`): below 1, 1 to 4, 4 to 16, 16 to 40 Hz.
6. The figure is the mean over bands, each weighted by its n, and over left and right.
7. Level difference: sqrt(sum over t of e^2 / n), mean over bands weighted by n. Its change: the mean of
   magnitude of (D_L - D_R)(t + 1) - (D_L - D_R)(t) over all neighbouring frames of a band that both count.

A constant level difference, or colour, is no movement. Slow modulation takes time to tell: figures compare
over signals of one length. Sources: bands, Glasberg & Moore, Hearing Research 47 (1990); which rates are
heard as fluctuation (most at 4 Hz) and which as roughness, Zwicker & Fastl, Psychoacoustics; the combination
is this project's.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy

from mono2stereo.dsp.bands import level_match
from mono2stereo.dsp.erb import erb_bands
from mono2stereo.dsp.signals import Signal, require_pair, require_sample_rate
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import AudioError

FRAME_SECONDS, STEP_SECONDS = 1024 / 22050, 256 / 22050
SIDE_DB = -5.0  # re the mid
FLOOR_DB = -60.0  # re the mid's largest cell
LOWEST_ERB = 2
MODULATION_HZ = ((0.0, 1.0), (1.0, 4.0), (4.0, 16.0), (16.0, 40.0))
FEWEST_FRAMES = 16
# What `movement` returns, in its order.
FIGURES = (
    "modulation_below_1_hz_db",
    "modulation_1_to_4_hz_db",
    "modulation_4_to_16_hz_db",
    "modulation_16_to_40_hz_db",
    "level_difference_db",
    "level_difference_change_db",
)


def movement(mid: Signal, side: Signal, sample_rate: int) -> Signal:
    """Measure the six figures of the module's definition.

    Args:
        mid: (samples,).
        side: (samples,), at any level.
        sample_rate: Hz.

    Returns:
        (6,) dB, as `FIGURES` names them: 0 for a copy. NaN for a silent mid, and for ranges of modulation
        that the signal is too short for.

    Raises:
        AudioError: lengths differ, or fewer than 16 frames.

    >>> noise = np.random.default_rng(0).standard_normal((2, 44100))
    >>> movement(noise[0], -3 * noise[0], 22050).round(3).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    >>> movement(noise[0], noise[1], 22050).round(1).tolist()
    [0.2, 0.7, 1.2, 1.0, 2.8, 2.3]
    """
    stft = frames_of(sample_rate)
    require_pair(mid, side, "mid and side")
    if len(mid) < (fewest := stft.frame_length + (FEWEST_FRAMES - 1) * stft.frame_step):
        raise AudioError(f"movement over {len(mid)} samples: at least {fewest} at {sample_rate} Hz")
    mid = mid.astype(np.float64)
    side = level_match(side.astype(np.float64), mid) * 10 ** (SIDE_DB / 20)
    matrix = erb_matrix(sample_rate)
    spectra = [stft.analyse(x) for x in (mid, mid + side, mid - side)]
    powers = [(each.real**2 + each.imag**2) @ matrix for each in spectra]
    floor = powers[0].max() * 10 ** (FLOOR_DB / 10)
    if not floor > 0:
        return np.full(len(FIGURES), np.nan)
    of_mid, left, right = (10 * np.log10(np.maximum(power, floor)) for power in powers)
    counts = powers[0] > floor
    modulation = [_modulation_db(level - of_mid, counts, sample_rate) for level in (left, right)]
    difference = _without_mean(left - right, counts)
    change = np.abs(np.diff(left - right, axis=0))[counts[1:] & counts[:-1]]
    spread = _mean_over_bands(np.square(difference).sum(axis=0), counts)
    return np.array([*np.mean(modulation, axis=0), spread, change.mean() if change.size else np.nan])


def frames_of(sample_rate: int) -> Stft:
    """The short-time transform at a rate.

    >>> frames_of(22050).frame_step, frames_of(44100).frame_step
    (256, 512)
    """
    require_sample_rate(sample_rate)
    length = round(FRAME_SECONDS * sample_rate)
    return Stft(length, round(STEP_SECONDS * sample_rate), length + length % 2)


@lru_cache
def erb_matrix(sample_rate: int) -> Signal:
    """Sums bins into bands one ERB wide, (bins, bands) of zeros and ones, read-only.

    >>> erb_matrix(22050).shape, erb_matrix(44100).shape
    ((513, 34), (1025, 40))
    """
    matrix = erb_bands(frames_of(sample_rate).fft_length, sample_rate, LOWEST_ERB)
    matrix.flags.writeable = False
    return matrix


def _modulation_db(levels_db: Signal, counts: Signal, sample_rate: int) -> Signal:
    """(frames, bands) → (4,): what the level differences hold in each range of modulation."""
    frames = len(levels_db)
    power = 2 * np.abs(scipy.fft.rfft(_without_mean(levels_db, counts), axis=0)) ** 2 / frames
    hz = scipy.fft.rfftfreq(frames, frames_of(sample_rate).frame_step / sample_rate)
    ranges = [(hz > 0) & (hz >= low) & (hz < high) for low, high in MODULATION_HZ]
    return np.array(
        [_mean_over_bands(power[at].sum(axis=0), counts) if at.any() else np.nan for at in ranges]
    )


def _without_mean(levels_db: Signal, counts: Signal) -> Signal:
    counted = np.where(counts, levels_db, 0.0)
    return np.where(counts, counted - counted.sum(axis=0) / np.maximum(counts.sum(axis=0), 1), 0.0)


def _mean_over_bands(squares: Signal, counts: Signal) -> float:
    """Root of each band's sum of squares, (bands,), over its cells; the mean of these, by the cells."""
    cells = counts.sum(axis=0)
    return float(np.sqrt(squares * cells).sum() / cells.sum())

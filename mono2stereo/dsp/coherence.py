"""How much of one signal is a linear, time-invariant copy of another, per mel band."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mono2stereo.dsp.erb import erb_bands, erb_centres_hz, erb_width_hz
from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.dsp.signals import Signal, require_pair
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import AudioError

FEWEST_FRAMES = 16
LOWEST_ERB = 2  # 55 Hz
EMPTY = 1e-10  # of a signal's loudest bin: what rounding and resampling leave in bins that hold nothing


def mel_coherence(
    x: Signal, y: Signal, sample_rate: int, frame_length: int = 1024, n_mels: int = 80
) -> Signal:
    """Band-wise coherence over all of both signals, at Hann windows with 75 % overlap.

    For each band: sum_k W |sum_l X conj(Y)| / sum_k W sqrt(sum_l |X|^2 sum_l |Y|^2). 1 for a copy or any
    short filter, `coherence_floor` for independent signals: it means nothing without the duration, and
    one `frame_length` alone cannot tell a delay longer than itself from decorrelation.

    Args:
        x: (samples,).
        y: (samples,).
        sample_rate: Hz.
        frame_length: samples; the step is a quarter of it.
        n_mels: bands.

    Returns:
        (n_mels,) from 0 to 1; NaN where either signal is 100 dB below its loudest bin and in
        bands without a bin.

    Raises:
        AudioError: lengths differ, or fewer than 16 frames, when anything looks coherent.

    >>> noise = np.random.default_rng(0).standard_normal(22050)
    >>> round(mel_coherence(noise, -noise, 22050)[9], 6), mel_coherence(noise, noise[::-1], 22050)[9] < 0.3
    (np.float64(1.0), np.True_)
    """
    stft = Stft(frame_length, frame_length // 4, frame_length)
    require_pair(x, y, "x and y")
    frames = 1 + (x.shape[0] - frame_length) // stft.frame_step
    if frames < FEWEST_FRAMES:
        raise AudioError(
            f"coherence at frame_length {frame_length} over {x.shape[0]} samples: {max(frames, 0)} frames; "
            f"at least {FEWEST_FRAMES}, so {frame_length + (FEWEST_FRAMES - 1) * stft.frame_step} samples"
        )
    return coherence_of_spectra(
        stft.analyse(x.astype(np.float64)), stft.analyse(y.astype(np.float64)), sample_rate, n_mels
    )


def coherence_of_spectra(first: Signal, second: Signal, sample_rate: int, n_mels: int = 80) -> Signal:
    """`mel_coherence` of two spectra at hand, complex (frames, n_bins)."""
    return _by_band(first, second, mel_filterbank(sample_rate, 2 * (first.shape[1] - 1), n_mels))


def critical_band_lengths(sample_rate: int) -> Signal:
    """Window of each ERB-wide band in samples, (n_bands,): what `critical_band_coherence` takes it over.

    1024, 2048 or 4096 at 22 050 Hz, as long at other rates: the one nearest to eight times the inverse of the
    band's width, so 186 ms up to 313 Hz, 93 ms up to 920 Hz, 46 ms above. A noise in a band of width B is
    incoherent with itself after 1/B seconds, and a window must be a few times as long as the delays that it
    is to see through. That low bands need longer delays is Gribben & Lee's finding (AES 136, 2014).
    Fagerström et al. ("Perceptual Decorrelator Based on Resonators", DAFx25) had listeners find the delay
    that makes a noise one ERB wide as good as incoherent, take windows from it, and report longer ones than
    expected at high frequencies, hence the lower limit. Only their abstract was at hand: factor and limits
    are this project's.

    >>> lengths = critical_band_lengths(22050)
    >>> lengths[[0, 5, 15, -1]].tolist(), len(lengths)
    ([4096, 4096, 1024, 1024], 34)
    """
    wanted = 8 / erb_width_hz(erb_centres_hz(sample_rate, LOWEST_ERB)) * 22050 / 1024
    times = 2 ** np.clip(np.round(np.log2(wanted)), 0, 2).astype(int)
    return times * round(1024 / 22050 * sample_rate)


def critical_band_coherence(
    first: Mapping[int, Signal], second: Mapping[int, Signal], sample_rate: int
) -> Signal:
    """Coherence per band one ERB wide, at a window for each: `critical_band_lengths`.

    Args:
        first: spectra by window length in samples, complex (frames, n_bins), at 75 % overlap.
        second: the same of the other signal.
        sample_rate: Hz.

    Returns:
        (n_bands,) from 0 to 1; NaN where either signal is 100 dB below its loudest bin.
    """
    lengths = critical_band_lengths(sample_rate)
    bands = np.full(len(lengths), np.nan)
    for length in np.unique(lengths):
        weights = erb_bands(length, sample_rate, LOWEST_ERB).T
        at = lengths == length
        bands[at] = _by_band(first[length], second[length], weights)[at]
    return bands


def _by_band(first: Signal, second: Signal, weights: Signal) -> Signal:
    cross = np.abs(np.einsum("lk,lk->k", first, second.conj()))
    scale = np.sqrt(_energies(first)) * np.sqrt(_energies(second))
    with np.errstate(invalid="ignore"):
        return (weights @ np.where(scale > 0, cross, 0.0)) / (weights @ scale)


def coherence_floor(frames: int) -> float:
    """Expected coherence of independent noise over so many frames, Hann at 75 % overlap.

    The modulus of the mean of K independent products averages sqrt(pi/4K) (Carter, Knapp & Nuttall 1973,
    for large K); overlapping frames correlate by the window's autocorrelation r, which leaves
    K / sum_l (1-|l|/K) r_l^2 of them. About 1.23/sqrt(frames).

    Raises:
        AudioError: fewer than 16 frames.

    >>> round(coherence_floor(255), 3)
    0.077
    """
    if frames < FEWEST_FRAMES:
        raise AudioError(f"frames = {frames}: coherence takes at least {FEWEST_FRAMES}")
    lags = np.arange(4) / 4
    # Autocorrelation of the Hann window at a lag of a fraction of its length.
    r = (1 - lags) * (2 / 3 + np.cos(2 * np.pi * lags) / 3) + np.sin(2 * np.pi * lags) / (2 * np.pi)
    spread = 1 + 2 * np.sum((1 - np.arange(1, 4) / frames) * r[1:] ** 2)
    return float(np.sqrt(np.pi / 4 * spread / frames))


def _energies(spectrum: Signal) -> Signal:
    energies = np.einsum("lk,lk->k", spectrum.real, spectrum.real)
    energies = energies + np.einsum("lk,lk->k", spectrum.imag, spectrum.imag)
    return np.where(energies > EMPTY * energies.max(), energies, 0.0)

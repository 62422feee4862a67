"""Mel bands of magnitude spectra, and the distance between two of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import AudioError

# Slaney's Auditory Toolbox (1998): linear to 1 kHz, then 27 mels for a factor of 6.4.
_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27


def hz_to_mel(hz: Signal) -> Signal:
    """Map frequency in Hz to Slaney mels, any shape.

    >>> hz_to_mel(np.array([0.0, 1000.0, 6400.0])).round(6).tolist()
    [0.0, 15.0, 42.0]
    """
    hz = np.asarray(hz, np.float64)
    above = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _HZ_PER_MEL, above)


def mel_to_hz(mel: Signal) -> Signal:
    """Map Slaney mels to Hz, the inverse of `hz_to_mel`.

    >>> mel_to_hz(np.array([0.0, 15.0, 42.0])).round(6).tolist()
    [0.0, 1000.0, 6400.0]
    """
    mel = np.asarray(mel, np.float64)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, above)


@lru_cache
def mel_filterbank(
    sample_rate: int, fft_length: int, n_mels: int = 80, low_hz: float = 0.0, high_hz: float | None = None
) -> Signal:
    """Triangular mel weights on Slaney's scale, each of unit area over frequency (Slaney's norm).

    Args:
        sample_rate: Hz.
        fft_length: samples.
        n_mels: bands.
        low_hz: where the first band starts.
        high_hz: where the last band ends; None for Nyquist.

    Returns:
        (n_mels, fft_length//2 + 1) float64, read-only. Where bands are narrower than bins, rows may be zero.

    Raises:
        AudioError: no bands, or not 0 <= low_hz < high_hz <= Nyquist.

    >>> mel_filterbank(22050, 1024).shape
    (80, 513)
    """
    nyquist = sample_rate / 2
    high_hz = nyquist if high_hz is None else high_hz
    if n_mels < 1 or not 0 <= low_hz < high_hz <= nyquist:
        raise AudioError(
            f"mel_filterbank: n_mels = {n_mels}, low_hz = {low_hz}, high_hz = {high_hz}: at least one band, "
            f"and 0 <= low_hz < high_hz <= {nyquist:g}"
        )
    low_mel, high_mel = hz_to_mel(np.array([low_hz, high_hz]))
    edges = mel_to_hz(np.linspace(low_mel, high_mel, n_mels + 2))
    bins_hz = np.arange(fft_length // 2 + 1) * sample_rate / fft_length
    rising = (bins_hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins_hz) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0.0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    weights.flags.writeable = False
    return weights


def mel_centres_hz(sample_rate: int, n_mels: int = 80) -> Signal:
    """Where the bands of `mel_filterbank` peak, in Hz, (n_mels,).

    >>> bool(np.all(np.diff(mel_centres_hz(22050)) > 0))
    True
    """
    low_mel, high_mel = hz_to_mel(np.array([0.0, sample_rate / 2]))
    return mel_to_hz(np.linspace(low_mel, high_mel, n_mels + 2))[1:-1]


def mel_magnitudes(
    x: Signal, sample_rate: int, n_mels: int = 80, frame_length: int = 1024, frame_step: int = 256
) -> Signal:
    """Weigh the STFT magnitudes of (samples,) by mel bands.

    Returns:
        (frames, n_mels), of the dtype of `x`; frames = 1 + (samples-frame_length)//frame_step.

    Raises:
        AudioError: shorter than a frame.
    """
    magnitudes = np.abs(Stft(frame_length, frame_step, frame_length).analyse(x))
    return magnitudes @ mel_filterbank(sample_rate, frame_length, n_mels).T.astype(x.dtype)


def cells_distance_db(*, estimate: Signal, reference: Signal) -> float:
    """Log-mel distance: mean absolute difference of mel magnitudes, (frames, n_mels), in dB.

    Both are floored 60 dB below the loudest cell of the reference, so that bands a codec emptied and
    silence between notes do not count. NaN when the reference is silent.

    Args:
        estimate: of the side, brought to the level of the mid.
        reference: of the mid.

    >>> cells_distance_db(estimate=np.full((5, 80), 2.0), reference=np.ones((5, 80))).__round__(2)
    6.02
    """
    floor = reference.max() * 1e-3
    if not floor > 0:
        return float("nan")
    difference = np.log10(np.maximum(estimate, floor)) - np.log10(np.maximum(reference, floor))
    return float(20 * np.mean(np.abs(difference), dtype=np.float64))

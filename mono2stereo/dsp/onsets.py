"""Transients: project-defined measures, for want of a standard one."""

from __future__ import annotations

import numpy as np

from mono2stereo.dsp.mel import mel_magnitudes
from mono2stereo.dsp.signals import Signal, require_mono, require_pair


def onset_envelope(
    x: Signal, sample_rate: int, n_mels: int = 80, frame_length: int = 1024, frame_step: int = 256
) -> Signal:
    """Log-mel spectral flux: the mean over bands of the rises in level from frame to frame, dB.

    Levels are floored 60 dB below the loudest cell, so the envelope ignores the gain.

    Args:
        x: (samples,).
        sample_rate: Hz.
        n_mels: bands.
        frame_length: samples.
        frame_step: samples.

    Returns:
        (frames - 1,), not negative; zeros for silence.

    Raises:
        AudioError: shorter than two frames.

    >>> click = np.zeros(22050)
    >>> click[11025] = 1
    >>> 11025 - 1280 <= int(np.argmax(onset_envelope(click, 22050))) * 256 < 11025
    True
    """
    require_mono(x, "x", samples=frame_length + frame_step)
    cells = mel_magnitudes(x, sample_rate, n_mels, frame_length, frame_step)
    floor = cells.max() * 1e-3
    if not floor > 0:
        return np.zeros(cells.shape[0] - 1, x.dtype)
    return np.maximum(np.diff(20 * np.log10(np.maximum(cells, floor)), axis=0), 0).mean(axis=1)


def onset_correlation(x: Signal, y: Signal, sample_rate: int) -> float:
    """Pearson's correlation of two onset envelopes: 1 when transients fall together, about 0 when not.

    NaN when either envelope is constant.

    Raises:
        AudioError: lengths differ, or shorter than two frames.

    >>> noise = np.random.default_rng(0).standard_normal(22050)
    >>> round(onset_correlation(noise, -2 * noise, 22050), 6)
    1.0
    """
    require_pair(x, y, "x and y")
    first, second = (onset_envelope(signal, sample_rate).astype(np.float64) for signal in (x, y))
    first, second = first - first.mean(), second - second.mean()
    scale = np.sqrt(np.dot(first, first) * np.dot(second, second))
    return float(np.dot(first, second) / scale) if scale > 0 else float("nan")


def crest_factor_db(x: Signal) -> float:
    """Peak over RMS of (samples,) in dB; NaN for silence.

    >>> round(crest_factor_db(np.sin(2 * np.pi * np.arange(1000) / 100)), 2)
    3.01
    """
    require_mono(x, "x", samples=1)
    mean_square = np.mean(np.square(x, dtype=np.float64))
    if not mean_square > 0:
        return float("nan")
    return float(20 * np.log10(np.max(np.abs(x))) - 10 * np.log10(mean_square))

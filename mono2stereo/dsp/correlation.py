"""Cross-correlation over lags: where a mere delay shows, which short-window coherence misses."""

from __future__ import annotations

import numpy as np
import scipy

from mono2stereo.dsp.signals import Signal, require_pair
from mono2stereo.errors import AudioError

FADE_SECONDS = 0.02
EMPTY_DB = -80.0  # re the whole signal: what a band below it holds is rounding, not sound


def lagged_correlation(x: Signal, y: Signal, max_lag_samples: int) -> Signal:
    """Correlate `x` with `y` shifted by up to `max_lag_samples` either way.

    Args:
        x: (samples,).
        y: (samples,).
        max_lag_samples: below the length of the signals.

    Returns:
        (2*max_lag_samples + 1,) float64 from -1 to 1: sum_n x[n] y[n+lag] / sqrt(sum x^2 sum y^2) at lags
        -max_lag_samples…max_lag_samples. A `y` that is `x` delayed peaks at a positive lag. NaN when
        either is silent.

    Raises:
        AudioError: lengths differ or are not above `max_lag_samples`.

    >>> lagged_correlation(np.array([1.0, 0, 0, 0]), np.array([0, 0, 1.0, 0]), 2).round(9).tolist()
    [0.0, 0.0, 0.0, 0.0, 1.0]
    """
    if max_lag_samples < 0:
        raise AudioError(f"max_lag_samples = {max_lag_samples}: from 0 up")
    require_pair(x, y, "x and y", samples=max_lag_samples + 1)
    x, y = x.astype(np.float64), y.astype(np.float64)
    scale = np.sqrt(np.dot(x, x) * np.dot(y, y))
    if not scale > 0:
        return np.full(2 * max_lag_samples + 1, np.nan)
    size = scipy.fft.next_fast_len(x.shape[0] + max_lag_samples, real=True)
    product = scipy.fft.irfft(scipy.fft.rfft(x, size).conj() * scipy.fft.rfft(y, size), size)
    return np.concatenate([product[size - max_lag_samples :], product[: max_lag_samples + 1]]) / scale


def octave_centres_hz(sample_rate: int) -> Signal:
    """Base-ten octaves (IEC 61260-1) from 63 Hz that end below the Nyquist frequency, (n_octaves,).

    >>> octave_centres_hz(22050).round().tolist()
    [63.0, 126.0, 251.0, 501.0, 1000.0, 1995.0, 3981.0]
    """
    centres = 1000 * 10.0 ** (0.3 * np.arange(-4, 6))
    return centres[centres * 10**0.15 <= sample_rate / 2]


def octave_correlation(x: Signal, y: Signal, sample_rate: int, max_lag_samples: int) -> Signal:
    """`lagged_correlation` of what both signals hold in each octave, by ideal filters of no phase.

    Both fade in and out over 20 ms, so that their ends do not sound in all octaves.

    Narrow bands correlate by chance: over T seconds independent noise B hertz wide reads about
    sqrt(ln(2 B max_lag) / (B T)) at its largest; steady tones always find a lag at which they agree.

    Args:
        x: (samples,).
        y: (samples,).
        sample_rate: Hz.
        max_lag_samples: below the length of the signals.

    Returns:
        (n_octaves, 2*max_lag_samples + 1) from -1 to 1 over `octave_centres_hz`; NaN where either signal
        is silent or the octave holds less than -80 dB of it.

    Raises:
        AudioError: lengths differ or are not above `max_lag_samples`.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    >>> octave_correlation(tone, -tone, 22050, 0)[:, 0].round(3).tolist()
    [nan, nan, nan, nan, -1.0, nan, nan]
    """
    require_pair(x, y, "x and y", samples=max_lag_samples + 1)
    size = scipy.fft.next_fast_len(x.shape[0] + max_lag_samples, real=True)
    fade = scipy.signal.windows.tukey(x.shape[0], min(2 * FADE_SECONDS * sample_rate / x.shape[0], 1.0))
    faded = [signal * fade for signal in (x, y)]
    spectra = [scipy.fft.rfft(signal, size) for signal in faded]
    lowest = [np.dot(signal, signal) * 10 ** (EMPTY_DB / 10) for signal in faded]
    rows = []
    for centre_hz in octave_centres_hz(sample_rate):
        first, last = np.ceil(centre_hz * 10.0 ** np.array([-0.15, 0.15]) * size / sample_rate).astype(int)
        inside = [spectrum[first:last] for spectrum in spectra]
        energies = [2 * np.vdot(part, part).real / size for part in inside]
        if not all(energy > least for energy, least in zip(energies, lowest, strict=True)):
            rows.append(np.full(2 * max_lag_samples + 1, np.nan))
            continue
        cross = np.zeros(size // 2 + 1, np.complex128)
        cross[first:last] = inside[0].conj() * inside[1]
        product = scipy.fft.irfft(cross, size)
        window = np.concatenate([product[size - max_lag_samples :], product[: max_lag_samples + 1]])
        rows.append(window / np.sqrt(energies[0] * energies[1]))
    return np.array(rows)

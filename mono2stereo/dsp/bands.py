"""Long-term levels per third-octave band, from DC to Nyquist: no blind spots."""

from __future__ import annotations

import numpy as np
import scipy

from mono2stereo.dsp.signals import Signal, require_mono, require_sample_rate
from mono2stereo.errors import AudioError

SUBSONIC_HZ = 30.0
_SILENCE_POWER = 1e-30


def level_match(x: Signal, to: Signal) -> Signal:
    """Scale `x` to the RMS of `to`. A silent `x` stays silent.

    >>> level_match(np.array([1.0, -1.0]), to=np.array([2.0, 2.0])).tolist()
    [2.0, -2.0]
    """
    level = _mean_square(x)
    return x * x.dtype.type(np.sqrt(_mean_square(to) / level)) if level > 0 else x.copy()


def level_db(x: Signal) -> float:
    """RMS level of (samples,) in dB re full scale; -300 dB for silence.

    >>> round(level_db(np.array([1.0, -1.0])), 6)
    0.0
    """
    return float(10 * np.log10(max(_mean_square(x), _SILENCE_POWER)))


def third_octave_edges_hz(sample_rate: int) -> Signal:
    """Edges of the bands, (n_bands + 1,): 0, 30 Hz, base-ten third octaves (IEC 61260-1), Nyquist.

    The band at 31.5 Hz starts at 30 Hz, since all below is one band of its own; the last one ends at Nyquist.

    >>> third_octave_edges_hz(22050)[[0, 1, 2, -1]].round(2).tolist()
    [0.0, 30.0, 35.48, 11025.0]
    """
    require_sample_rate(sample_rate)
    nyquist = sample_rate / 2
    upper = 10.0 ** ((np.arange(15, 15 + 3 * 12) + 0.5) / 10)
    return np.concatenate([[0.0, SUBSONIC_HZ], upper[upper < nyquist], [nyquist]])


def third_octave_levels_db(x: Signal, sample_rate: int) -> Signal:
    """Measure the long-term level of each third-octave band.

    Welch's method over half-second Hann windows without removal of the mean (2 Hz resolution); bins on an
    edge are shared between its two bands, so the powers add up to the mean square.

    Args:
        x: (samples,), at least half a second.
        sample_rate: Hz.

    Returns:
        (n_bands,) in dB re full scale (RMS); -300 dB for silence.

    Raises:
        AudioError: too short.

    >>> levels = third_octave_levels_db(np.full(22050, 0.1), 22050)
    >>> round(float(levels[0]), 1), bool(levels[5:].max() < -200)
    (-20.0, True)
    """
    edges = third_octave_edges_hz(sample_rate)
    frame = sample_rate // 2
    require_mono(x, "x", samples=frame)
    frequencies, density = scipy.signal.welch(
        x.astype(np.float64), sample_rate, nperseg=frame, detrend=False, scaling="density"
    )
    return 10 * np.log10(
        np.maximum(band_powers(density * frequencies[1], sample_rate, edges), _SILENCE_POWER)
    )


def band_powers(power: Signal, sample_rate: int, edges_hz: Signal) -> Signal:
    """Sum the powers of bins from DC to Nyquist, (n_bins,), into bands between `edges_hz`, (n_bands,).

    A bin on an edge is shared between its two bands.

    >>> band_powers(np.array([1.0, 2.0, 2.0, 1.0]), 6, np.array([0.0, 1.0, 3.0])).tolist()
    [2.0, 4.0]
    """
    spacing = sample_rate / 2 / (len(power) - 1)
    bin_edges = np.append(np.maximum((np.arange(len(power)) - 0.5) * spacing, 0.0), sample_rate / 2)
    return np.diff(np.interp(edges_hz, bin_edges, np.concatenate([[0.0], np.cumsum(power)])))


def levels_spread_db(*, estimate: Signal, reference: Signal, sample_rate: int, low_hz: float = 0.0) -> float:
    """Measure colouration: standard deviation over third-octave bands of the level difference, dB.

    Bands of the reference 60 dB below its loudest do not count, and the estimate is floored there.

    Args:
        estimate: levels (n_bands,) dB; the whole brought to the reference's level.
        reference: levels (n_bands,) dB.
        sample_rate: Hz.
        low_hz: bands that reach below it do not count, for estimates high-passed on purpose.

    Raises:
        AudioError: no band is left.
    """
    floor = reference.max() - 60
    counts = (reference > floor) & (third_octave_edges_hz(sample_rate)[:-1] >= low_hz)
    if not counts.any():
        raise AudioError(f"low_hz = {low_hz}: no band above it within 60 dB of the loudest; lower it")
    return float(np.std(np.maximum(estimate, floor)[counts] - reference[counts]))


def levels_distance_db(*, estimate: Signal, reference: Signal) -> float:
    """Mean absolute difference of third-octave levels, (n_bands,) dB, both floored 60 dB below the loudest.

    >>> levels_distance_db(estimate=np.array([0.0, -3.0]), reference=np.array([0.0, -99.0]))
    28.5
    """
    floor = reference.max() - 60
    return float(np.mean(np.abs(np.maximum(estimate, floor) - np.maximum(reference, floor))))


def _mean_square(x: Signal) -> float:
    return float(np.mean(np.square(x, dtype=np.float64)))


def third_octave_matrix(fft_length: int) -> Signal:
    """Sums bins into bands a third of an octave wide, at least one bin each; every bin is in one band.

    Returns:
        `(bins, bands)` of zeros and ones; the first band is DC, the last ends at Nyquist.
    """
    n_bins = fft_length // 2 + 1
    starts = [0, 1]
    while starts[-1] < n_bins - 1:
        starts.append(max(starts[-1] + 1, round(starts[-1] * 2 ** (1 / 3))))
    starts = [start for start in starts if start < n_bins]
    band_of_bin = np.searchsorted(starts, np.arange(n_bins), side="right") - 1
    return np.eye(len(starts), dtype=np.float32)[band_of_bin]

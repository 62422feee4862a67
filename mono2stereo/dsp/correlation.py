"""Cross-correlation over lags: where a mere delay shows, which short-window coherence misses."""

from __future__ import annotations

import numpy as np
import scipy.fft

from mono2stereo.dsp.signals import Signal, require_pair
from mono2stereo.errors import AudioError


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

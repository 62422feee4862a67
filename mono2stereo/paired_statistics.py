"""What may be said about a method from a handful of tracks: intervals of means and paired tests.

A track is one observation; its stretches are not independent and are averaged before they come here, but for
`nested_interval`, which draws tracks and then their stretches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray


def mean_interval(
    values: ArrayLike, *, seed: int, level: float = 0.95, resamples: int = 4000
) -> tuple[float, float, float]:
    """Mean of one value per track, with its percentile bootstrap interval.

    Undefined values (NaN) are left out; with fewer than two left the interval's ends are NaN.

    Args:
        values: One value per track.
        seed: Of the resampling; the same seed gives the same interval.
        level: Share of the interval.
        resamples: Bootstrap samples drawn.

    Returns:
        Mean, lower end, upper end, in the unit of the values.

    Source: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Ann. Statist. 7(1), 1979.
    """
    present = _present(values)
    if len(present) == 0:
        return np.nan, np.nan, np.nan
    if len(present) == 1:
        return float(present[0]), np.nan, np.nan
    drawn = scipy.stats.bootstrap(
        (present,),
        np.mean,
        n_resamples=resamples,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = drawn.confidence_interval
    return float(present.mean()), float(low), float(high)


def nested_interval(
    tracks: Sequence[ArrayLike], *, seed: int, level: float = 0.95, resamples: int = 4000
) -> tuple[float, float, float]:
    """Mean over tracks of their stretches' means, with the percentile interval of a two-stage bootstrap.

    Each resample draws as many tracks as there are, then for each as many of its stretches as it has: both
    what tracks and what stretches differ by counts. Undefined values (NaN) are left out, and tracks without
    any other; with fewer than two tracks left the interval's ends are NaN.

    Args:
        tracks: One array of values per track, a value per stretch.
        seed: Of the resampling.
        level: Share of the interval.
        resamples: Bootstrap samples drawn.

    Returns:
        Mean, lower end, upper end, in the unit of the values.

    Source: A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8.
    """
    present = [values for values in map(_present, tracks) if len(values)]
    if not present:
        return np.nan, np.nan, np.nan
    mean = float(np.mean([values.mean() for values in present]))
    if len(present) == 1:
        return mean, np.nan, np.nan
    random = np.random.default_rng(seed)  # by hand: scipy.stats.bootstrap draws in one stage
    drawn = random.integers(len(present), size=(resamples, len(present)))
    means = np.empty(drawn.shape)
    for track, values in enumerate(present):
        places = drawn == track
        again = random.integers(len(values), size=(np.count_nonzero(places), len(values)))
        means[places] = values[again].mean(axis=1)
    low, high = np.quantile(means.mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return mean, float(low), float(high)


def paired_p_value(values: ArrayLike, reference: ArrayLike) -> float:
    """Two-sided Wilcoxon signed-rank test of two methods on the same tracks.

    Tracks where either value is NaN are left out. Fewer than two left: NaN. No difference anywhere: 1.
    The smallest possible value for n tracks is 2 / 2**n.

    Source: F. Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bull. 1(6), 1945.
    """
    differences = _present(np.subtract(values, reference, dtype=np.float64))
    if len(differences) < 2:
        return np.nan
    if not differences.any():
        return 1.0
    return float(scipy.stats.wilcoxon(differences).pvalue)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P values of one family of tests, adjusted so that the chance of any false alarm keeps its level.

    NaN stays NaN and does not count as a test.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]

    Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scand. J. Statist. 6(2), 1979.
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full_like(p, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    ascending = tested[np.argsort(p[tested], kind="stable")]
    factors = len(ascending) - np.arange(len(ascending))
    adjusted[ascending] = np.minimum(np.maximum.accumulate(p[ascending] * factors), 1.0)
    return adjusted


def _present(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    return array[~np.isnan(array)]

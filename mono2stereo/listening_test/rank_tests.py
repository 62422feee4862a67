"""What a listening test shows, by ranks, and how many listeners it takes, after ITU-R BS.2132.

A listener is one observation: their mean over excerpts. Ratings are no more than ordered: nothing here
assumes a distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy

from mono2stereo.errors import DataError
from mono2stereo.listening_test.results import SCALES, Session
from mono2stereo.paired_statistics import holm, paired_p_value

ALPHA = 0.05


@dataclass(frozen=True)
class Pair:
    """Two stimuli on one scale.

    Attributes:
        scale: quality or width.
        first: a stimulus.
        second: another.
        difference: median over listeners of first minus second, scale units.
        p_holm: Wilcoxon signed-rank, corrected after Holm over the scale's pairs.
    """

    scale: str
    first: str
    second: str
    difference: float
    p_holm: float


def listeners_by_stimuli(sessions: Sequence[Session], scale: str) -> tuple[list[str], np.ndarray]:
    """Stimuli that every listener rated, and (listeners, stimuli) their means over excerpts."""
    place = 2 + SCALES.index(scale)
    means = []
    for session in sessions:
        ratings: dict[str, list[float]] = {}
        for rating in session.ratings:
            ratings.setdefault(rating[0], []).append(float(rating[place]))
        means.append({stimulus: float(np.mean(values)) for stimulus, values in ratings.items()})
    stimuli = [name for name in means[0] if all(name in each for each in means)]
    return stimuli, np.array([[each[name] for name in stimuli] for each in means])


def any_difference(sessions: Sequence[Session], scale: str) -> float:
    """P value of Friedman's test that all stimuli are rated alike.

    Raises:
        DataError: fewer than three stimuli or two listeners.

    Source: M. Friedman, "The Use of Ranks to Avoid the Assumption of Normality", JASA 32, 1937.
    """
    stimuli, table = listeners_by_stimuli(sessions, scale)
    if len(stimuli) < 3 or len(table) < 2:
        raise DataError(f"{len(stimuli)} stimuli, {len(table)} listeners: rank tests take 3 and 2 at least")
    if not np.ptp(table, axis=1).any():
        return 1.0
    return float(scipy.stats.friedmanchisquare(*table.T).pvalue)


def pairs(sessions: Sequence[Session]) -> list[Pair]:
    """Every two stimuli on both scales."""
    compared = []
    for scale in SCALES:
        stimuli, table = listeners_by_stimuli(sessions, scale)
        both = list(combinations(range(len(stimuli)), 2))
        corrected = holm([paired_p_value(table[:, i], table[:, j]) for i, j in both])
        for (i, j), p in zip(both, corrected, strict=True):
            difference = float(np.median(table[:, i] - table[:, j]))
            compared.append(Pair(scale, stimuli[i], stimuli[j], difference, float(p)))
    return compared


def listeners_needed(difference: float, deviation: float, comparisons: int, *, power: float = 0.8) -> int:
    """How many listeners show a difference with this power, after the strictest step of Holm's correction.

    Args:
        difference: of two stimuli's means, scale units.
        deviation: standard deviation over listeners of their differences, scale units.
        comparisons: pairs that are tested.
        power: chance that the test finds it.

    Wilcoxon's test takes pi / 3 times what a t test takes of normal differences, and at least as many as can
    give a p value that small at all. Sources: E. L. Lehmann, "Nonparametrics", 1975, section 4.2; for t,
    W. C. Guenther, "Sample Size Formulas for Normal Theory T Tests", Am. Stat. 35, 1981.

    >>> listeners_needed(10, 12, 1), listeners_needed(10, 12, 15), listeners_needed(5, 12, 15)
    (14, 27, 91)
    """
    alpha = ALPHA / comparisons
    strict, sure = scipy.stats.norm.ppf(1 - alpha / 2), scipy.stats.norm.ppf(power)
    of_t = ((strict + sure) * deviation / difference) ** 2 + strict**2 / 2
    by_power = math.ceil(of_t * math.pi / 3)
    return max(by_power, math.ceil(1 - math.log2(alpha)))


def as_text(sessions: Sequence[Session]) -> str:
    """Both tests, for a terminal."""
    lines, compared = [], pairs(sessions)
    for scale in SCALES:
        p = any_difference(sessions, scale)
        lines.append(f"{scale}: all alike, p = {p:.2g} (Friedman)")
        for pair in (each for each in compared if each.scale == scale):
            lines.append(
                f"  {pair.first} − {pair.second}: {pair.difference:+.1f}, p = {pair.p_holm:.2g} "
                "(Wilcoxon, Holm)"
            )
    return "\n".join(lines)

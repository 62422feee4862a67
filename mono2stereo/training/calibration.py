"""How wide an exported network makes the training recordings itself: what a width curve is corrected by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mono2stereo.data.natural import WIDTH_CENTRES_HZ, OwnRateLevels
from mono2stereo.data.pairs import Pair
from mono2stereo.decorrelators.base import Decorrelator

RECORDINGS = 64
SECONDS = 16.0  # of each; over shorter ones quiet bands read too wide
QUIET_DB = -70.0  # below the mid's loudest band: too little to tell


def own_width(decorrelator: Decorrelator, pairs: Sequence[Pair]) -> dict[str, list[float]]:
    """Median over recordings of the side's long-term level against the mid's, per third octave.

    The natural width is measured on the same recordings in the same way; the difference of the two is the
    gain that makes the side as wide as they are.

    Args:
        decorrelator: the network as it was exported.
        pairs: the training recordings; of more than 64 an even choice, of each 16 s from its middle.

    Returns:
        Equally long lists `frequency_hz` and `side_to_mid_db`, up to the Nyquist frequency.
    """
    ratios = []
    for number in np.unique(np.linspace(0, len(pairs) - 1, RECORDINGS).astype(int)):
        pair = pairs[number]
        samples = min(round(SECONDS * pair.sample_rate), len(pair.mid_side))
        start = (len(pair.mid_side) - samples) // 2
        mid = np.ascontiguousarray(pair.mid_side[start : start + samples, 0])
        levels = OwnRateLevels(pair.sample_rate)
        levels.add(np.stack([mid, decorrelator.side(mid, pair.sample_rate)], axis=1))
        mid_db, side_db = levels.levels_db()
        heard = mid_db > np.nanmax(mid_db) + QUIET_DB
        ratios.append(np.where(heard, side_db - mid_db, np.nan))
    known = ~np.isnan(ratios).all(axis=0)
    return {
        "frequency_hz": [round(float(hz), 1) for hz in WIDTH_CENTRES_HZ[known]],
        "side_to_mid_db": [round(float(db), 2) for db in np.nanmedian(np.array(ratios)[:, known], axis=0)],
    }

"""Measures of recordings' own sides as `mono2stereo measure` takes them, to say what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.data.pairs import Pair
from mono2stereo.evaluation.stretches import choose_stretches
from mono2stereo.measures import OF_A_FILE, Readings, take_measures
from mono2stereo.measures.recordings import STRETCH_SECONDS, mean_readings
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis
from mono2stereo.parallel import map_parallel

STRETCHES = 2  # of each


def measure_pairs(pairs: Sequence[Pair]) -> list[Readings]:
    """Means over a recording's stretches, for every recording that sounds.

    Raises:
        DataError: none does.
    """
    stretches, _ = choose_stretches(pairs, count=STRETCHES, seconds=STRETCH_SECONDS)
    measured = map_parallel(_measured, stretches, label="recordings")
    of_track = groupby(zip(stretches, measured, strict=True), key=lambda each: each[0].track)
    return [mean_readings([readings for _, readings in group]) for _, group in of_track]


def _measured(stretch: Excerpt) -> Readings:
    mid, side = (SignalAnalysis(signal, stretch.sample_rate) for signal in (stretch.mid, stretch.side))
    return take_measures(SideAnalysis(mid, side), OF_A_FILE)

"""Which parts of the tracks are measured: evenly spaced, the same ones for every method and every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mono2stereo.data.pairs import Pair
from mono2stereo.dsp.bands import level_db
from mono2stereo.errors import DataError
from mono2stereo.evaluation.excerpts import RUN_IN_SECONDS, Excerpt

SILENCE_DB = -60.0  # re full scale, the mid
MONO_DB = -50.0  # re the mid, the recording's own side
PLACES = (0.5, 0.25, 0.75, 0.0, 1.0)  # tried in this order, as shares of a section's spare length


def choose_stretches(
    pairs: Sequence[Pair], *, count: int, seconds: float, shortest_seconds: float
) -> list[Excerpt]:
    """Choose up to `count` stretches of each track: one in the middle of each of as many equal sections.

    Where that is silent or mono, other places in the section are tried. A track holds no more stretches than
    fit without overlap; one that is shorter than `seconds` is measured whole.

    Args:
        pairs: of one split; only what is needed is read.
        count: stretches per track.
        seconds: length of each.
        shortest_seconds: tracks shorter than this are left out.

    Raises:
        DataError: no track sounds in stereo.
    """
    chosen = [
        stretch
        for pair in pairs
        if len(pair.mid_side) >= round(shortest_seconds * pair.sample_rate)
        for stretch in _of_track(pair, count, seconds)
    ]
    if not chosen:
        raise DataError(
            f"no track of the split sounds in stereo for {shortest_seconds:g} s; add recordings, "
            "or evaluate the other split (evaluate.split)"
        )
    return chosen


def _of_track(pair: Pair, count: int, seconds: float) -> Iterator[Excerpt]:
    length = min(round(seconds * pair.sample_rate), len(pair.mid_side))
    sections = min(count, len(pair.mid_side) // length)
    spare = len(pair.mid_side) // sections - length
    for section in range(sections):
        first = section * len(pair.mid_side) // sections
        candidates = (_cut(pair, first + round(place * spare), length) for place in PLACES)
        stretch = next(filter(_sounds_in_stereo, candidates), None)
        if stretch is not None:
            yield stretch


def _cut(pair: Pair, start: int, length: int) -> Excerpt:
    rate = pair.sample_rate
    passage = np.array(pair.mid_side[start : start + length])
    return Excerpt(
        name=f"{pair.name} from {start / rate:.1f} s",
        track=pair.name,
        start_seconds=start / rate,
        run_in=np.array(pair.mid_side[max(0, start - round(RUN_IN_SECONDS * rate)) : start, 0]),
        mid=np.ascontiguousarray(passage[:, 0]),
        side=np.ascontiguousarray(passage[:, 1]),
        sample_rate=rate,
    )


def _sounds_in_stereo(stretch: Excerpt) -> bool:
    mid_db = level_db(stretch.mid)
    return mid_db > SILENCE_DB and level_db(stretch.side) > mid_db + MONO_DB

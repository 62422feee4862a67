"""The passages one listens to: the same for every checkpoint, spread over the tracks, none of them silent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from mono2stereo.data.excerpts import Excerpt, MidSide, cut_excerpt, fit_for_a_file
from mono2stereo.errors import DataError

SEARCH_STEP_SECONDS = 0.25
SILENCE = 1e-4  # of the energy of the track's loudest passage


def choose_excerpts(tracks: Sequence[MidSide], *, count: int, seconds: float) -> list[Excerpt]:
    """Choose `count` excerpts, or as many as the tracks hold: a track's loudest passage, then its next ones.

    With more tracks than excerpts the tracks are taken at even distances, with fewer each gives several
    that do not overlap. A track shorter than `seconds` is taken whole.

    Args:
        tracks: of one split; only what is needed is read.
        count: excerpts wanted.
        seconds: length of each.

    Raises:
        DataError: no track has a sounding mid.
    """
    used = min(count, len(tracks))
    chosen = [tracks[number * len(tracks) // used] for number in range(used)]
    passages = [_loudest_first(pair.mid_side[:, 0], pair.sample_rate, seconds) for pair in chosen]
    # First the loudest passage of every track, then the second of every track, and so on.
    rounds = zip_longest(*([(number, start) for start in starts] for number, starts in enumerate(passages)))
    picked = sorted([place for places in rounds for place in places if place is not None][:count])
    if not picked:
        raise DataError("data/pairs: no validation track to listen to; add recordings to the split valid")
    return [
        cut_excerpt(
            chosen[track],
            start,
            round(seconds * chosen[track].sample_rate),
            name=f"{order:02d}_{fit_for_a_file(chosen[track].name)}",
        )
        for order, (track, start) in enumerate(picked, start=1)
    ]


def _loudest_first(mid: NDArray[np.float32], sample_rate: int, seconds: float) -> Iterator[int]:
    """First samples of passages that do not overlap, loudest first, silent ones left out."""
    step = round(SEARCH_STEP_SECONDS * sample_rate)
    squares = np.square(mid, dtype=np.float64)
    blocks = np.add.reduceat(squares, np.arange(0, len(mid), step))
    length = min(round(seconds * sample_rate), len(mid))
    spanned = max(1, min(-(-length // step), len(blocks)))
    energies = np.convolve(blocks, np.ones(spanned), "valid")
    floor = SILENCE * energies.max()
    while energies.max() > floor:
        first = int(energies.argmax())
        yield min(first * step, len(mid) - length)
        energies[max(0, first - spanned) : first + spanned + 1] = 0

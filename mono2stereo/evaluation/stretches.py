"""Which parts of the tracks are measured: evenly spaced, the same ones for every method and every run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mono2stereo.data.excerpts import Excerpt, MidSide, cut_excerpt
from mono2stereo.dsp.bands import level_db
from mono2stereo.errors import AudioError, DataError

SILENCE_DB = -60.0  # re full scale, the mid
MONO_DB = -50.0  # re the mid, the recording's own side
SHORTEST_SECONDS = 0.5  # what the third-octave levels take
PLACES = (0.5, 0.25, 0.75, 0.0, 1.0)  # tried in this order, as shares of a section's spare length


def choose_stretches(
    pairs: Sequence[MidSide], *, count: int, seconds: float
) -> tuple[list[Excerpt], dict[str, str]]:
    """Choose up to `count` stretches of each track: one in the middle of each of as many equal sections.

    Where that is silent or mono, other places in the section are tried; of a track that is mono throughout,
    those that sound. A track holds no more stretches than fit without overlap; one that is shorter than
    `seconds` is measured whole.

    Args:
        pairs: of one split; only what is needed is read.
        count: stretches per track.
        seconds: length of each.

    Returns:
        The stretches, and by track why it has none.

    Raises:
        DataError: no track has a stretch to measure.
    """
    chosen: list[Excerpt] = []
    left_out = {}
    for pair in pairs:
        try:
            chosen += stretches_of(pair, count=count, seconds=seconds)
        except AudioError as reason:
            left_out[pair.name] = str(reason)
    if not chosen:
        raise DataError(
            "no track of the split can be measured ("
            + "; ".join(f"{track}: {reason}" for track, reason in list(left_out.items())[:3])
            + "); add recordings, or evaluate the other split (evaluate.split)"
        )
    return chosen, left_out


def stretches_of(track: MidSide, *, count: int, seconds: float) -> list[Excerpt]:
    """One track's of `choose_stretches`.

    Raises:
        AudioError: it has none, and why.
    """
    length = len(track.mid_side) / track.sample_rate
    if length < SHORTEST_SECONDS:
        raise AudioError(f"{length:.3g} s long; at least {SHORTEST_SECONDS:g} s")
    chosen = _sounding(track, count, seconds, _in_stereo) or _sounding(track, count, seconds, _at_all)
    if not chosen:
        raise AudioError("the mid is silent")
    return chosen


def _sounding(pair: MidSide, count: int, seconds: float, sounds: Callable[[Excerpt], bool]) -> list[Excerpt]:
    length = min(round(seconds * pair.sample_rate), len(pair.mid_side))
    sections = min(count, len(pair.mid_side) // length)
    spare = len(pair.mid_side) // sections - length
    stretches = []
    for section in range(sections):
        first = section * len(pair.mid_side) // sections
        candidates = (_stretch(pair, first + round(place * spare), length) for place in PLACES)
        stretch = next(filter(sounds, candidates), None)
        if stretch is not None:
            stretches.append(stretch)
    return stretches


def _stretch(pair: MidSide, start: int, length: int) -> Excerpt:
    return cut_excerpt(pair, start, length, name=f"{pair.name} from {start / pair.sample_rate:.1f} s")


def _at_all(stretch: Excerpt) -> bool:
    return level_db(stretch.mid) > SILENCE_DB


def _in_stereo(stretch: Excerpt) -> bool:
    return _at_all(stretch) and level_db(stretch.side) > level_db(stretch.mid) + MONO_DB

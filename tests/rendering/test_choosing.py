from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.data.excerpts import RUN_IN_SECONDS
from mono2stereo.data.pairs import Pair
from mono2stereo.errors import DataError
from mono2stereo.rendering.choosing import choose_excerpts

RATE = 8000


def track(name: str, seconds: float, loud_at: tuple[float, ...] = (), level: float = 0.01) -> Pair:
    noise = np.random.default_rng(len(name)).standard_normal((round(seconds * RATE), 2)).astype(np.float32)
    noise *= level
    for start in loud_at:
        noise[round(start * RATE) : round((start + 2) * RATE)] *= 50
    return Pair(name, "valid", RATE, noise, 0.0, np.ones(80, np.float32), np.ones(80, np.float32))


def test_the_loudest_passage_is_chosen() -> None:
    (excerpt,) = choose_excerpts([track("a", 20, loud_at=(13.0,))], count=1, seconds=2.0)
    assert excerpt.start_seconds == pytest.approx(13.0, abs=0.25)


def test_mid_side_and_run_in_are_the_tracks_own_samples() -> None:
    pair = track("a", 20, loud_at=(13.0,))
    (excerpt,) = choose_excerpts([pair], count=1, seconds=2.0)
    start = round(excerpt.start_seconds * RATE)
    np.testing.assert_array_equal(excerpt.mid, pair.mid_side[start : start + 2 * RATE, 0])
    np.testing.assert_array_equal(excerpt.side, pair.mid_side[start : start + 2 * RATE, 1])
    before = round(RUN_IN_SECONDS * RATE)
    np.testing.assert_array_equal(excerpt.run_in, pair.mid_side[start - before : start, 0])


def test_fewer_excerpts_than_tracks_take_tracks_at_even_distances() -> None:
    tracks = [track(f"track {number}", 6) for number in range(10)]
    chosen = choose_excerpts(tracks, count=4, seconds=2.0)
    assert [excerpt.track for excerpt in chosen] == ["track 0", "track 2", "track 5", "track 7"]
    assert chosen[1].name == "02_track-2"


def test_more_excerpts_than_tracks_take_further_passages_that_do_not_overlap() -> None:
    chosen = choose_excerpts([track("a", 20, loud_at=(5.0, 14.0)), track("b", 20)], count=3, seconds=2.0)
    assert [excerpt.track for excerpt in chosen] == ["a", "a", "b"]
    assert [excerpt.start_seconds for excerpt in chosen[:2]] == pytest.approx([5.0, 14.0], abs=0.25)


@settings(deadline=None, max_examples=30)
@given(
    seconds=st.floats(1.0, 7.0),
    length=st.floats(3.0, 30.0),
    count=st.integers(1, 9),
    level=st.floats(1e-6, 1.0),
)
def test_excerpts_lie_in_the_track_and_apart(seconds: float, length: float, count: int, level: float) -> None:
    pair = track("a", length, level=level)
    chosen = choose_excerpts([pair], count=count, seconds=seconds)
    assert 1 <= len(chosen) <= count
    expected = min(round(seconds * RATE), len(pair.mid_side))
    assert all(len(excerpt.mid) == len(excerpt.side) == expected for excerpt in chosen)
    starts = [round(excerpt.start_seconds * RATE) for excerpt in chosen]
    assert all(later - earlier >= expected for earlier, later in pairwise(starts))
    again = choose_excerpts([pair], count=count, seconds=seconds)
    assert [excerpt.start_seconds for excerpt in again] == [excerpt.start_seconds for excerpt in chosen]


def test_silence_is_never_chosen() -> None:
    silent, sounding = track("silent", 10, level=0.0), track("sounding", 10, loud_at=(4.0,), level=1e-5)
    sounding.mid_side[: 4 * RATE] = 0
    sounding.mid_side[6 * RATE :] = 0
    (excerpt,) = choose_excerpts([silent, sounding], count=2, seconds=2.0)
    assert excerpt.track == "sounding"
    with pytest.raises(DataError, match="no validation track"):
        choose_excerpts([silent], count=1, seconds=2.0)


def test_names_are_fit_for_files_whatever_the_track_is_called() -> None:
    names = ["Artist - Title (Live)/2", "../../etc", "花 と 水", "???", "x" * 300]
    chosen = choose_excerpts([track(name, 6) for name in names], count=5, seconds=2.0)
    assert [excerpt.name for excerpt in chosen] == [
        "01_Artist-Title-Live-2",
        "02_etc",
        "03_花-と-水",
        "04_track",
        "05_" + "x" * 40,
    ]

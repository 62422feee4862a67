import numpy as np
import pytest

from mono2stereo.data.pairs import Pair
from mono2stereo.errors import DataError
from mono2stereo.evaluation.stretches import choose_stretches

RATE = 8000


def pair(seconds: float, name: str = "song") -> Pair:
    mid_side = 0.1 * np.random.default_rng(0).standard_normal((round(seconds * RATE), 2)).astype(np.float32)
    return Pair(name, "test", RATE, mid_side, 0.0, np.ones(80, np.float32), np.ones(80, np.float32))


def starts(*pairs: Pair, count: int = 3, seconds: float = 2.0) -> list[float]:
    chosen, _ = choose_stretches(pairs, count=count, seconds=seconds)
    return [stretch.start_seconds for stretch in chosen]


def test_evenly_spaced_in_the_middle_of_sections() -> None:
    assert starts(pair(12)) == [1, 5, 9]


def test_no_more_than_fit_without_overlap() -> None:
    assert starts(pair(5)) == [0.25, 2.75]
    assert starts(pair(1.5)) == [0]


def test_silent_and_mono_places_are_passed_over() -> None:
    song = pair(12)
    song.mid_side[: 3 * RATE] = 0
    song.mid_side[5 * RATE : 6 * RATE, 1] = 0
    song.mid_side[8 * RATE :, 1] = 0
    # Section 0…4 s sounds at its end only, 4…8 s anywhere (a second of mono is not all mono), 8…12 s nowhere.
    assert starts(song) == [1.5, 5]


def test_a_stretch_knows_what_it_is_cut_from() -> None:
    song = pair(12)
    (first, second, _), _ = choose_stretches([song], count=3, seconds=2.0)
    np.testing.assert_array_equal(second.mid, song.mid_side[5 * RATE : 7 * RATE, 0])
    np.testing.assert_array_equal(second.side, song.mid_side[5 * RATE : 7 * RATE, 1])
    np.testing.assert_array_equal(second.run_in, song.mid_side[4 * RATE : 5 * RATE, 0])
    assert (first.track, first.name, first.sample_rate) == ("song", "song from 1.0 s", RATE)


def test_a_mono_track_is_measured_where_it_sounds() -> None:
    song = pair(12)
    song.mid_side[:, 1] = 0
    song.mid_side[: 4 * RATE] = 0
    assert starts(song) == [5, 9]


def test_tracks_that_cannot_be_measured_are_named_with_the_reason() -> None:
    silent = pair(2, "silence")
    silent.mid_side[:] = 0
    chosen, left_out = choose_stretches([pair(0.3, "blip"), pair(1, "short"), silent], count=3, seconds=2.0)
    assert [stretch.track for stretch in chosen] == ["short"]
    assert left_out == {"blip": "0.3 s long; at least 0.5 s", "silence": "the mid is silent"}
    with pytest.raises(DataError, match=r"silence: the mid is silent.*evaluate\.split"):
        choose_stretches([silent], count=3, seconds=2.0)

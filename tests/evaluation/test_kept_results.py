"""What an evaluation keeps for the next one is what that would measure, and nothing of another sound."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from songs import song

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.evaluation.kept_results import MOST_FILES, kept_or_measured
from mono2stereo.evaluation.measuring import measure_all
from mono2stereo.evaluation.points import MODEL, NOT_INSTALLED, OWN_SIDE, Point, Result
from mono2stereo.evaluation.stretches import choose_stretches
from mono2stereo.measures import Readings

POINTS = [Point("one", "one-1", Lauridsen(), in_full=True), Point(OWN_SIDE, OWN_SIDE, None, in_full=True)]


class Measure:
    """Counts how often it is asked."""

    def __init__(self, reason: str = "silent") -> None:
        self.asked, self.reason = 0, reason

    def __call__(self, stretch: Excerpt, points: Sequence[Point]) -> list[Result]:
        self.asked += 1
        readings = Readings({"log_mel_db": 1 / 3 + self.asked}, {"colour_db": self.reason})
        curve = {"levels": np.linspace(0, 1, 7, dtype=np.float32) / 3}
        return [
            Result(stretch.track, stretch.name, point.method, point.setting, point.in_full, readings, curve)
            for point in points
        ]


@pytest.fixture(scope="module")
def stretch() -> Excerpt:
    (found,), _ = choose_stretches([song(0, 2.0)], count=1, seconds=2.0)
    return found


def test_it_is_measured_once_and_read_as_it_was(stretch: Excerpt, tmp_path: Path) -> None:
    measure = Measure()
    first, second = (kept_or_measured(tmp_path, stretch, POINTS, measure) for _ in range(2))
    assert measure.asked == 1
    assert [replace(one, curves={}) for one in first] == [replace(one, curves={}) for one in second]
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.curves["levels"], other.curves["levels"], strict=True)


def test_another_sound_another_setting_or_a_damaged_file_is_measured_anew(
    stretch: Excerpt, tmp_path: Path
) -> None:
    measure = Measure()
    kept_or_measured(tmp_path, stretch, POINTS, measure)
    side = stretch.side.copy()
    side[5] += 1e-6
    kept_or_measured(tmp_path, replace(stretch, side=side), POINTS, measure)
    kept_or_measured(tmp_path, stretch, POINTS[:1], measure)
    kept_or_measured(tmp_path, stretch, [replace(POINTS[0], in_full=False), POINTS[1]], measure)
    assert measure.asked == len(list(tmp_path.iterdir())) == 4
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-40])
    kept_or_measured(tmp_path, stretch, POINTS, measure)
    assert measure.asked == 5


def test_what_is_not_installed_is_asked_for_again(stretch: Excerpt, tmp_path: Path) -> None:
    measure = Measure(f"{NOT_INSTALLED}: scipy2")
    for _ in range(2):
        kept_or_measured(tmp_path, stretch, POINTS, measure)
    assert measure.asked == 2


def test_the_oldest_go(stretch: Excerpt, tmp_path: Path) -> None:
    for number in range(MOST_FILES):
        (tmp_path / f"{number}.npz").touch()
    os.utime(tmp_path / "0.npz", (0, 0))
    kept_or_measured(tmp_path, stretch, POINTS, Measure())
    left = {file.stem for file in tmp_path.iterdir()}
    assert len(left) == MOST_FILES
    assert "0" not in left


def test_models_are_measured_every_time(
    stretch: Excerpt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mono2stereo.parallel.usable_cores", lambda: 1)
    model = Point(MODEL, "step-1", Lauridsen(), in_full=False)
    first, _ = measure_all([stretch], [model, POINTS[1]], tmp_path)
    longer = replace(model, source=Lauridsen(delay_seconds=0.05))
    again, _ = measure_all([stretch], [longer, POINTS[1]], tmp_path)
    own, own_again = (next(one for one in found if one.method == OWN_SIDE) for found in (first, again))
    assert own.readings == own_again.readings
    assert first[1].readings != again[1].readings
    assert len(list(tmp_path.iterdir())) == 1

"""Tried on listeners whose opinion is known."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from mono2stereo.cli import main
from mono2stereo.errors import DataError
from mono2stereo.listening_test.rank_tests import any_difference, listeners_needed, pairs
from mono2stereo.listening_test.results import FORMAT, Session

EXCERPTS = ("one", "two", "three")


def listeners(truth: dict[str, float], count: int, seed: int, spread: float = 8.0) -> list[Session]:
    """Each with a level of their own, and noise on every rating; width the other way round."""
    random = np.random.default_rng(seed)
    sessions = []
    for number in range(count):
        level, taste = random.normal(0, 10), {one: random.normal(0, spread) for one in truth}
        ratings = []
        for stimulus, mean in truth.items():
            for excerpt in EXCERPTS:
                quality = float(np.clip(mean + level + taste[stimulus] + random.normal(0, 5), 0, 100))
                ratings.append((stimulus, excerpt, quality, 100 - quality))
        sessions.append(Session("page", f"session {number}", "", tuple(ratings)))
    return sessions


def test_a_difference_is_found_on_both_scales_with_its_sign():
    heard = listeners({"mono": 30, "a": 50, "b": 70}, 20, seed=0)
    assert any_difference(heard, "quality") < 1e-4
    found = {(pair.scale, pair.first, pair.second): pair for pair in pairs(heard)}
    assert len(found) == 6
    assert found["quality", "mono", "b"].difference == pytest.approx(-40, abs=8)
    assert found["width", "mono", "b"].difference == pytest.approx(40, abs=8)
    assert max(pair.p_holm for pair in found.values()) < 0.01


def test_alike_is_called_different_as_seldom_as_promised():
    worlds = [listeners(dict.fromkeys("abcd", 50), 12, seed) for seed in range(150)]
    friedman = np.mean([any_difference(heard, "quality") < 0.05 for heard in worlds])
    holm = np.mean([min(p.p_holm for p in pairs(heard) if p.scale == "quality") < 0.05 for heard in worlds])
    assert friedman < 0.1
    assert holm < 0.1


def test_so_many_listeners_find_it_as_often_as_promised():
    deviation = np.sqrt(2 * (8**2 + 5**2 / len(EXCERPTS)))
    count = listeners_needed(10, deviation, comparisons=1)
    found = []
    for seed in range(200):
        heard = listeners({"a": 45, "b": 55}, count, seed)
        found.append(min(pair.p_holm for pair in pairs(heard) if pair.scale == "quality") < 0.05)
    assert np.mean(found) == pytest.approx(0.8, abs=0.09)


def test_what_not_all_have_heard_does_not_count():
    heard = listeners({"a": 10, "b": 50, "c": 90}, 5, seed=0)
    heard[1] = Session("page", "x", "", tuple(rating for rating in heard[1].ratings if rating[0] != "b"))
    assert {(pair.first, pair.second) for pair in pairs(heard)} == {("a", "c")}
    with pytest.raises(DataError, match="2 stimuli, 5 listeners: rank tests take 3 and 2 at least"):
        any_difference(heard, "quality")


def test_one_command_prints_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    files = []
    for session in listeners({"mono": 30, "a": 50, "b": 70}, 9, seed=0):
        names = ("stimulus", "excerpt", "quality", "width")
        ratings = [dict(zip(names, rating, strict=True)) for rating in session.ratings]
        files.append(tmp_path / f"{session.session}.json")
        files[-1].write_text(json.dumps(asdict(session) | {"format": FORMAT, "ratings": ratings}))
    main(["listening-test", *map(str, files), "--tests"])
    said = capsys.readouterr().out
    assert "quality: all alike, p = 0.00" in said
    assert "  mono − b: -4" in said


@pytest.mark.parametrize(
    ("arguments", "count"),
    [(["10"], "14"), (["10", "--comparisons", "15"], "27"), (["5", "--comparisons", "15"], "91")],
)
def test_one_command_says_how_many_it_takes(
    arguments: list[str], count: str, capsys: pytest.CaptureFixture[str]
):
    main(["listening-test", "--listeners-needed", *arguments])
    assert capsys.readouterr().out.strip() == count


@pytest.mark.parametrize(
    "arguments", [[], ["--listeners-needed", "0"], ["--listeners-needed", "5", "a.json"],
                  ["--listeners-needed", "5", "--power", "1"], ["--listeners-needed", "nan"]],
)  # fmt: skip
def test_what_gives_no_number_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["listening-test", *arguments])
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

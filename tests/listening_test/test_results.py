"""`mono2stereo listening-test` on files as the page saves them."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from mono2stereo.cli import main
from mono2stereo.listening_test.results import read_sessions, scores

FORMAT = "mono2stereo-listening-test-1"


def result(listener: str, ratings: dict[str, list[tuple[int, int]]], page: str = "aaaa") -> dict[str, Any]:
    """A test of some excerpts: per stimulus, quality and width of each."""
    rows = [
        {"passage": i + 1, "excerpt": f"{i:02d}", "track": "A, B", "label": "A", "stimulus": stimulus}
        | {"quality": quality, "width": width}
        for stimulus, given in ratings.items()
        for i, (quality, width) in enumerate(given)
    ]
    return {
        "format": FORMAT, "page": page, "session": f"session {listener}", "listener": listener,
        "playback": "headphones", "started": "", "finished": "", "check_attempts": 1, "remarks": "",
        "ratings": rows,
    }  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three listeners, two excerpts."""
    quality = {"model": (70, 75, 62), "mono": (50, 58, 41), "schroeder": (30, 45, 38)}
    made = []
    for i, listener in enumerate(("L1", "L2", "L3")):
        ratings = {name: [(means[i] - 5, 20), (means[i] + 5, 40)] for name, means in quality.items()}
        made.append(tmp_path / f"{listener}.json")
        made[-1].write_text(json.dumps(result(listener, ratings)), encoding="utf-8")
    return made


def test_a_listener_is_one_observation(files: list[Path]) -> None:
    rows = scores(read_sessions(files))
    assert [(one.scale, one.stimulus) for one in rows[:3]] == [
        ("quality", "model"), ("quality", "mono"), ("quality", "schroeder"),
    ]  # fmt: skip
    model = rows[0]
    expected = stats.t.interval(0.95, 2, loc=69, scale=stats.sem([70, 75, 62]))
    assert (model.mean, model.listeners, model.ratings) == (pytest.approx(69), 3, 6)
    assert (model.low, model.high) == pytest.approx(expected)


def test_the_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    from mono2stereo.listening_test.results import interval

    rng = np.random.default_rng(0)
    drawn = [interval(rng.normal(50, 8, size=6)) for _ in range(4000)]
    assert np.mean([low <= 50 <= high for _, low, high in drawn]) == pytest.approx(0.95, abs=0.012)


def test_csv_and_json_of_one_session_count_once(files: list[Path], tmp_path: Path) -> None:
    whole = json.loads(files[0].read_text())
    table = tmp_path / "L1.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = [{**{k: v for k, v in whole.items() if k != "ratings"}, **one} for one in whole["ratings"]]
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert read_sessions([table])[0] == read_sessions([files[0]])[0]
    assert scores(read_sessions([*files, table])) == scores(read_sessions(files))


def test_one_listener_has_no_interval(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    main(["listening-test", str(files[0])])
    shown = capsys.readouterr().out
    assert "One listener: no interval" in shown
    main(["listening-test", str(files[0]), "--json"])
    (first, *_) = json.loads(capsys.readouterr().out)
    assert first["low"] is None
    assert all(math.isnan(one.low) for one in scores(read_sessions(files[:1])))


def test_the_command_prints_a_table_and_draws(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    picture = files[0].with_name("scores.png")
    main(["listening-test", *map(str, files), "--plot", str(picture)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["quality", "mean", "95", "%", "interval", "listeners", "ratings"]
    assert lines[1].split()[:2] == ["model", "69.0"]
    assert any(line.startswith("width") for line in lines)
    with Image.open(picture) as drawn:
        assert drawn.width > 1000


def test_faults_are_one_line(files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps(result("L9", {"mono": [(1, 2)]}, page="bbbb")), encoding="utf-8")
    changed = json.loads(files[0].read_text())
    changed["ratings"][0]["quality"] = 1
    again = tmp_path / "again.json"
    again.write_text(json.dumps(changed), encoding="utf-8")
    off = tmp_path / "off.json"
    off.write_text(json.dumps(result("L8", {"mono": [(101, 2)]})), encoding="utf-8")
    later = tmp_path / "later.json"
    later.write_text(json.dumps({**changed, "format": "mono2stereo-listening-test-2"}), encoding="utf-8")
    broken = {"x.json": b'{"format": ', "y.csv": b"a,b\n1,2\n", "z.json": b"\xff\xfe\x00", "empty.csv": b""}
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
    cases = {
        (files[0], other): "of page bbbb",
        (files[0], again): "with other ratings",
        (off,): "no result of the blind test",
        (later,): "not mono2stereo-listening-test-1",
        (tmp_path / "nowhere.json",): "no such file",
        **{(tmp_path / name,): "no result of the blind test" for name in broken},
        (files[0], "--plot", tmp_path / "scores.txt"): "end it in .png",
    }
    for arguments, words in cases.items():
        with pytest.raises(SystemExit) as stopped:
            main(["listening-test", *map(str, arguments)])
        assert stopped.value.code == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert words in line


def test_the_light_core_is_enough_for_the_table(files: list[Path]) -> None:
    code = (
        "import sys\n"
        "for name in ('matplotlib', 'pandas', 'tensorflow', 'mlflow', 'pydantic', 'tqdm'):\n"
        "    sys.modules[name] = None\n"
        "from mono2stereo.cli import main\n"
        "main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "listening-test", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([*command, "--plot", "x.png"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        1, "error: --plot: matplotlib is not installed; pip install matplotlib\n",
    )  # fmt: skip

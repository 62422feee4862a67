"""`mono2stereo benchmark` as a user calls it, on small recordings."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile

from mono2stereo.benchmark.comparing import differences
from mono2stereo.benchmark.results_file import SCHEMA, read_results
from mono2stereo.cli import main
from mono2stereo.measures import MEASURES
from mono2stereo.versions import BENCHMARK_PROTOCOL

RATE = 44100
COPY = f"{sys.executable} -c " + shlex.quote(
    "import sys, soundfile; x, rate = soundfile.read(sys.argv[1]); "
    "soundfile.write(sys.argv[2], [[a, a / 2] for a in x], rate)"
)
FAILS = f"{sys.executable} -c 'import sys; sys.exit(\"no licence\")'"
PLUGIN = """
import numpy as np

class Echo:
    changes_mid = False
    def __init__(self, seconds): self.seconds = seconds; self.name = f"echo-{seconds}"
    def side(self, mid, sample_rate):
        late = round(self.seconds * sample_rate)
        return np.concatenate([np.zeros(late, mid.dtype), mid[:-late]])
    def fold_down(self, mid, sample_rate): return mid

def echoes(): return [Echo(0.01), Echo(0.02)]
def broken(): raise RuntimeError("no licence")

class Dies(Echo):
    def side(self, mid, sample_rate): import os; os._exit(9)
def dies(): return Dies(0.01)
"""


def song(seed: int, seconds: float = 4.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in random.uniform(100, 2000, 5))
    mid = (tones * np.exp(-8 * (time_s % 0.5)) + 0.02 * random.standard_normal(len(time_s))) / 20
    side = 0.5 * mid + 0.5 * random.standard_normal(len(time_s)) / 20
    return np.stack([mid + side, mid - side], axis=1)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "album").mkdir()
    for number, name in enumerate(("one.wav", "album/two.flac")):
        soundfile.write(folder / name, song(number), RATE)
    (folder / "broken.wav").write_text("no sound")
    soundfile.write(folder / "mono.wav", song(0)[:, 0], RATE)
    return folder


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that registers methods."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "echoing.py").write_text(PLUGIN)
    info = folder / "echoing-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: echoing\nVersion: 1.2\n")
    points = "\n".join(f"{name} = echoing:{name}" for name in ("echoes", "broken", "dies"))
    (info / "entry_points.txt").write_text(f"[mono2stereo.decorrelators]\n{points}\n")
    return folder


def call(*arguments: object, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("mono2stereo")
    env = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    command = [str(program), "benchmark", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=env)


@pytest.fixture(scope="module")
def results(recordings: Path, plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    done = call(
        recordings, "-o", folder, "--stretches", 1, "--excerpts", 1, "--method", "haas", "--method", "echoes",
        "--method", "broken", "--method", "dies", "--tool", f"half={COPY} {{in}} {{out}}",
        "--tool", f"fails={FAILS} {{in}} {{out}}", "--tool", "absent=no-such-program {in} {out}", path=plugin,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder / "report.md")
    return folder


@pytest.fixture(scope="module")
def told(results: Path) -> dict:
    return json.loads((results / "results.json").read_text())


def method(told: dict, name: str) -> dict:
    return next(one for one in told["methods"] if one["method"] == name)


def test_results_are_as_the_schema_says(told: dict):
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(told, schema)
    told["methods"][0]["unknown"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(told, schema)
    del told["methods"][0]["unknown"]


def test_every_method_is_a_row_and_what_failed_has_its_reason(told: dict, results: Path):
    names = [one["method"] for one in told["methods"]]
    assert names == [
        "own side",
        "default model",
        "haas",
        "echoes",
        "broken",
        "dies",
        "half",
        "fails",
        "absent",
    ]
    reasons = {
        "broken": "nothing: cannot be loaded: RuntimeError: no licence",
        "dies": "nothing: its process died",
        "fails": "nothing: exit status 1: no licence",
        "absent": "nothing: no-such-program: no such program",
    }
    for name, reason in reasons.items():
        row = method(told, name)
        assert row["reasons"] == [reason]
        assert all(measure["mean"] is None for measure in row["measures"].values())
        assert reason in (results / "report.md").read_text()
    for name in ("default model", "haas", "echoes", "half"):
        row = method(told, name)
        assert row["measures"]["log_mel_db"]["mean"] is not None
        assert 0 < row["real_time_factor"] < 50
        assert 20e6 < row["peak_bytes"] < 2e9
    assert method(told, "echoes")["version"] == "echoing 1.2"
    assert [one["setting"] for one in told["settings_swept"] if one["method"] == "echoes"] == [
        "echo-0.01",
        "echo-0.02",
    ]


def test_known_values(told: dict):
    """A copy at a third of the mid, an echo, the recordings themselves."""
    half = method(told, "half")["measures"]
    assert half["coherence_1024"]["mean"] == pytest.approx(1.0, abs=1e-3)
    assert half["level_db"]["mean"] == pytest.approx(20 * np.log10(1 / 3), abs=0.01)
    assert half["log_mel_db"]["mean"] == pytest.approx(0.0, abs=0.1)  # it writes 16 bits
    assert method(told, "echoes")["measures"]["largest_correlation"]["mean"] > 0.98
    assert method(told, "own side")["measures"]["own_mel"]["mean"] == 0.0
    assert [method(told, name)["keeps_mid"] for name in ("own side", "half", "haas")] == [True, True, False]


def test_recordings_are_named_with_hashes_and_what_is_left_out_says_why(told: dict):
    left_out = {one["name"]: one["left_out"] for one in told["recordings"]}
    assert list(left_out) == ["album/two.flac", "broken.wav", "mono.wav", "one.wav"]
    assert left_out["mono.wav"] == "one channel; only stereo can be measured"
    assert left_out["broken.wav"]
    assert left_out["one.wav"] == ""
    assert all(len(one["sha256"]) == 64 for one in told["recordings"])


def test_csv_has_a_row_per_recording_and_setting(results: Path):
    with (results / "results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["recording"] for row in rows} == {"one.wav", "album/two.flac"}
    assert set(MEASURES) < set(rows[0])
    assert sum(row["method"] == "haas" for row in rows) == 2 * 6


def test_the_page_has_what_can_be_heard(results: Path):
    data = (results / "listen" / "data.js").read_text()
    page = json.loads(data[data.index("(") + 1 : data.rindex(")")])
    keys = {one["key"]: one["group"] for one in page["stimuli"]}
    assert keys["half"] == keys["echoes"] == "tool"
    (excerpt,) = page["excerpts"]
    assert excerpt["stimuli"]["fails"]["reason"] == "exit status 1: no licence"
    assert (results / "trade_off.png").stat().st_size > 10_000


def test_again_only_what_is_new_or_failed_is_measured(results: Path, recordings: Path, plugin: Path):
    taken = {file: file.stat().st_mtime_ns for file in (results / "cache").glob("taken-*")}
    before = json.loads((results / "results.json").read_text())
    done = call(
        recordings, "-o", results, "--stretches", 1, "--excerpts", 0, "--method", "haas", "--tool",
        f"half={COPY} {{in}} {{out}}", path=plugin,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {file: file.stat().st_mtime_ns for file in (results / "cache").glob("taken-*")} == taken
    after = json.loads((results / "results.json").read_text())
    assert method(after, "half") == method(before, "half")


@pytest.mark.slow
def test_a_killed_run_goes_on(recordings: Path, tmp_path: Path):
    program = str(Path(sys.executable).with_name("mono2stereo"))
    options = ["--stretches", "1", "--excerpts", "0", "--method", "velvet"]
    command = [program, "benchmark", str(recordings), "-o", str(tmp_path), *options]
    kept: dict[Path, int] = {}
    ends = (
        (signal.SIGKILL, -9, None),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGINT, 130, "interrupted"),
    )
    for number, status, line in ends:
        # A job in a shell's background ignores SIGINT, and so would what it starts.
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while len(list(tmp_path.glob("cache/taken-*"))) == len(kept) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == status
        assert line is None or said.splitlines()[-1] == line
        assert "Traceback" not in said
        went_on = {file: file.stat().st_mtime_ns for file in tmp_path.glob("cache/taken-*")}
        assert kept.items() < went_on.items()
        kept = went_on
    assert subprocess.run(command, capture_output=True).returncode == 0
    assert kept.items() <= {file: file.stat().st_mtime_ns for file in tmp_path.glob("cache/taken-*")}.items()
    assert not list(tmp_path.rglob("*.partial*"))


def test_compare_says_what_differs(
    results: Path, tmp_path: Path, told: dict, capsys: pytest.CaptureFixture[str]
):
    other = json.loads(json.dumps(told))
    for place, change in enumerate((0.5, 0.25)):
        method(other, "haas")["measures"]["log_mel_db"]["recordings"][place] += change
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps(told))
    second.write_text(json.dumps(other))
    (found,) = differences(read_results(first), read_results(second))
    assert (found.method, found.measure, found.recordings) == ("haas", "log_mel_db", 2)
    assert found.second - found.first == pytest.approx(0.375)
    main(["benchmark", "compare", str(first), str(second)])
    assert "| haas | log-mel (dB) |" in capsys.readouterr().out
    main(["benchmark", "compare", str(first), str(first), "-o", str(tmp_path / "same.md")])
    assert "No number differs." in (tmp_path / "same.md").read_text()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"protocol": BENCHMARK_PROTOCOL + 1}, "has protocol 1"),
        ({"format": 99}, "format 99, not 1"),
        ({"recordings": []}, "no results.json of the benchmark"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    told: dict, tmp_path: Path, change: dict, line: str, capsys: pytest.CaptureFixture[str]
):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps(told))
    second.write_text(json.dumps(told | change))
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", "compare", str(first), str(second)])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert line in said
    assert len(said.splitlines()) == 1

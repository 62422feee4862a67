"""preprocess on long recordings and through kills, in processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

ROOT = Path(__file__).parents[2]
TRACKS = 12

MEASURE = """
import sys
from functools import partial
from pathlib import Path
from mono2stereo.data.manifest import inspect_track
from mono2stereo.data.preprocessing import Settings, _finish_track
from mono2stereo.data.sources import Track
from mono2stereo.dsp.stft import Stft

def peak_mib():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024

before = peak_mib()
folder = Path(sys.argv[1])
row = inspect_track(Track("x", "train", folder / "x.wav"), root=folder, min_seconds=1.0)
assert row.status == "ok", row
settings = Settings(int(sys.argv[2]), Stft(116, 58, 128), 66120, (1024, 4096), 80)
track = _finish_track(row, folder=folder / "out", root=folder, settings=settings)
assert track.round_trip_db > 110
print(track.seconds, peak_mib() - before)
"""


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def _write_long(path: Path, minutes: int, rate: int = 44100) -> None:
    """Noise in every minute, zeros between, which the file system keeps as holes."""
    with soundfile.SoundFile(path, "w", rate, 2, "PCM_16") as file:
        file.write(np.zeros((1, 2)))
    sounding = np.random.default_rng(0).integers(-3000, 3000, (20 * rate, 2), np.int16).tobytes()
    header = path.stat().st_size - 4
    size = minutes * 60 * rate * 4
    with path.open("r+b") as file:
        for minute in range(minutes):
            file.seek(header + minute * 60 * rate * 4)
            file.write(sounding)
        file.truncate(header + size)
        for place, value in ((4, header + size - 8), (header - 4, size)):
            file.seek(place)
            file.write(value.to_bytes(4, "little"))


def _peak(folder: Path, minutes: int) -> tuple[float, float]:
    folder.mkdir()
    _write_long(folder / "x.wav", minutes)
    command = [sys.executable, "-c", MEASURE, str(folder), "22050"]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seconds, mib = map(float, done.stdout.split())
    return seconds, mib


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux' /proc")
def test_three_hours_take_no_more_memory_than_two_minutes(tmp_path: Path) -> None:
    short_seconds, short = _peak(tmp_path / "short", 2)
    long_seconds, long = _peak(tmp_path / "long", 180)
    print(f"peak above the imports: {short:.0f} MiB for 2 minutes, {long:.0f} MiB for 3 hours")
    assert (short_seconds, long_seconds) == (120, 10800)
    assert long < 200
    assert abs(long - short) < 40


def _workspace(folder: Path, tracks: int) -> Path:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"profile": "ci", "recipe": "published"}
    params["data"] |= {"source": "folder", "path": str(folder / "music")}
    folder.mkdir(exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    for number in range(tracks):
        split = ("train", "valid", "test")[number % 3]
        (folder / "music" / split).mkdir(parents=True, exist_ok=True)
        noise = 0.1 * np.random.default_rng(number).standard_normal((20 * 44100, 2))
        soundfile.write(folder / "music" / split / f"{number}.wav", noise, 44100)
    _stage(folder, "download").communicate()
    return folder


def _stage(folder: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"stages.{name}"],
        cwd=folder,
        env=_environment() | {"DVC_ROOT": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _inodes(folder: Path, pattern: str) -> set[int]:
    return {path.stat().st_ino for path in folder.glob(pattern)}


def _children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in listed]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="workers are found through Linux' /proc")
def test_a_killed_stage_goes_on_with_the_next_track(tmp_path: Path) -> None:
    folder = _workspace(tmp_path / "killed", TRACKS)
    finished = "data/finished_tracks/*/*.json"
    process = _stage(folder, "preprocess")
    deadline = time.monotonic() + 300
    while len(list(folder.glob(finished))) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    workers = _children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    while any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)  # they end with their parent
    assert time.monotonic() < deadline
    assert not (folder / "data/pairs").exists()
    done = [path.stem for path in folder.glob(finished)]
    assert 4 <= len(done) < TRACKS
    made = {path.stat().st_ino for name in done for path in folder.glob(f"data/finished_tracks/*/{name}.npy")}

    (folder / "data/.pairs.1.partial").mkdir()  # as a kill at the very end leaves it
    process = _stage(folder, "preprocess")
    error = process.communicate()[1]
    assert process.returncode == 0, error
    assert made <= _inodes(folder, "data/pairs/*/*.npy")
    assert {path.name for path in (folder / "data").iterdir()} == {
        "finished_tracks.lock",
        "manifest.csv",
        "pairs",
    }

    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "params.yaml").write_bytes((folder / "params.yaml").read_bytes())
    (whole / "data").mkdir()
    (whole / "music").symlink_to(folder / "music")
    (whole / "data/manifest.csv").write_bytes((folder / "data/manifest.csv").read_bytes())
    process = _stage(whole, "preprocess")
    error = process.communicate()[1]
    assert process.returncode == 0, error
    names = {path.relative_to(folder) for path in folder.glob("data/pairs/**/*") if path.is_file()}
    assert len(names) == TRACKS + 1
    for name in (*names, "reports/preprocess/report.md", "reports/preprocess/round_trip.csv"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name

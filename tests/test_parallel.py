from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mono2stereo import parallel
from mono2stereo.errors import DataError


def _refuse(number: int) -> int:
    raise DataError(f"number {number}: refused")


def test_processes_keep_the_order(monkeypatch) -> None:
    monkeypatch.setattr(parallel, "usable_cores", lambda: 2)
    assert parallel.map_parallel(math.factorial, [3, 1, 4], label="work") == [6, 1, 24]
    with pytest.raises(DataError, match="number 1: refused"):
        parallel.map_parallel(_refuse, [1, 2, 3], label="work")
    with pytest.raises(DataError, match="work: a worker process died"):
        parallel.map_parallel(os._exit, [1, 1], label="work")


def test_one_that_dies_costs_its_job_alone() -> None:
    answers = sorted(parallel.as_done(_die_of_three, range(6), 2), key=lambda answer: answer[0])
    assert [number for number, *_ in answers] == [0, 1, 2, 3, 4, 5]
    assert [result for _, result, _ in answers] == [0, 1, 2, None, 4, 5]
    assert [type(error) for *_, error in answers if error] == [parallel.WorkerDiedError]


def _die_of_three(number: int) -> int:
    return number if number != 3 else os._exit(1)


def test_nothing_to_do() -> None:
    assert parallel.map_parallel(math.factorial, [], label="work") == []


# A stage whose workers write, with jobs that fill any pipe; `python script.py folder`.
STAGE = """
import sys, time
from pathlib import Path
from mono2stereo import parallel
from mono2stereo.errors import one_line_errors
from mono2stereo.files import atomic_path

def work(job):
    number, folder, audio = job
    with atomic_path(folder / str(number)) as beside:
        beside.write_bytes(audio)
        time.sleep(600)

if __name__ == "__main__":
    parallel.usable_cores = lambda: 2
    with one_line_errors():
        print("ready", flush=True)
        jobs = [(number, Path(sys.argv[1]), bytes(1 << 20)) for number in range(8)]
        parallel.map_parallel(work, jobs, label="work")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("working", [False, True])
def test_signals_end_it_at_once_in_one_line(tmp_path: Path, number: int, working: bool) -> None:
    """As a terminal sends them, to the whole group; while the workers start, and while they work."""
    (tmp_path / "stage.py").write_text(STAGE)
    made = tmp_path / "made"
    command = [sys.executable, str(tmp_path / "stage.py"), str(made)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as stage:
        assert stage.stdout is not None
        assert stage.stdout.readline() == "ready\n"
        time.sleep(0.2)
        while working and len(list(made.glob(".*"))) < 2:
            time.sleep(0.01)
        os.killpg(stage.pid, number)
        _, said = stage.communicate(timeout=30)
    assert said.splitlines() == ["interrupted" if number == signal.SIGINT else "terminated"]
    assert stage.returncode == 128 + number
    assert not made.exists() or not list(made.iterdir())


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="sees in /proc how far imports have got")
def test_a_stage_that_still_imports_ends_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stages.evaluate"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as stage:
        while "numpy" not in Path(f"/proc/{stage.pid}/maps").read_text():
            time.sleep(0.001)
        stage.send_signal(signal.SIGINT)
        _, said = stage.communicate(timeout=30)
    assert (said, stage.returncode) == ("interrupted\n", 130)

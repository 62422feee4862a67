"""A real training stage, killed at 25 seeded moments, ends like one that nobody disturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import numpy_helper
from test_curves import as_csv
from test_training import write_pairs

from mono2stereo.training.finished import FINISHED

ROOT = Path(__file__).parents[2]
CURVES = "reports/train"
STEPS = 60
# What may differ between two runs: rates, and what the machine did meanwhile.
UNREPEATABLE = ("train/steps_per_second", "system/")
# Each kill waits for its phase and then for a seeded part of so many seconds.
SPREAD_SECONDS = {
    "start": 6.0,
    "opening": 3.0,
    "tracing": 8.0,
    "stepping": 0.2,
    "validation": 0.2,
    "checkpoint": 0.03,
    "state": 0.1,
    "artifacts": 0.05,
    "end": 0.03,
}
EARLY = ["start", "opening", "tracing"] * 2
STEPWISE = ["stepping", "validation", "checkpoint", "state"] * 4
LATE = ["artifacts", "artifacts", "end"]


def make_workspace(folder: Path, **train: Any) -> Path:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"profile": "ci", "recipe": "published"}
    small = {"steps": STEPS, "log_every": 1, "checkpoint_every": 2, "validate_every": 2}
    params["generator"] |= {"filters_per_bin": 4}
    params["train"] |= small | {"crop_samples": 22620} | train
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    write_pairs(folder / "data/pairs")
    return folder


def start(workspace: Path, log: Path | None = None) -> subprocess.Popen[str]:
    """The stage as DVC starts it: with the outs of earlier attempts deleted, in a session of its own."""
    shutil.rmtree(workspace / "models/checkpoints", ignore_errors=True)
    shutil.rmtree(workspace / "reports/train", ignore_errors=True)
    (workspace / "models/run.json").unlink(missing_ok=True)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_TR"))
    }
    with (log or workspace / "log.txt").open("a") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "stages.train"],
            cwd=workspace,
            env={**environment, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(workspace)},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )


def complete(workspace: Path) -> None:
    process = start(workspace)
    assert process.wait(300) == 0, (workspace / "log.txt").read_text()[-3000:]


def slot(workspace: Path) -> Path | None:
    """Where the training that has not ended keeps its states."""
    folders = (path for path in workspace.glob(".resume/[0-9a-f]*") if path.is_dir())
    return next((path for path in folders if path.name != FINISHED), None)


def logged(workspace: Path, name: str) -> int:
    """How many rows of the curve the ledger has."""
    folder = slot(workspace)
    ledger = folder / "curves.jsonl" if folder else None
    return ledger.read_bytes().count(f'["{name}"'.encode()) if ledger and ledger.exists() else 0


def exported(workspace: Path) -> int:
    """Step of the newest checkpoint."""
    names = [path.stem for path in (workspace / "models/checkpoints").glob("step-*.onnx")]
    return int(max(names, default="step-0").removeprefix("step-"))


def phase_reached(workspace: Path, phase: str) -> Callable[[], bool]:
    """Tells by the files of a process whether it is in the phase, and beyond what stood there before it."""
    began, train, valid = time.monotonic(), logged(workspace, "train"), logged(workspace, "valid")

    def train_rows(parity: int) -> bool:
        rows = logged(workspace, "train")
        return rows > train and rows % 2 == parity

    metrics = workspace / "reports/train/metrics.json"
    return {
        "start": lambda: True,
        "opening": lambda: time.monotonic() > began + 3 and slot(workspace) is not None,
        "tracing": (workspace / "models/run.json").exists,
        "stepping": lambda: train_rows(1),
        "validation": lambda: train_rows(0),  # follows an even step
        "checkpoint": lambda: logged(workspace, "valid") > valid,  # follows validation
        "state": lambda: exported(workspace) > 2 * valid,  # follows the checkpoint
        "artifacts": metrics.exists,
        "end": lambda: metrics.exists() and any(workspace.glob("mlartifacts/**/step-*.onnx")),
    }[phase]


def kill_in(workspace: Path, phase: str, number: int, delay: float) -> bool:
    """Start the stage and send the signal in the phase; whether it came in time."""
    reached = phase_reached(workspace, phase)
    process = start(workspace)
    while not reached() and process.poll() is None:
        time.sleep(0.001)
    time.sleep(delay)
    process.send_signal(number)
    process.wait(120)
    return process.returncode != 0


def weights(workspace: Path) -> dict[str, dict[str, np.ndarray]]:
    return {
        path.name: {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
        for path in sorted((workspace / "models/checkpoints").glob("*"))
    }


def the_run(workspace: Path) -> tuple[Any, dict[str, list[tuple[int, float]]]]:
    """The only run of the workspace's store, and its metrics in the same form."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{workspace / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("mono2stereo").experiment_id])
    histories = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    return run, {plain(key): [(m.step, m.value) for m in history] for key, history in histories.items()}


def plain(key: str) -> str:
    """A metric's name without its section of charts."""
    return f"{key.split('/')[0]}/{key.split('/')[-1]}"


def repeatable(histories: dict[str, Any]) -> dict[str, Any]:
    return {key: values for key, values in histories.items() if not key.startswith(UNREPEATABLE)}


def assert_alike(workspace: Path, whole: Path) -> None:
    """Weights, metrics, CSV curves and MLflow's histories, bit for bit; one run, finished."""
    one, other = weights(workspace), weights(whole)
    assert one.keys() == other.keys()
    for name, arrays in other.items():
        for key, array in arrays.items():
            assert np.array_equal(one[name][key], array), f"{name}: {key}"
    metrics = "reports/train/metrics.json"
    assert (workspace / metrics).read_bytes() == (whole / metrics).read_bytes()
    assert repeatable(as_csv(workspace / CURVES)) == repeatable(as_csv(whole / CURVES))
    run, histories = the_run(workspace)
    assert run.info.status == "FINISHED"
    assert repeatable(histories) == repeatable(the_run(whole)[1])
    logged = {key: values for key, values in histories.items() if not key.startswith("system/")}
    assert logged == as_csv(workspace / CURVES)  # rates included: one writer feeds both
    assert list(workspace.glob("mlartifacts/**/*.onnx"))
    assert [path.name for path in (workspace / ".resume").iterdir()] == ["finished"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that nobody disturbed."""
    workspace = make_workspace(tmp_path_factory.mktemp("whole"))
    complete(workspace)
    return workspace


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_25_kills_leave_no_trace(whole: Path, tmp_path: Path) -> None:
    chance = random.Random(4)
    middle = EARLY + STEPWISE
    chance.shuffle(middle)
    workspace = make_workspace(tmp_path / "killed")
    hit: Counter[str] = Counter()
    for phase in [*middle, *LATE]:
        number = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        if phase in LATE:
            number = signal.SIGKILL
        delay = chance.random() * SPREAD_SECONDS[phase]
        in_time = kill_in(workspace, phase, number, delay)
        print(
            f"{phase} + {delay:.3f} s, {number.name}: {'killed' if in_time else 'too late'}, "
            f"{logged(workspace, 'train')} steps"
        )
        hit[phase] += in_time
        if slot(workspace) is None:
            break  # complete: the last kill came after all was written
    assert sum(hit.values()) >= 25 - 1, hit
    assert set(hit) == set(SPREAD_SECONDS)
    if slot(workspace) is not None:
        complete(workspace)
    print((workspace / "log.txt").read_text()[-2000:])
    assert_alike(workspace, whole)

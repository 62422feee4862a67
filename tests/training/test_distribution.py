"""Several devices and processes train as one does; whoever dies stops all; the same command goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from test_kills import assert_alike
from test_training import write_pairs

ROOT = Path(__file__).parents[2]
STEPS = 20
GENERATOR_ALONE = {"adversarial": 0.0, "feature_matching": 0.0}  # traced in a tenth of the time
FOUND = [name for name in os.environ if name.startswith(("SLURM", "TF_CONFIG", "DVC_", "MLFLOW_TR"))]

# Prints every figure of every step.
FIGURES = """
import json, sys
from pathlib import Path
import keras, tensorflow as tf
from mono2stereo.config import Config
from mono2stereo.errors import one_line_errors
from mono2stereo.training.assemble import Training
from mono2stereo.training.hardware import share_cores
strategy, floatx, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
keras.backend.set_floatx(floatx)
share_cores()
cpu, two = tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two if strategy == "mirrored" else two[:1])
config = Config.load()
config = config.model_copy(update={"train": config.train.model_copy(update={"strategy": strategy})})
with one_line_errors():
    training = Training(config, pairs=Path("data/pairs"), checkpoints=Path(strategy) / "checkpoints",
                        reports=Path(strategy) / "reports", states=Path(strategy) / "states")
    print(training.team.strategy.num_replicas_in_sync)
    if steps:
        for batch in training.batches(range(1, steps + 1)):
            print(json.dumps(training.step.train(*batch)))
        training.team.wait_for_all()
    else:
        training.run(sink=lambda figures, step: print(json.dumps(figures)), facts={})
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a job that these tests may themselves be part of."""
    for name in FOUND:
        monkeypatch.delenv(name)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "workspace")


def make_workspace(folder: Path, **loss: float) -> Path:
    """A generator of nine bins and, unless their weights are 0, all eight branches, narrow."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"profile": "ci", "recipe": "published"}
    params["stft"] = {"frame_length": 16, "frame_step": 8, "fft_length": 16, "kaiser_beta": 0.0}
    params["loss"] |= {"feature_matching": 0.5, "lag": 0.1} | loss
    small = {"steps": STEPS, "batch_size": 4, "crop_samples": 5136, "validation_clips": 3}
    params["train"] |= small | {"log_every": 1, "checkpoint_every": 2, "validate_every": 2}
    folder.mkdir(parents=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    write_pairs(folder / "data/pairs", seconds=1.0)
    return folder


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


def tf_configs(count: int = 2) -> list[dict[str, str]]:
    """The environment of each process of a job on loopback."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(count)]}
    tasks = [{"type": "worker", "index": index} for index in range(count)]
    return [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})} for task in tasks]


def slurm_step(count: int = 2) -> list[dict[str, str]]:
    """The same as srun tells it, on one node."""
    step = {
        "SLURM_STEP_NUM_TASKS": str(count),
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": str(count),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_STEP_ID": "0",
        "SLURMD_NODENAME": "localhost",
    }
    return [{**step, "SLURM_PROCID": str(index)} for index in range(count)]


def start(workspace: Path, *command: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in FOUND}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=workspace,
        env={**inherited, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(workspace), **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def figures(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, float]]]:
    """How many replicas trained, and what each step measured."""
    out, error = process.communicate()
    assert process.returncode == 0, error
    lines = [line for line in out.splitlines() if not line.startswith("worker")]
    return int(lines[0]), [json.loads(line) for line in lines[1:]]


@pytest.mark.parametrize(
    ("floatx", "steps", "tolerance"),
    [
        ("float64", 3, 1e-9),
        pytest.param("float64", STEPS, 1e-9, marks=pytest.mark.slow),
        # Half as many: of single precision the signs that losses take make tenfold errors in one step.
        pytest.param("float32", STEPS // 2, 1e-4, marks=pytest.mark.slow),
    ],
)
def test_the_global_batch_decides(workspace: Path, floatx: str, steps: int, tolerance: float) -> None:
    """A batch of 4, two logical devices with 2 each, two processes with 2 each: the same numbers."""
    arguments = floatx, str(steps)
    _, expected = figures(start(workspace, "-c", FIGURES, "single", *arguments))
    assert len(expected) == steps
    assert {"total", "coherence", "mel", "adversarial", "level", "lag", "discriminator"} <= set(expected[0])
    workers = [
        start(workspace, "-c", FIGURES, "multi_worker", *arguments, environment=environment)
        for environment in (slurm_step() if floatx == "float32" else tf_configs())
    ]
    shared = [start(workspace, "-c", FIGURES, "mirrored", *arguments), *workers]
    for process in shared:
        replicas, found = figures(process)
        assert replicas == 2
        for number, (one, other) in enumerate(zip(found, expected, strict=True), start=1):
            assert one == pytest.approx(other, rel=tolerance, abs=0), f"step {number}"


@pytest.mark.slow
def test_several_devices_validate_save_and_go_on(workspace: Path) -> None:
    """The whole loop on two devices, and again from a state in the middle, beside that on one."""
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    params["train"] |= {"steps": 4}
    (workspace / "params.yaml").write_text(yaml.safe_dump(params))
    arguments = "-c", FIGURES
    rows = figures(start(workspace, *arguments, "single", "float32", "0"))[1]
    first = figures(start(workspace, *arguments, "mirrored", "float32", "0"))[1]
    (last,) = workspace.glob("mirrored/states/*/step-0000004")
    shutil.rmtree(last)
    last.with_name("curves.jsonl").unlink()
    again = figures(start(workspace, *arguments, "mirrored", "float32", "0"))[1]
    assert any("valid/total" in row for row in rows)
    for found in (first, again):
        for one, other in zip(found, rows, strict=True):
            other.pop("train/steps_per_second", None)
            one.pop("train/steps_per_second", None)
            assert one == pytest.approx(other, rel=1e-4, abs=0)
    assert {path.name for path in (workspace / "mirrored/checkpoints").iterdir()} == {
        "step-000002.onnx",
        "step-000004.onnx",
    }


class Job:
    """The stage train in two processes; the worker in a folder of its own, which holds only what it reads."""

    def __init__(self, chief: Path) -> None:
        self.chief, self.worker = chief, chief.with_name(f"{chief.name}-worker")
        if not self.worker.exists():
            self.worker.mkdir()
            shutil.copy(chief / "params.yaml", self.worker)
            shutil.copytree(chief / "data", self.worker / "data")
        self.read = sorted(self.worker.rglob("*"))
        shutil.rmtree(chief / "models/checkpoints", ignore_errors=True)  # as DVC does
        self.processes = [
            start(folder, "-m", "stages.train", environment=environment)
            for folder, environment in zip((self.chief, self.worker), tf_configs(), strict=True)
        ]

    def wait_for_state(self) -> None:
        while not list(self.chief.glob(".resume/*/step-*/SHA256SUMS")):
            assert all(process.poll() is None for process in self.processes)
            time.sleep(0.02)

    def end(self) -> list[tuple[int, str]]:
        """Exit status and last line on stderr of each."""
        ends = []
        for process in self.processes:
            error = process.communicate()[1]
            ends.append((process.returncode, (error.strip().splitlines() or [""])[-1]))
        assert sorted(self.worker.rglob("*")) == self.read  # and nothing written
        return ends


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes make when nobody disturbs them."""
    workspace = make_workspace(tmp_path_factory.mktemp("whole") / "workspace", **GENERATOR_ALONE)
    ends = Job(workspace).end()
    assert [status for status, _ in ends] == [0, 0], ends
    return workspace


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """One of them is past its first state."""
    job = Job(make_workspace(tmp_path / "workspace", **GENERATOR_ALONE))
    job.wait_for_state()
    yield job
    for process in job.processes:
        process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1], ids=["chief", "worker"])
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
def test_a_death_stops_all_and_the_same_command_goes_on(
    job: Job, whole: Path, victim: int, death: signal.Signals
) -> None:
    job.processes[victim].send_signal(death)
    job.processes[1 - victim].wait(60)  # what is promised
    job.processes[victim].kill()
    ends = job.end()
    assert ends[1 - victim][0] == 1
    assert ends[1 - victim][1].startswith(f"error: worker {victim} of 2 has stopped or is out of reach")
    ends = Job(job.chief).end()
    assert [status for status, _ in ends] == [0, 0], ends
    assert_alike(job.chief, whole)


@pytest.mark.slow
def test_a_signal_to_any_process_stops_all_after_one_step_with_the_state_saved(job: Job, whole: Path) -> None:
    job.processes[1].send_signal(signal.SIGTERM)
    assert [status for status, _ in job.end()] == [143, 143]
    ends = Job(job.chief).end()
    assert [status for status, _ in ends] == [0, 0], ends
    assert_alike(job.chief, whole)

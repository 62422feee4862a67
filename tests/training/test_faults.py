"""Full and read-only disks, really; models and lines that a stranger or a bad disk made."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from test_kills import assert_alike, complete, make_workspace, phase_reached, start, the_run

from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.errors import ModelError, one_line_errors
from mono2stereo.files import atomic_path
from mono2stereo.model_card import sealed
from mono2stereo.training.curves import Curves
from mono2stereo.training.resume import ResumeState

ROOT = Path(__file__).parents[2]
MEBIBYTE = 2**20


def mount(*arguments: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root")
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no small disk can be mounted: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of its own, of 2 MiB or as many as the test asks for."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={getattr(request, 'param', 2)}m", "none", str(folder))
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room; the file to delete for it."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        size = 0
        for piece in (MEBIBYTE, 4096):
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), size, piece)
                    size += piece
    return ballast


def one_line(act: Callable[[], Any], capsys: pytest.CaptureFixture[str]) -> str:
    """What a person reads when `act` fails in a stage."""
    with pytest.raises(SystemExit) as ended, one_line_errors():
        act()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_full_disk_costs_no_state(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    variable = keras.Variable(random.normal(size=100_000).astype(np.float32))
    state = ResumeState(disk / ".resume/0123", {"weight": variable})
    for step in (1, 2, 3):
        state.save(step, {})
    kept = variable.numpy()
    ballast = fill(disk)
    variable.assign(random.normal(size=100_000).astype(np.float32))
    line = one_line(lambda: state.save(4, {}), capsys)
    assert re.fullmatch(
        r"error: \S+/step-0000004\S*: no space left .*; free some space, then run .* again", line
    )
    assert {path.name for path in state.folder.glob("*step*")} == {"step-0000002", "step-0000003"}
    restored = state.restore()
    assert restored is not None
    assert restored["step"] == 3
    assert np.array_equal(variable.numpy(), kept)
    ballast.unlink()
    state.save(4, {})
    assert (state.restore() or {})["step"] == 4


def test_a_full_disk_leaves_no_half_model(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = disk / "models/step-000001.onnx"
    with atomic_path(model) as beside:
        beside.write_bytes(b"old")
    fill(disk)

    def export() -> None:
        with atomic_path(model) as beside:
            beside.write_bytes(bytes(MEBIBYTE))

    assert one_line(export, capsys).startswith(f"error: {model}: no space left on device; free some space")
    assert [path.read_bytes() for path in model.parent.iterdir()] == [b"old"]


def test_a_full_disk_costs_no_row(disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sent: list[int] = []

    def curves() -> Curves:
        return Curves(tmp_path / "reports", disk / "curves.jsonl", lambda figures, step: sent.append(step))

    def go_on(training: Curves) -> None:
        training.begin()
        for step in range(1, 101):
            training.log("train", step, {f"figure {i}": i / step for i in range(10)})

    begun = curves()
    begun.begin()
    ballast = fill(disk)
    line = one_line(lambda: [begun.log("train", step, {"loss": 1 / step}) for step in range(1, 2000)], capsys)
    assert line.startswith(f"error: {disk / 'curves.jsonl'}: no space left")
    written = len(begun.rows)
    assert len(sent) == written
    ballast.unlink()
    again = curves()
    again.begin()
    assert len(again.rows) == written
    go_on(curves())
    assert len((tmp_path / "reports/train.csv").read_text().splitlines()) == 1 + max(written, 100)


def test_a_read_only_disk_is_named(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    variable = keras.Variable(np.ones(3, np.float32))
    state = ResumeState(disk / ".resume/0123", {"weight": variable})
    state.save(1, {})
    state._lock.release()  # an open file would keep the disk writable
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    line = one_line(lambda: state.save(2, {}), capsys)
    assert re.fullmatch(r"error: \S+step-0000002\S*: read-only file system; make it writable, then .*", line)
    assert (state.restore() or {})["step"] == 1
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    state.save(2, {})


def test_a_folder_of_somebody_else_is_named(tmp_path: Path) -> None:
    """Permissions do not bind root, unless it gives up that privilege."""
    code = (
        "import sys; from pathlib import Path\n"
        "from mono2stereo.errors import one_line_errors; from mono2stereo.files import atomic_path\n"
        "with one_line_errors(), atomic_path(Path(sys.argv[1]) / 'models/step-1.onnx') as beside:\n"
        "    beside.write_bytes(b'model')\n"
    )
    folder = tmp_path / "theirs"
    folder.mkdir()
    folder.chmod(0o555)
    command = [sys.executable, "-c", code, str(folder)]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert (
        done.stderr == f"error: {folder / 'models'}: permission denied; make it accessible, "
        "then run the same command again\n"
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the default model."""
    path = tmp_path / "model.onnx"
    path.write_bytes((ROOT / "mono2stereo/weights/default.onnx").read_bytes())
    NeuralDecorrelator.load(path)
    onnx.checker.check_model(onnx.load(path))  # the checksum is part of a valid ONNX file
    return path


def test_a_truncated_or_flipped_model_is_refused(model: Path) -> None:
    data = model.read_bytes()
    for length in np.linspace(0, len(data) - 1, 20, dtype=int):
        model.write_bytes(data[:length])
        with pytest.raises(ModelError, match=r"model\.onnx: "):
            NeuralDecorrelator.load(model)
    body = len(data) - 100  # before the checksum itself
    for position in np.random.default_rng(0).integers(0, body, 20):
        flipped = bytearray(data)
        flipped[position] ^= 1 << int(position) % 8
        model.write_bytes(bytes(flipped))
        with pytest.raises(ModelError, match="damaged, its checksum is another"):
            NeuralDecorrelator.load(model)


def test_a_strangers_model_neither_runs_code_nor_reads_files(model: Path, tmp_path: Path) -> None:
    def refused(proto: onnx.ModelProto) -> str:
        model.write_bytes(sealed(proto.SerializeToString()))  # as a stranger can, too
        with pytest.raises(ModelError) as error:
            NeuralDecorrelator.load(model)
        assert len(str(error.value).splitlines()) == 1
        return str(error.value)

    original = onnx.load(model)
    del original.metadata_props[-1]  # the checksum
    foreign = onnx.ModelProto.FromString(original.SerializeToString())
    foreign.graph.node[0].domain, foreign.graph.node[0].op_type = "stranger", "Run"
    foreign.opset_import.append(helper.make_opsetid("stranger", 1))
    assert "no readable ONNX file" in refused(foreign)

    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(4096))
    for location in ("secret.bin", str(secret), "../secret.bin"):
        external = onnx.ModelProto.FromString(original.SerializeToString())
        tensor = max(external.graph.initializer, key=lambda one: len(one.raw_data))
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location
        assert "no readable ONNX file" in refused(external)

    unfit = onnx.ModelProto.FromString(original.SerializeToString())
    for entry in unfit.metadata_props:
        entry.value = re.sub(r'"fft_length": \d+', '"fft_length": 256', entry.value)
    assert "does not fit its model card" in refused(unfit)
    for card in ("", "[]", '{"format_version": 1}', "{"):
        for entry in unfit.metadata_props:
            entry.value = card
        assert "model card is damaged" in refused(unfit)


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("disk", [100], indirect=True)
def test_training_goes_on_after_every_full_disk(disk: Path, tmp_path: Path) -> None:
    """The disk that holds all fills up in one phase after the other; room made, the same command goes on."""
    whole = make_workspace(tmp_path / "whole", steps=12)
    complete(whole)
    workspace = make_workspace(disk / "workspace", steps=12)
    for phase in ("tracing", "stepping", "checkpoint", "state", "artifacts"):
        log = workspace / "log.txt"
        log.write_text("")
        reached, process = phase_reached(workspace, phase), start(workspace, tmp_path / "log.txt")
        while not reached() and process.poll() is None:
            time.sleep(0.001)
        ballast = fill(disk)
        process.wait(120)
        ballast.unlink()
        lines = (tmp_path / "log.txt").read_text().splitlines()
        (tmp_path / "log.txt").unlink()
        print(phase, process.returncode, lines[-3:])
        assert process.returncode == 1, lines[-5:]
        assert not any("Traceback" in line for line in lines)
        assert sum(line.startswith("error: ") for line in lines) == 1
        assert "free some space" in lines[-1] or "make room" in lines[-1]
    complete(workspace)
    assert_alike(workspace, whole)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_trainings_in_one_workspace_are_refused(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "workspace", steps=6)
    first = start(workspace)
    reached = phase_reached(workspace, "tracing")
    while not reached():
        time.sleep(0.01)
    second = start(workspace, tmp_path / "second.txt")
    assert second.wait(120) == 1
    (line,) = [
        line for line in (tmp_path / "second.txt").read_text().splitlines() if line.startswith("error:")
    ]
    assert (
        line == "error: models/checkpoints: another process still trains into it; wait for its end, or end it"
    )
    assert first.wait(300) == 0
    assert the_run(workspace)[0].info.status == "FINISHED"


def test_a_clock_that_jumps_back_disturbs_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time somebody asks, the wall clock is an hour earlier than before."""
    from mlflow import MlflowClient

    from mono2stereo.tracking import start_run

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    hours = iter(range(10_000))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600 * next(hours))

    def log(last: int) -> str:
        opened = start_run("train", {}, {}, tmp_path / "run.json", tmp_path, resume_key="a training")
        with opened as run:
            curves = Curves(tmp_path / "reports", tmp_path / "curves.jsonl", run.log_metrics)
            curves.begin()
            for step in range(1, last + 1):
                curves.log("train", step, {"loss": 1 / step})
        return run.run_id

    assert log(3) == log(5)  # also where the second run opens before the first one ended
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("mono2stereo").experiment_id])
    history = client.get_metric_history(run.info.run_id, "train/loss")
    assert sorted((metric.step, metric.value) for metric in history) == [
        (step, float(f"{1 / step:.7g}")) for step in range(1, 6)
    ]
    assert run.data.metrics["train/loss"] == 0.2  # the latest step's, not the latest hour's
    assert run.info.status == "FINISHED"

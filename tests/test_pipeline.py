"""The whole pipeline in a clean clone, through real DVC, Git and MLflow, as the README has people use it."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from clones import call, environment, make_clone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]


def runs(clone: Path) -> dict[str, Any]:
    """All runs of the clone's store, by name."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{clone / 'mlflow.db'}")
    found = client.search_runs([client.get_experiment_by_name("mono2stereo").experiment_id])
    assert all(run.info.status == "FINISHED" for run in found)
    return {run.info.run_name: run for run in found}


def artifacts(run: Any) -> set[str]:
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the smallest pipeline that has all stages and branches has run once."""
    folder = make_clone(tmp_path_factory.mktemp("pipeline") / "clone")
    call("dvc", "repro", cwd=folder)
    call("git", "add", "--all", cwd=folder)
    call("git", "commit", "--quiet", "--message", "results", cwd=folder)
    return folder


def test_one_run_has_everything(clone: Path) -> None:
    (run,) = runs(clone).values()
    logged = artifacts(run)
    assert run.data.params["loss.coherence"] == "2.5"
    metrics = run.data.metrics
    assert {"train/mel", "valid/coherence", "render/log_mel_db", "evaluate/coherence_4096"} <= set(metrics)
    assert any(name.endswith("_stereo.wav") for name in logged)
    assert any(name.endswith("_mono.wav") for name in logged)
    (model,) = run.outputs.model_outputs
    assert list((clone / "mlartifacts/models" / model.model_id / "artifacts/data").glob("step-*.onnx"))
    assert {"listening_page.html", "evaluate/report.md", "evaluate/trade_off.png"} <= logged
    assert {"params.yaml", "dvc.lock"} <= logged
    assert "system/cpu_utilization_percentage" in metrics
    assert run.inputs.dataset_inputs[0].dataset.name == "demo"


def test_reports_are_there(clone: Path) -> None:
    reports = clone / "reports"
    for name in ("preprocess/round_trip.md", "train/train.csv", "listen/index.html", "evaluate/report.md"):
        assert (reports / name).stat().st_size > 500
    train = list(csv.DictReader((reports / "train/train.csv").open()))
    assert len(train) == 10
    audio = sorted(path.parent.name for path in reports.glob("render/audio/step-*/*_stereo.wav"))
    assert audio == ["step-000005", "step-000010"]
    worst = json.loads((reports / "preprocess/metrics.json").read_text())["round_trip_db"]["worst"]
    assert worst >= 110


def test_the_model_is_adopted_with_its_evidence(clone: Path) -> None:
    call(sys.executable, "-m", "stages.adopt", cwd=clone)
    adopted = (clone / "mono2stereo/weights/default.onnx").read_bytes()
    assert adopted == (clone / "models/checkpoints/step-000010.onnx").read_bytes()
    evidence = clone / "reports/model"
    run = json.loads((evidence / "run.json").read_text())
    assert run["params"]["profile"] == "ci"
    assert run["metrics"]["evaluate/log_mel_db"] > 0
    assert list(yaml.safe_load((evidence / "dvc.lock.yaml").read_text())) == [
        "download",
        "preprocess",
        "train",
    ]
    for name in ("params.yaml", "train/train.csv", "test/report.md"):
        assert (evidence / name).stat().st_size > 500
    assert str(clone) not in (evidence / "run.json").read_text()
    call("git", "checkout", "--quiet", "--", "mono2stereo/weights", "reports/model", cwd=clone)
    call("git", "clean", "--quiet", "--force", "-d", "reports/model", cwd=clone)


def test_nothing_runs_again_and_git_is_clean(clone: Path) -> None:
    assert "up to date" in call("dvc", "repro", cwd=clone)
    assert call("git", "status", "--short", cwd=clone) == ""


def test_metrics_and_plots_show(clone: Path, tmp_path: Path) -> None:
    assert "log_mel_db" in call("dvc", "metrics", "show", cwd=clone)
    call("dvc", "plots", "show", "-o", str(tmp_path), cwd=clone)
    page = (tmp_path / "index.html").read_text()
    for title in ("Losses, training", "Losses, validation", "Checkpoints"):
        assert title in page


def test_experiments_here_in_a_temporary_copy_and_queued(clone: Path) -> None:
    before = set(runs(clone))
    call("dvc", "exp", "run", "--name", "here", "-S", "loss.coherence=5", cwd=clone)
    call("dvc", "exp", "run", "--temp", "--name", "aside", "-S", "loss.coherence=1", cwd=clone)
    call("dvc", "exp", "run", "--queue", "--name", "queued", "-S", "loss.coherence=2", cwd=clone)
    call("dvc", "queue", "start", "--jobs", "1", cwd=clone)
    call("dvc", "queue", "logs", "--follow", "queued", cwd=clone)
    found = runs(clone)
    assert set(found) - before == {"here", "aside", "queued"}
    weights = {name: found[name].data.params["loss.coherence"] for name in ("here", "aside", "queued")}
    assert {name: float(value) for name, value in weights.items()} == {"here": 5, "aside": 1, "queued": 2}
    for name in ("here", "aside", "queued"):
        logged = artifacts(found[name])  # also of copies that are deleted by now
        assert {"listening_page.html", "evaluate/report.md"} <= logged
    shown = call("dvc", "exp", "show", "--csv", cwd=clone)
    assert all(name in shown for name in ("here", "aside", "queued"))


def processes_below(folder: Path) -> list[int]:
    """Ids of all processes that work in the folder: DVC's, its queue's, the stages'."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.resolve(strict=True).is_relative_to(folder):
                found.append(int(link.parent.name))
        except OSError:  # ended meanwhile, or another user's
            continue
    return found


def pull_the_plug_in_training(clone: Path) -> None:
    """SIGKILL for every process of the clone, once a state to resume from stands."""
    deadline = time.monotonic() + 600
    while not list(clone.glob(".resume/*/step-*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    while left := processes_below(clone):
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.1)


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="finds DVC's processes in /proc")
@pytest.mark.parametrize("how", ["--temp", "--queue"])
def test_a_killed_experiment_goes_on_in_its_run(clone: Path, how: str) -> None:
    from mlflow import MlflowClient

    weight = {"--temp": 7, "--queue": 8}[how]

    def command(name: str) -> list[str]:
        return ["dvc", "exp", "run", how, "--name", name, "-S", f"loss.coherence={weight}"]

    if how == "--temp":
        with subprocess.Popen(command("killed"), cwd=clone, env=environment(), stdout=subprocess.DEVNULL):
            pull_the_plug_in_training(clone)
        call(*command("killed-again"), cwd=clone)
    else:
        call(*command("plug"), cwd=clone)
        # Its worker would keep pipes open, and `call` wait for it to the end.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["dvc", "queue", "start"], cwd=clone, env=environment(), check=True, **quiet)
        pull_the_plug_in_training(clone)
        call(*command("plug-again"), cwd=clone)
        call("dvc", "queue", "start", cwd=clone)
        call("dvc", "queue", "logs", "--follow", "plug-again", cwd=clone)
    (run,) = [run for run in runs(clone).values() if float(run.data.params["loss.coherence"]) == weight]
    history = MlflowClient(f"sqlite:///{clone / 'mlflow.db'}").get_metric_history(
        run.info.run_id, "train/mel"
    )
    assert [metric.step for metric in history] == list(range(1, 11))
    assert {"listening_page.html", "evaluate/report.md"} <= artifacts(run)
    assert [path.name for path in (clone / ".resume").iterdir()] == ["finished"]


def test_two_repros_at_once(clone: Path) -> None:
    """DVC lets the second one go no further than its lock, and says which process has it."""
    first = subprocess.Popen(
        ["dvc", "repro", "--force", "--single-item", "train"],
        cwd=clone,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    while "stage 'train'" not in first.stdout.readline():
        assert first.poll() is None
    second = subprocess.run(
        ["dvc", "repro", "--force", "--single-item", "train"],
        cwd=clone,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert second.returncode != 0
    (line,) = [line for line in second.stderr.splitlines() if line.startswith("ERROR: ")][:1]
    assert "is busy" in line or "Unable to acquire lock" in line
    assert first.wait(300) == 0
    assert "up to date" in call("dvc", "repro", "train", cwd=clone)


def test_a_new_recording_is_noticed(clone: Path, tmp_path: Path) -> None:
    """A folder's change runs download again, and preprocess with it."""
    import numpy as np
    import soundfile

    def record(name: str) -> None:
        noise = np.random.default_rng(list(name.encode())).normal(size=(6 * 22050, 2)) * 0.1
        soundfile.write(tmp_path / name, noise, 22050)

    for name in ("one.wav", "two.flac", "three.ogg", "four.wav", "five.wav", "six.wav", "seven.wav"):
        record(name)
    params = clone / "params.yaml"
    original = params.read_text()
    changed = yaml.safe_load(original)
    changed["data"] |= {"source": "folder", "path": str(tmp_path)}
    params.write_text(yaml.safe_dump(changed))
    try:
        call("dvc", "repro", "preprocess", cwd=clone)
        assert "up to date" in call("dvc", "repro", "preprocess", cwd=clone)
        record("an eighth.wav")
        assert "Running stage 'preprocess'" in call("dvc", "repro", "preprocess", cwd=clone)
        assert "an eighth" in (clone / "data/manifest.csv").read_text()
    finally:
        params.write_text(original)
        call("dvc", "checkout", "--force", cwd=clone)

"""What a run holds beside curves and files: model, data, machine, where it came from."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import mono2stereo
from mono2stereo.tracking import continue_run, start_run
from mono2stereo.tracking.system_metrics import SystemMetrics

PARAMS = {"profile": "ci", "data.source": "demo", "data.path": "recordings", "loss.coherence": 2.5}
MANIFEST = textwrap.dedent("""\
    track,split,path,sample_rate,seconds,bytes,sha256,side_to_mid_db,status
    one,train,one.wav,22050,10.0,1,00,-3.0,ok
    two,train,two.wav,22050,5.5,1,01,-3.0,ok
    three,test,three.wav,22050,6.0,1,02,-3.0,ok
    four,test,four.wav,22050,6.0,1,03,-3.0,mono
""")
LOAD = textwrap.dedent("""
    import sys
    import mlflow, numpy
    mlflow.set_tracking_uri(sys.argv[1])
    model = mlflow.pyfunc.load_model(sys.argv[2])
    mono = numpy.load("mono.npy")
    numpy.save("stereo.npy", model.predict(mono))
    numpy.save("stereo_44100.npy", model.predict(mono, params={"sample_rate": 44100}))
    numpy.save("example.npy", model.predict(model.input_example))
    print(sorted({"tensorflow", "keras", "torch"} & set(sys.modules)))
""")


@pytest.fixture
def model() -> Path:
    return Path(str(files("mono2stereo") / "weights" / "default.onnx"))


def test_the_logged_model_converts_a_signal_without_tensorflow(root: Path, model: Path) -> None:
    from mlflow.models import Model

    with start_run("train", PARAMS, {}, root / "run.json") as run:
        run.log_model(model, sample_rate=22050, step=1)
    mono = (np.random.default_rng(0).normal(size=9000) * 0.1).astype(np.float32)
    np.save(root / "mono.npy", mono)
    command = [sys.executable, "-c", LOAD, f"sqlite:///{root / 'mlflow.db'}", f"runs:/{run.run_id}/model"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    for name, rate in (("stereo", 22050), ("stereo_44100", 44100)):
        expected = mono2stereo.convert(mono, sample_rate=rate)
        np.testing.assert_array_equal(np.load(root / f"{name}.npy"), expected)
    assert np.load(root / "example.npy").shape == (2048, 2)
    (found,) = (root / "mlartifacts" / "models").rglob("MLmodel")
    folder = found.parent
    assert not [file for file in folder.rglob("*") if file.suffix in (".pkl", ".py", ".pickle")]
    described = Model.load(str(folder))
    assert described.signature.inputs.inputs[0].shape == (-1,)
    assert described.signature.outputs.inputs[0].shape == (-1, 2)
    assert "onnxruntime" in (folder / "requirements.txt").read_text()


def test_where_a_run_came_from(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    monkeypatch.chdir(root)
    monkeypatch.setenv("DVC_EXP_NAME", "wider")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "a" * 40)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    (root / "tracked").write_text("1")
    subprocess.run(["git", "add", "tracked"], cwd=root, check=True)
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *author, "commit", "--quiet", "--message", "first"], cwd=root, check=True)
    (root / "tracked").write_text("2")
    (root / "data").mkdir()
    (root / "data" / "manifest.csv").write_text(MANIFEST)
    for name in ("params.yaml", "dvc.lock"):
        (root / name).write_text(name)
    with start_run("train", PARAMS, {"device": "GPU"}, root / "run.json") as run:
        pass
    (root / "dvc.lock").write_text("with train in it")
    with continue_run("render", root / "run.json", PARAMS, {}):
        pass

    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    stored = client.get_run(run.run_id)
    tags = stored.data.tags
    assert {name: tags[name] for name in ("experiment", "baseline", "dirty", "profile", "source")} == {
        "experiment": "wider",
        "baseline": "a" * 40,
        "dirty": "true",
        "profile": "ci",
        "source": "demo",
    }
    assert tags["device"] == "GPU"
    assert len(tags["mlflow.source.git.commit"]) == 40
    for name in ("params", "data", "code", "host"):
        assert tags[name]
    (logged,) = stored.inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.digest) == ("demo", tags["data"])
    assert json.loads(logged.dataset.source) == {"uri": "recordings"}
    assert json.loads(logged.dataset.profile) == {
        "num_rows": 3,
        "test_tracks": 1,
        "train_tracks": 2,
        "seconds": 21.5,
    }
    artifacts = root / "mlartifacts" / run.run_id / "artifacts"
    assert (artifacts / "params.yaml").read_text() == "params.yaml"
    assert (artifacts / "dvc.lock").read_text() == "with train in it"


def test_system_metrics_go_by_step_and_never_twice(root: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    for first in (1, 3):  # interrupted after step 4, resumed from step 2
        with (
            start_run("train", PARAMS, {}, root / "run.json", resume_key="a training") as run,
            run.watching_the_machine() as sink,
        ):
            for step in range(first, first + 4):
                sink({"train/loss": 1.0}, step)
                sink({"valid/loss": 1.0}, step)
    run_id = run.run_id
    keys = {key for key in client.get_run(run_id).data.metrics if key.startswith("system/")}
    assert {"system/cpu_utilization_percentage", "system/disk_usage_percentage"} <= keys
    for key in (*keys, "train/loss", "valid/loss"):
        steps = [metric.step for metric in client.get_metric_history(run_id, key)]
        assert steps == [1, 2, 3, 4, 5, 6], key


def test_system_metrics_sample_between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mono2stereo.tracking.system_metrics.SAMPLE_EVERY_SECONDS", 0.01)
    with SystemMetrics() as machine:
        while len(machine._monitors[0].metrics["system_memory_usage_percentage"]) < 3:
            pass
        means = machine.since_step(1)
        assert 0 < means["system/system_memory_usage_percentage"] <= 100
        assert machine.since_step(1) == {}


def test_a_stage_that_runs_again_replaces_pictures_and_tables(root: Path) -> None:
    from mlflow import MlflowClient
    from PIL import Image

    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    Image.new("RGB", (600, 300), "red").save(root / "red.png")
    with start_run("train", PARAMS, {}, root / "run.json") as run:
        pass
    for _ in range(2):
        with continue_run("evaluate", root / "run.json", PARAMS, {}) as evaluation:
            evaluation.log_image(root / "red.png", "spectrogram-01", 50)
            evaluation.log_table({"method": ["neural", "copy"]}, "evaluate/methods.json")
            evaluation.log_metrics({"evaluate/log_mel_db": 3.9})
    assert len(client.list_artifacts(run.run_id, "images")) == 2  # the picture and its thumbnail
    table = Path(client.download_artifacts(run.run_id, "evaluate/methods.json"))
    assert json.loads(table.read_text()) == {"columns": ["method"], "data": [["neural"], ["copy"]]}
    assert len(client.get_metric_history(run.run_id, "evaluate/log_mel_db")) == 1


def test_other_code_of_a_stage_gets_a_run_of_its_own(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_run("train", PARAMS, {}, root / "run.json") as run:
        pass
    with continue_run("evaluate", root / "run.json", PARAMS, {}) as first:
        pass
    monkeypatch.setattr("mono2stereo.provenance.code_hash", lambda: "changed")
    with continue_run("evaluate", root / "run.json", PARAMS, {}) as second:
        pass
    assert first.run_id == run.run_id != second.run_id

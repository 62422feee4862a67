"""`--model RUN_ID` and `info RUN_ID`: a run's logged model, in one line where there is none."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import requests
import soundfile
from servers import free_port

import mono2stereo
from mono2stereo.cli import main
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.errors import TrainingError
from mono2stereo.tracking import Run, continue_run, start_run

DEFAULT = Path(str(files("mono2stereo") / "weights" / "default.onnx"))
MANIFEST = "split,seconds,status\ntrain,10.0,ok\n"


@pytest.fixture
def trained(root: Path, monkeypatch) -> Run:
    """A run of two stages; train ended twice, as after a kill just before its end."""
    monkeypatch.chdir(root)
    (root / "data").mkdir()
    (root / "data/manifest.csv").write_text(MANIFEST)
    settings = {"data.source": "demo", "loss.coherence": 2.5}
    for _ in range(2):
        with start_run("train", settings, {}, root / "run.json", resume_key="a training") as run:
            for step in (5, 10):
                run.log_metrics({"valid/mel": 10 / step, "train/mel": 1.0}, step)
            run.log_model(DEFAULT, 22050, 10)
    with continue_run("evaluate", root / "run.json", settings, {}) as evaluation:
        evaluation.log_metrics({"evaluate/log_mel_db": 3.9})
    return run


def test_the_model_of_a_run_is_mlflows(trained: Run, root: Path, capsys) -> None:
    """In the run's Models tab, with what is known of it; registered, it converts by its name there."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    run = client.get_run(trained.run_id)
    (output,) = run.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.name, str(model.status), model.source_run_id) == ("model", "READY", trained.run_id)
    assert model.params["loss.coherence"] == "2.5"
    told = {(metric.key, metric.value, metric.dataset_name) for metric in model.metrics}
    assert told == {("valid/mel", 1.0, "demo"), ("evaluate/log_mel_db", 3.9, "demo")}
    history = client.get_metric_history(trained.run_id, "valid/mel")
    assert [(metric.step, metric.value) for metric in history] == [(5, 2.0), (10, 1.0)]

    client.create_registered_model("wide")
    client.create_model_version("wide", f"models:/{model.model_id}", trained.run_id)
    soundfile.write(root / "mono.wav", np.zeros(22050), 22050)
    main(["convert", "mono.wav", "--model", "models:/wide/1"])
    assert soundfile.info(root / "mono-stereo.wav").channels == 2
    with pytest.raises(SystemExit):
        main(["info", "models:/narrow/1"])
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert "models:/narrow/1: Registered Model with name=narrow not found" in line


def test_training_goes_on_from_the_model_of_a_run(trained: Run) -> None:
    from mono2stereo.training.assemble import starting_model

    assert starting_model(trained.run_id).read_bytes() == DEFAULT.read_bytes()
    with pytest.raises(TrainingError, match="0" * 32):
        starting_model("0" * 32)


@pytest.mark.slow
def test_the_documented_line_serves_it(trained: Run, root: Path) -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^mlflow models serve .*$", text, re.MULTILINE)
    port = free_port()
    command = shlex.split(line.replace("<run id>", trained.run_id).replace("5001", str(port)))
    program = [sys.executable, "-m", *command]
    address = f"http://127.0.0.1:{port}"
    mono = (0.1 * np.random.default_rng(0).normal(size=4410)).astype(np.float32)
    with subprocess.Popen(
        program, cwd=root, env={**os.environ, "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}, process_group=0
    ) as server:
        try:
            while not answers(f"{address}/ping"):
                assert server.poll() is None
                time.sleep(0.2)
            question = {"inputs": mono.tolist(), "params": {"sample_rate": 44100}}
            answer = requests.post(f"{address}/invocations", json=question, timeout=300)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
    stereo = np.array(answer.json()["predictions"])
    expected = mono2stereo.convert(mono, sample_rate=44100)
    np.testing.assert_allclose(stereo, expected, atol=1e-6)


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=10).ok
    except requests.ConnectionError:
        return False


def test_a_run_id_names_the_model_that_the_run_logged(root: Path, capsys, monkeypatch) -> None:
    with start_run("train", {}, {}, root / "run.json", root) as run:
        run.log_model(DEFAULT, 22050, 1)
    with start_run("train", {}, {}, root / "other.json", root) as empty:
        pass
    monkeypatch.chdir(root)
    main(["info", run.run_id])
    said = capsys.readouterr().out
    assert said.startswith(f"model: {run.run_id}\n")
    assert "sample_rate: 22050" in said
    for run_id in (empty.run_id, "0" * 32):
        with pytest.raises(SystemExit) as stop:
            main(["info", run_id])
        assert stop.value.code == 1
        assert run_id in capsys.readouterr().err.splitlines()[-1]


def test_without_a_store_it_says_where_it_looked(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["info", "0" * 32])
    assert capsys.readouterr().err.splitlines() == [
        f"error: no MLflow store in {tmp_path}; go to the repository, or set MLFLOW_TRACKING_URI"
    ]
    assert not list(tmp_path.iterdir())


def test_adopt_refuses_before_it_overwrites(root: Path, capsys, monkeypatch) -> None:
    from stages.adopt import main as adopt

    monkeypatch.chdir(root)
    shutil.copy(Path(__file__).parents[2] / "params.yaml", root)
    checkpoint, default = (
        root / "models/checkpoints/step-000001.onnx",
        root / "mono2stereo/weights/default.onnx",
    )
    for file in (checkpoint, default):
        file.parent.mkdir(parents=True)
    shutil.copy(DEFAULT, checkpoint)
    run_id = NeuralDecorrelator.load(checkpoint).card.training["run_id"]
    (root / "models/run.json").write_text(json.dumps({"run_id": run_id}))
    (root / "dvc.lock").write_text("stages: {download: {}, preprocess: {}, train: {}}")
    default.write_text("adopted before")
    with pytest.raises(TrainingError, match=run_id):
        adopt()
    assert default.read_text() == "adopted before"
    assert not (root / "reports").exists()

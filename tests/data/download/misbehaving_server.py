"""A real HTTP server on loopback that serves one file and misbehaves as it is told."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import numpy as np


@dataclass
class Fault:
    """What is wrong with one answer."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Callable[[bytes], bytes] | None = None  # what is sent instead
    first: int | None = None  # what Content-Range claims
    drop_after: int | None = None  # bytes; the connection then breaks
    reset: bool = False  # by RST instead of FIN
    stall: bool = False  # instead of breaking
    ignore_range: bool = False


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, content: Sequence[int]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.validators = {"ETag": '"one"'}
        self.has_ranges = self.has_if_range = True
        self.fault: Callable[[int], Fault | None] = lambda number: None
        self.piece = 4096  # bytes sent at a time
        self.on_sent: Callable[[], None] = lambda: None
        self.lock = threading.Lock()
        self.requests: list[tuple[float, dict[str, str]]] = []
        self.sent = self.busy = self.most_busy = 0
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/musdb18hq.zip?download=1"

    def handle_error(self, request, client_address) -> None:
        """A client that is killed or has enough is no error."""

    def stop(self) -> None:
        self.ended.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *args) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        with server.lock:
            number = len(server.requests)
            server.requests.append((time.monotonic(), dict(self.headers)))
            server.busy += 1
            server.most_busy = max(server.busy, server.most_busy)
        try:
            self.answer(server.fault(number) or Fault())
        finally:
            with server.lock:
                server.busy -= 1

    def answer(self, fault: Fault) -> None:
        server = self.server
        content, validators = server.content, server.validators
        if fault.status is not None:
            return self.head(fault.status, {**fault.headers, "Content-Length": "0"})
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        known = self.headers.get("If-Range") in (None, *validators.values()) or not server.has_if_range
        start, stop, status, headers = 0, len(content), 200, {}
        if asked and server.has_ranges and known and not fault.ignore_range:
            start, stop, status = int(asked[1]), min(int(asked[2]) + 1, len(content)), 206
            if start >= len(content):
                return self.head(416, {"Content-Length": "0"})
            first = start if fault.first is None else fault.first
            headers["Content-Range"] = f"bytes {first}-{stop - 1}/{len(content)}"
        if fault.body is not None:
            content = fault.body(bytes(content[start:stop]))
            start, stop = 0, len(content)
        headers |= {"Retry-After": "59", **validators, "Content-Length": str(stop - start), **fault.headers}
        self.head(status, headers)
        self.send(content, start, stop if fault.drop_after is None else min(stop, start + fault.drop_after))
        if fault.stall:
            server.ended.wait(20)
        if fault.drop_after is not None:
            self.close_connection = True
            if fault.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, content: Sequence[int], start: int, stop: int) -> None:
        for at in range(start, stop, self.server.piece):
            piece = bytes(content[at : min(stop, at + self.server.piece)])
            self.wfile.write(piece)
            with self.server.lock:
                self.server.sent += len(piece)
            self.server.on_sent()


def noise(count: int, seed: int) -> bytes:
    """Bytes that deflate about as far as music does."""
    return np.random.default_rng(seed).integers(0, 32, count, dtype=np.uint8).tobytes()


def mixtures_of(
    tracks: int = 6, *, size: int = 20_000, seed: int = 0, only: str | None = None
) -> dict[str, bytes]:
    """Contents by member name, in MUSDB's layout: two thirds of the tracks in train."""
    stems = ("bass", "drums", "mixture", "other", "vocals")
    return {
        f"{'test' if n % 3 == 2 else 'train'}/Artist {n} - Ünïtle/{stem}.wav": noise(
            size if stem == "mixture" else size // 5, seed * 10_000 + 5 * n + k
        )
        for n in range(tracks)
        for k, stem in enumerate(stems)
        if only in (None, stem)
    }


def write_zip(path: Path, contents: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path.read_bytes()


def wanted(name: PurePosixPath) -> PurePosixPath | None:
    return name if name.name == "mixture.wav" else None


def audio_below(root: Path) -> dict[str, bytes]:
    """Every file that the pipeline would take for a recording."""
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in root.rglob("*.wav")
        if ".parts" not in file.parts
    }

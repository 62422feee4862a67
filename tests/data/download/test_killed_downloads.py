"""The downloader as a process of its own, killed without warning and started again until it is done."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from misbehaving_server import audio_below, mixtures_of, write_zip

from mono2stereo.data.download import is_complete

DOWNLOADER = """
import sys
from pathlib import Path
from mono2stereo.data.download import fetch

url, root, sha256 = sys.argv[1:]
fetch(url, Path(root), wanted=lambda name: name if name.name == "mixture.wav" else None, sha256=sha256)
"""


@pytest.mark.parametrize(("has_ranges", "kills"), [(True, 20), (False, 5)])
def test_killed_at_random_moments(serve, tmp_path: Path, has_ranges: bool, kills: int) -> None:
    contents = mixtures_of(24, size=60_000, only="mixture")
    server = serve(write_zip(tmp_path / "served.zip", contents))
    server.has_ranges, server.piece = has_ranges, 512 if has_ranges else 8192
    root = tmp_path / "raw"
    command = [
        sys.executable,
        "-c",
        DOWNLOADER,
        server.url,
        str(root),
        hashlib.sha256(server.content).hexdigest(),
    ]
    chance = random.Random(0)
    length, partial = len(server.content), 0
    process: subprocess.Popen | None = None
    kill_at = 0

    def kill_when_due() -> None:
        if process is not None and server.sent >= kill_at:
            process.send_signal(signal.SIGKILL)
            raise ConnectionAbortedError  # what is sent to the dead does not count
        time.sleep(0.0005)

    server.on_sent = kill_when_due
    for _ in range(kills):
        kill_at = server.sent + 1 + chance.randrange(length // 12 if has_ranges else length)
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        assert process.wait() == -signal.SIGKILL
        found = audio_below(root)
        assert found.items() <= contents.items(), "a wrong file looks right"
        partial += bool(list((root / ".parts").rglob("*.part")))
        assert not is_complete(root)
    process = None
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert audio_below(root) == contents
    assert is_complete(root)
    assert not (root / ".parts").exists()
    if has_ranges:
        assert partial > kills / 2
        assert server.sent < 2 * length  # 20 directories, and what was under way on 4 connections at 20 kills

"""Processes that work for tabs; one waits with its imports done, so that sound comes soon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Told = Callable[[dict[str, Any]], None]
LONGEST_EVENT = 1 << 22  # bytes; a model's card may be long
LAST = ("finished", "failed", "measured")
MOST_SPARES = 3
DIED = "its process died; the file may be damaged, or memory short"
CONVERT = [sys.executable, "-c", "from mono2stereo.cli import main; main()", "convert"]


class Job:
    """Work in a process of its own; `stop` ends it at once.

    Args:
        process: Its worker.
        job: What `worker.JOBS` take.
        told: Called with each event, and with "failed" if the process dies.
        release: Takes the process back that is done.
    """

    def __init__(
        self, process: Process, job: dict[str, Any], told: Told, release: Callable[[Process], None]
    ) -> None:
        self._process, self._told, self._job, self._release = process, told, job, release
        self._ended = False
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        with contextlib.suppress(ConnectionError):
            stdin.write(json.dumps(self._job).encode() + b"\n")
            await stdin.drain()
            async for line in stdout:
                event = json.loads(line)
                done = event["event"] in LAST
                if done:
                    self._ended = True
                    self._release(self._process)
                self._told(event)
                if done:
                    return
        self._ended = True
        self._told({"event": "failed", "text": f"{self._job.get('name', '')}: {DIED}"})

    async def stop(self) -> None:
        """End it; nothing is told any more."""
        self._task.cancel()
        if self._ended:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class Workers:
    """Gives jobs processes; some wait, with their imports done."""

    def __init__(self) -> None:
        self._spare: list[Process] = []

    async def warm(self, spares: int = 2) -> None:
        """Have processes ready: the first recording needs one for its mid and one for its side."""
        while len(self._spare) < spares:
            self._spare.append(await self._new())

    async def start(self, job: dict[str, Any], told: Told) -> Job:
        while self._spare:
            process = self._spare.pop()
            if process.returncode is None:
                break
        else:
            process = await self._new()
        return Job(process, job, told, self._take_back)

    def _take_back(self, process: Process) -> None:
        if len(self._spare) < MOST_SPARES and process.returncode is None:
            self._spare.append(process)
        else:
            process.kill()

    async def close(self) -> None:
        for process in self._spare:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self._spare = []

    async def _new(self) -> Process:
        command = [sys.executable, "-m", "mono2stereo.studio.worker"]
        return await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=LONGEST_EVENT
        )


async def convert(arguments: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run `mono2stereo convert` in a folder; its exit status and what it said. Cancelled, it cleans up."""
    process = await asyncio.create_subprocess_exec(
        *CONVERT, *arguments, cwd=folder, stdin=DEVNULL, stdout=PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    return process.returncode or 0, said.decode(errors="replace").strip()

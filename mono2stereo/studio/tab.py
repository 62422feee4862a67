"""One tab of the browser: its recording, the sides made of it, and all that ends with it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mono2stereo.dsp.loudness import k_weighting_sos
from mono2stereo.errors import DataError
from mono2stereo.studio import voices
from mono2stereo.studio.settings import Settings, checked
from mono2stereo.studio.workers import Job, Workers

MOST_SIDES = 6  # at once, of one recording


class SupersededError(DataError):
    """What was asked for is no longer wanted: another recording or passage took its place."""


@dataclass
class Side:
    """A side on disk, or coming.

    Attributes:
        number: In the names of its voices.
        file: Of its samples.
        card: Of the network that made it, as JSON.
        changes_mid: Whether it has a mid of its own.
        dropped: Whether its recording was closed, or newer sides took its place.
        job: What makes it.
    """

    number: int
    file: Path
    card: str | None = None
    changes_mid: bool = False
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    failed: str = ""
    dropped: bool = False
    job: Job | None = None


class Tab:
    """What a tab has on disk and at work; `close` frees all of it.

    Args:
        folder: Private; is made.
        workers: Shared by all tabs.
        tell: Takes events for the page.
    """

    def __init__(self, folder: Path, workers: Workers, tell: Callable[[dict[str, Any]], None]) -> None:
        folder.mkdir(mode=0o700)
        self.folder, self._workers, self.tell = folder, workers, tell
        self.source = Path()
        self.name = ""
        self.sample_rate = 0
        self.sides: dict[tuple[str | None, str | None], Side] = {}
        self._opened = 0
        self._numbers = 0
        self._decoding: Job | None = None
        self._measuring: tuple[Job, asyncio.Future[dict[str, Any]]] | None = None
        self._opening = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def uploads(self) -> Path:
        """Where what was dropped lies."""
        return self.folder / "dropped"

    @property
    def mid(self) -> Path:
        return self._place / "mid"

    @property
    def _place(self) -> Path:
        return self.folder / f"recording-{self._opened}"

    async def open(self, source: Path, name: str, settings: Settings) -> None:
        """Take another recording, or the same with another channel or track; the former one goes."""
        options, _, how = checked(settings)
        async with self._opening:
            await self._open(source, name, how.channel, options.track)

    def require_recording(self) -> None:
        """Refuse what needs one.

        Raises:
            DataError: None is open.
        """
        if not self.name:
            raise DataError("no recording is open")

    async def _open(self, source: Path, name: str, channel: str, track: int | None) -> None:
        await self._forget()
        self._opened += 1
        self._place.mkdir()
        self.source, self.name = source, name
        facts = {"source": str(source), "name": name, "file": str(self.mid), "channel": channel}
        number = self._opened

        def told(event: dict[str, Any]) -> None:
            if number != self._opened:
                return
            if event["event"] == "opened":
                self.sample_rate = event["sample_rate"]
                event["k_weighting"] = k_weighting_sos(self.sample_rate).tolist()
            if event["event"] == "again":  # another channel is taken: what was made of this one is wrong
                self.work(self._remake())
            self.tell({**event, "voice": "mid", "recording": number, "name": name})

        self._decoding = await self._workers.start({"job": "decode", "track": track, **facts}, told)
        self.work(self._workers.warm())

    async def side(self, settings: Settings) -> Side:
        """The side of the method that these settings name, made from now on if it is not there.

        Raises:
            SupersededError: The recording was closed meanwhile.
            DataError: It cannot be made.
        """
        options, _, _ = checked(settings)
        if not self.sample_rate:
            raise DataError("no recording is open")
        key = (options.model, options.method)
        if key not in self.sides or self.sides[key].failed:
            while len(self.sides) >= MOST_SIDES:
                oldest = next(iter(self.sides))
                await self._drop(self.sides.pop(oldest))
            self._numbers += 1
            self.sides[key] = side = Side(self._numbers, self._place / f"side-{self._numbers}")
            await self._make(side, *key)
        side = self.sides[key] = self.sides.pop(key)  # the youngest now
        await side.opened.wait()
        if side.dropped:
            raise SupersededError("no longer wanted")
        if side.failed:
            raise DataError(side.failed)
        return side

    async def _make(self, side: Side, model: str | None, method: str | None) -> None:
        def told(event: dict[str, Any]) -> None:
            if event["event"] == "opened":
                side.card, side.changes_mid = event["card"], event["changes_mid"]
                side.opened.set()
            elif event["event"] == "failed":
                side.failed = event["text"]
                side.opened.set()
            if event["event"] != "opened":
                self.tell({**event, "voice": f"side-{side.number}", "recording": self._opened})

        facts = {"mid": str(self.mid), "sample_rate": self.sample_rate, "file": str(side.file)}
        names = {"model": model, "method": method, "name": method or model or "network"}
        side.job = await self._workers.start({"job": "side", **facts, **names}, told)

    async def _remake(self) -> None:
        for key, side in self.sides.items():
            if side.job:
                await side.job.stop()
            await self._make(side, *key)

    async def measure(self, settings: Settings, first: int, last: int, *, alone: bool) -> dict[str, Any]:
        """What is heard of a passage with these settings, or of the mid alone; ends an earlier call."""
        side = None if alone else await self.side(settings)
        await self._end_measuring()
        ready = min(voices.length(file) for file in (self.mid, *([side.file] if side else [])))
        if not 0 <= first < (last := min(last, ready)):
            raise DataError("this passage is not there yet")
        done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        facts: dict[str, Any] = {
            "job": "measure",
            "mid": str(self.mid),
            "side": str(side.file) if side else None,
            "card": side.card if side else None,
            "changes_mid": bool(side and side.changes_mid),
            "sample_rate": self.sample_rate,
            "settings": dict(settings),
            "first": first,
            "last": last,
            "name": self.name,
        }
        job = await self._workers.start(facts, lambda e: None if done.done() else done.set_result(e))
        self._measuring = job, done
        self.work(self._workers.warm(1))
        event = await done
        if event["event"] == "failed":
            raise DataError(event["text"])
        return event

    def file(self, voice: str) -> Path:
        """Of a voice's samples.

        Raises:
            SupersededError: It was there, or will be.
            DataError: There is none of this name.
        """
        files = {"mid": self.mid}
        for side in self.sides.values():
            files |= {f"side-{side.number}": side.file, f"mid-{side.number}": voices.own_mid(side.file)}
        if voice in files and files[voice].exists():
            return files[voice]
        numbers = range(1, self._numbers + 1)
        if voice in ("mid", *(f"{kind}-{number}" for kind in ("side", "mid") for number in numbers)):
            raise SupersededError(f"{voice} is of another recording")
        raise DataError(f"{voice[:40]}: no such voice")

    def work(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something that ends with the tab, if not before."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _end_measuring(self) -> None:
        if self._measuring:
            job, done = self._measuring
            self._measuring = None
            await job.stop()
            if not done.done():
                done.set_exception(SupersededError("another passage is measured"))

    async def finished(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What work comes to that ends with the tab.

        Raises:
            DataError: The tab was closed.
        """
        try:
            return await self.work(work)
        except asyncio.CancelledError:
            raise DataError("the tab was closed") from None

    async def close(self) -> None:
        """Free all."""
        await self._forget()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _forget(self) -> None:
        await self._end_measuring()
        if self._decoding:
            await self._decoding.stop()
        self._decoding = None
        for side in self.sides.values():
            await self._drop(side)
        self.sides.clear()
        self.sample_rate = 0
        shutil.rmtree(self._place, ignore_errors=True)

    async def _drop(self, side: Side) -> None:
        if side.job:
            await side.job.stop()
        for file in self._place.glob(f"{side.file.name}*"):
            file.unlink(missing_ok=True)
        side.dropped = True
        side.opened.set()

"""Writes what the page shows: one file, or a folder's, each by a `mono2stereo convert` of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mono2stereo.conversion.plan import plan
from mono2stereo.errors import DataError, UsageError
from mono2stereo.studio.settings import Settings, arguments, checked, command_line
from mono2stereo.studio.tab import Tab
from mono2stereo.studio.workers import convert

LONGEST_NAME_BYTES = 180


def named_path(text: Any, what: str) -> Path:
    """A path that a person wrote.

    Raises:
        UsageError: None, or one that depends on where the studio was started.
    """
    path = Path(text).expanduser() if isinstance(text, str) and text and "\0" not in text else Path()
    if not path.is_absolute():
        raise UsageError(f"{what}: give a whole path, such as {Path.home() / 'Music'}")
    return path


def file_name(text: Any) -> str:
    """The name alone of what a page names, fit for any disk.

    Raises:
        UsageError: None is left.
    """
    name = Path(str(text or "").replace("\\", "/")).name
    name = "".join(letter for letter in name if letter.isprintable() and letter not in '<>:"|?*')
    stem, suffix = Path(name).stem, Path(name).suffix[:16]
    while len((stem + suffix).encode()) > LONGEST_NAME_BYTES:
        stem = stem[:-1]
    if not stem.strip(". "):
        raise UsageError("a file has a name")
    return stem + suffix


async def save(tab: Tab, settings: Settings, target: Path, *, force: bool) -> dict[str, Any]:
    """Write the recording with these settings; as `convert` does, since it is `convert`.

    Raises:
        DataError: What it could not do.
    """
    given = arguments(settings)
    checked(settings)
    source = tab.name if tab.source.parent == tab.uploads else str(tab.source)
    source = f"./{source}" if source.startswith("-") else source
    call = [source, "-o", str(target), *(["--force"] if force else []), *given]
    folder = tab.uploads if tab.source.parent == tab.uploads else tab.source.parent
    status, said = await convert(call, folder)
    if status:
        raise DataError(_reason(said, f"status {status}"))
    return {"said": said, "command": command_line(given, source, ["-o", str(target)])}


def _reason(said: str, otherwise: str) -> str:
    """Why `convert` failed: its last line, or what is told where it said nothing."""
    return said.splitlines()[-1].removeprefix("error: ") if said else otherwise


@dataclass
class Batch:
    """A folder's recordings, one after the other.

    Attributes:
        tab: Which asked, and is told.
        given: Arguments of each.
        going: Whether the next one may begin.
    """

    tab: Tab
    source: Path
    target: Path
    settings: Settings
    done: int = 0
    total: int = 0
    failed: list[str] = field(default_factory=list)
    going: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    async def run(self) -> None:
        """Convert all; the tab is told after each."""
        given = arguments(self.settings)
        self.going.set()
        try:
            options, _, _ = checked(self.settings)
            suffix = f".{options.format}" if options.format else None
            jobs = await asyncio.to_thread(plan, [self.source], folder=self.target, suffix=suffix)
            self.total = len(jobs)
            self._tell()
            for job in jobs:
                await self.going.wait()
                name = str(job.source.relative_to(self.source))
                self._tell(name)
                status, said = await convert([f"./{name}", "-o", str(job.target), *given], self.source)
                self.done += 1
                if status:
                    self.failed.append(_reason(said, f"{name}: status {status}"))
                self._tell()
        except (UsageError, OSError) as error:
            self.failed.append(str(error))
        finally:
            self.ended = True
            self._tell()

    def pause(self, paused: bool) -> None:
        """Let the file at work end, and no other begin."""
        (self.going.clear if paused else self.going.set)()
        self._tell()

    def _tell(self, current: str = "") -> None:
        facts = {"done": self.done, "total": self.total, "failed": self.failed[-100:], "current": current}
        self.tab.tell({"event": "batch", **facts, "paused": not self.going.is_set(), "ended": self.ended})

"""Last states of trainings that have ended, for a longer one to go on from, within a bound on disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from mono2stereo.files import atomic_path

FINISHED = "finished"  # folder among those of running trainings
MOST_BYTES = 5_000_000_000  # of all trainings together; five of full width


class FinishedStates:
    """Those of trainings that differ in their number of steps alone, beside other trainings' ones.

    Args:
        folder: `<all finished ones>/<fingerprint without the number of steps>`.
        most_bytes: Of all finished ones; the newest stays whatever it takes.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self._most_bytes = most_bytes

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else adds, drops or reads."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder.parent / "lock"):
            yield

    def states(self, below: int) -> list[Path]:
        """Of steps below that one, ascending."""
        kept = sorted(self.folder.glob("step-*"))
        return [state for state in kept if int(state.name.removeprefix("step-")) < below]

    def add(self, state: Path) -> None:
        """Keep `state`, and of all the oldest no longer where there are too many bytes."""
        with atomic_path(self.folder / state.name, durable=True) as partial_path:
            shutil.copytree(state, partial_path, copy_function=link_or_copy)
        kept = 0
        by_age = sorted(self.folder.parent.glob("*/step-*"), key=lambda each: each.stat().st_mtime_ns)
        for each in reversed(by_age):
            kept += sum(file.stat().st_size for file in each.rglob("*") if file.is_file())
            if kept > self._most_bytes and each != by_age[-1]:
                shutil.rmtree(each)
        for empty in self.folder.parent.glob("*/"):
            if not any(empty.iterdir()):
                empty.rmdir()


def link_or_copy(source: Path | str, target: Path | str) -> None:
    """Hard-link, since what a state holds never changes; copy where the disk is another."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)

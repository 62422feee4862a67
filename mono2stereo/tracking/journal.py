"""What is logged, in order: straight into the store, or on disk while the store is away.

`.mlflow-spool/` at the top of the repository has a folder for every stage that found the store away: one
numbered JSON file for each operation, copies of the files that it is about, the lock of the process that
writes it. The process itself tries again with growing pauses; what it leaves, any later stage sends first.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mono2stereo.errors import TrainingError
from mono2stereo.files import atomic_path
from mono2stereo.tracking.faults import RefusedError, UnreachableError
from mono2stereo.tracking.store import SPOOL, Store, StoredRun

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 2.0, 300.0
DAMAGED = (ValueError, KeyError, TypeError, AttributeError)  # what a broken entry raises
PAUSE_BY_ATTEMPT = 10  # an attempt that waits for its timeout may take a tenth of the time


class Journal:
    """Operations on one run.

    Args:
        store: where they go.
        key: names the run from its first process on, where it may be interrupted.

    Attributes:
        id: names this journal, and the run that it creates until MLflow has named it.
        run: the run in the store.
    """

    def __init__(self, store: Store, key: str | None = None) -> None:
        self.id = key or uuid.uuid4().hex
        self.run = StoredRun(store)
        self._store = store
        self._spool = store.root / SPOOL
        self._folder: Path | None = None  # ours in the spool, once it is needed
        self._lock: FileLock | None = None
        self._entries = self._sent = 0
        self._away = False
        self._pause = self._not_before = 0.0
        if self._spool.is_dir():
            self._reach(self._send_waiting)
        self._alive = FileLock(store.lock_of(self.id))
        with suppress(Timeout):
            self._alive.acquire(timeout=0)

    def write(self, operation: str, arguments: Mapping[str, Any], files: Path | None = None) -> None:
        """Do an operation of `StoredRun` now, or keep it for later.

        Raises:
            TrainingError: the store refuses it, or the disk does while the store is away.
        """
        if not self._away and self._reach(lambda: self.run.send(operation, arguments, files)):
            return
        try:
            self._keep(operation, arguments, files)
        except OSError as error:
            raise TrainingError(
                f"{self._spool}: {error.strerror}, and the store {self._store.name} is away; make room or "
                "bring it back, then run the same command again"
            ) from None
        if time.monotonic() >= self._not_before:
            self._reach(self._send_waiting)

    def close(self) -> None:
        """Try once more to send what waits, and leave the rest to the next stage."""
        if self._away:
            self._reach(self._send_waiting)
        if self._lock:
            self._lock.release()
        if self._alive.is_locked:
            self._store.lock_of(self.id).unlink(missing_ok=True)
            self._alive.release()

    def _reach(self, send: Callable[[], None]) -> bool:
        """Whether `send` got through. Says once that the store is away, and once that it is back."""
        began = time.monotonic()
        try:
            send()
        except UnreachableError as error:
            now = time.monotonic()
            longer = max(FIRST_PAUSE_SECONDS, 2 * self._pause, PAUSE_BY_ATTEMPT * (now - began))
            self._pause = min(longer, LONGEST_PAUSE_SECONDS)
            self._not_before = now + self._pause
            if not self._away:
                self._say(
                    f"warning: MLflow's store {self._store.name} is away ({error}); the stage goes on, and "
                    f"what it logs waits in {SPOOL}/ until the store is back or the next stage runs"
                )
            self._away = True
            return False
        except RefusedError as error:
            raise TrainingError(f"MLflow's store {self._store.name} refuses an entry: {error}") from None
        if self._sent:
            self._say(f"MLflow's store {self._store.name} has got all that waited in {SPOOL}/")
        self._away, self._pause, self._sent = False, 0.0, 0
        return True

    def _keep(self, operation: str, arguments: Mapping[str, Any], files: Path | None) -> None:
        if self._folder is None:
            self._folder = self._new_folder()
        self._entries += 1
        entry = self._folder / f"{self._entries:08d}.json"
        if files:
            copied = entry.with_suffix(".files")
            copied.mkdir()
            if files.is_dir():
                shutil.copytree(files, copied, dirs_exist_ok=True)
            else:
                shutil.copy(files, copied)
            for file in copied.rglob("*"):
                _settle(file)
        with atomic_path(entry) as partial_path:
            partial_path.write_text(
                json.dumps({"operation": operation, "arguments": arguments}), encoding="utf-8"
            )
            _settle(partial_path)

    def _new_folder(self) -> Path:
        """A folder that sorts after all others, locked by this process."""
        self._spool.mkdir(exist_ok=True)
        with FileLock(self._spool / "lock"):
            number = 1 + max((int(folder.name[:6]) for folder in self._folders()), default=0)
            folder = self._spool / f"{number:06d}-{self.id}"
            partial_path = self._spool / f".{self.id}"  # until it is locked
            self._lock = FileLock(partial_path / "lock")
            self._lock.acquire()
            partial_path.rename(folder)
        _remember(folder, self.run.run_id)
        return folder

    def _folders(self) -> list[Path]:
        return sorted(self._spool.glob("[0-9]*-*"))

    def _send_waiting(self) -> None:
        """Send what ended stages left, then what this one wrote; folders of stages that run are theirs."""
        for folder in self._folders():
            if folder == self._folder:
                continue
            try:
                with FileLock(folder / "lock", timeout=0):
                    known = folder / "run"
                    run = StoredRun(self._store, known.read_text("utf-8") if known.exists() else "")
                    try:
                        self._send(folder, run)
                    except (RefusedError, *DAMAGED) as error:
                        aside = self._spool / "refused" / folder.name
                        aside.parent.mkdir(exist_ok=True)
                        folder.rename(aside)
                        self._say(f"warning: MLflow's store refuses what waited ({error}); it is in {aside}")
            except Timeout:
                continue
        if self._folder:
            self._send(self._folder, self.run)
            self._folder = None
            self._entries = 0

    def _send(self, folder: Path, run: StoredRun) -> None:
        for entry in sorted(folder.glob("[0-9]*.json")):
            kept, files = json.loads(entry.read_text(encoding="utf-8")), entry.with_suffix(".files")
            run.send(kept["operation"], kept["arguments"], files if files.is_dir() else None)
            _remember(folder, run.run_id)  # before the entry that opened it is gone
            entry.unlink()
            shutil.rmtree(files, ignore_errors=True)
            self._sent += 1
        shutil.rmtree(folder)

    @staticmethod
    def _say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)


def _remember(folder: Path, run_id: str) -> None:
    known = folder / "run"
    if run_id and not known.exists():
        with atomic_path(known) as partial_path:
            partial_path.write_text(run_id, encoding="utf-8")
            _settle(partial_path)


def _settle(path: Path) -> None:
    """Have the disk hold it before anything relies on it."""
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())

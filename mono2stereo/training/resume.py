"""States that a killed run resumes from, kept outside the DVC outs, which DVC deletes before each run.

A folder is named by the fingerprint of parameters, data and code: a run finds only what it would itself have
made. In it stand the newest two states, each with the outputs made so far and a checksum of every file, and
the key by which the run is found again in the tracking store. States hold plain arrays and JSON: loading one
runs no code. The last state of a training that has ended stays among the finished ones, for a longer one to
go on from.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from filelock import FileLock, Timeout

from mono2stereo.files import atomic_path
from mono2stereo.hashes import file_sha256
from mono2stereo.training.finished import FinishedStates, link_or_copy

KEPT_STATES = 2
CHECKSUMS = "SHA256SUMS"  # as sha256sum writes and checks it


class ResumeState:
    """The states of one run; no other process has the same folder while this one lives.

    Args:
        folder: The run's own folder, named by its fingerprint. Where a live process has it, as two queued
            experiments do that differ only in a later stage, `folder.2` and so on.
        variables: What a state holds, by name.
        outputs: Folders of files that never change, to keep with each state and to bring back on resume.
        finished: Last states of trainings that differ in their number of steps alone.

    Attributes:
        folder: The folder taken.
        key: Names the run, from its first process to its end.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, keras.Variable],
        outputs: Sequence[Path] = (),
        *,
        finished: FinishedStates | None = None,
    ) -> None:
        self._variables = variables
        self._finished = finished
        self._outputs = outputs
        self.folder, self._lock = _take(folder)
        for partial in (*self.folder.glob(".*.partial*"), *folder.parent.glob(f".{folder.name}*.partial")):
            shutil.rmtree(partial, ignore_errors=True)  # of killed processes
        key = self.folder / "key"
        if not key.exists():
            with atomic_path(key, durable=True) as partial_path:
                partial_path.write_text(uuid.uuid4().hex)
        self.key = key.read_text()

    @property
    def ledger(self) -> Path:
        """Where the run's curves are kept between states."""
        return self.folder / "curves.jsonl"

    def save(self, step: int, facts: Mapping[str, Any]) -> None:
        """Write the state after `step`, whole or not at all, and drop all but the newest two."""
        with atomic_path(self._path(step), durable=True) as partial_path:
            partial_path.mkdir()
            arrays = {name: np.asarray(variable) for name, variable in self._variables.items()}
            np.savez(partial_path / "variables.npz", allow_pickle=False, **arrays)
            (partial_path / "facts.json").write_text(json.dumps({"step": step, **facts}))
            for output in self._outputs:
                _fill(partial_path / output.name, output, link_or_copy)
            sums = "".join(f"{digest}  {name}\n" for name, digest in _checksums(partial_path).items())
            (partial_path / CHECKSUMS).write_text(sums)
        for old in self._states()[:-KEPT_STATES]:
            shutil.rmtree(old)

    def restore(self, *, below: int = 0) -> dict[str, Any] | None:
        """Set all variables to the newest state that is intact and bring its outputs back.

        Damaged ones are named on stderr and dropped. Where the run has none of its own, a finished training's
        is taken that ended before the step `below`.

        Returns:
            The facts saved with it, "step" among them; None where there is no state.
        """
        if self._states():
            return self._newest(self._states)
        finished = self._finished
        if finished is None:
            return None
        with finished.locked():
            facts = self._newest(lambda: finished.states(below))
        if facts:
            print(f"train: goes on from a finished training's state after step {facts['step']}", flush=True)
        return facts

    def finish(self) -> None:
        """Forget the run: it and what tells of it are complete; its last state becomes a finished one."""
        if self._finished and (states := self._states()):
            with self._finished.locked():
                self._finished.add(states[-1])
        gone = self.folder.with_name(f".{self.folder.name}.{os.getpid()}.partial")
        self.folder.rename(gone)  # at once, so that nobody resumes from half a folder
        shutil.rmtree(gone, ignore_errors=True)
        self._lock.release()

    def _newest(self, states: Callable[[], list[Path]]) -> dict[str, Any] | None:
        for state in reversed(states()):
            try:
                saved, facts = self._read(state)
            except (OSError, ValueError) as error:
                shutil.rmtree(state)
                before = "the state before it" if states() else "the start: no other state is left"
                print(f"{state}: damaged ({error}); going on from {before}", file=sys.stderr, flush=True)
                continue
            for name, variable in self._variables.items():
                variable.assign(saved[name])
            for output in self._outputs:
                _fill(output, state / output.name, shutil.copy2)
            return facts
        return None

    def _read(self, state: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and facts of a state; ValueError or OSError where any file of it is damaged."""
        sums = dict(line.split("  ", 1)[::-1] for line in (state / CHECKSUMS).read_text().splitlines())
        actual = _checksums(state)
        wrong = sorted(name for name in sums.keys() | actual.keys() if sums.get(name) != actual.get(name))
        if wrong or not sums:
            raise ValueError(f"checksum of {', '.join(wrong) or CHECKSUMS}")
        try:
            with np.load(state / "variables.npz", allow_pickle=False) as arrays:
                saved = {name: arrays[name] for name in arrays.files}
        except (ValueError, TypeError, zipfile.BadZipFile):
            raise ValueError("variables.npz holds no plain arrays") from None
        shapes = {name: tuple(variable.shape) for name, variable in self._variables.items()}
        if {name: array.shape for name, array in saved.items()} != shapes:
            raise ValueError("of another network")
        return saved, json.loads((state / "facts.json").read_text())

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:07d}"

    def _states(self) -> list[Path]:
        return sorted(self.folder.glob("step-*"))


def _take(folder: Path) -> tuple[Path, FileLock]:
    for number in itertools.count(1):
        mine = folder if number == 1 else folder.with_name(f"{folder.name}.{number}")
        lock = FileLock(mine / "lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        return mine, lock
    raise AssertionError


def _checksums(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path of all files but the list itself."""
    sums = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != CHECKSUMS:
            sums[path.relative_to(folder).as_posix()] = file_sha256(path)
    return sums


def _fill(folder: Path, source: Path, copy: Callable[[Path, Path], Any]) -> None:
    """Bring the files of `source` into `folder`; shutil.copytree would hide which fault stopped it."""
    for path in source.iterdir() if source.exists() else ():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / path.name).unlink(missing_ok=True)  # it may be the same file by another name
        copy(path, folder / path.name)

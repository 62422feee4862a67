"""States that a killed run resumes from, kept outside the DVC outs, which DVC deletes before each run.

A folder is named by the fingerprint of parameters, data and code: a run finds only what it would itself have
made. Beside the newest two states stand the outputs made so far.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mono2stereo.errors import TrainingError
from mono2stereo.files import atomic_path

KEPT_STATES = 2


def fingerprint(parameters: Mapping[str, Any], files: Iterable[Path]) -> str:
    """16 hex digits that change with any parameter and with any file's content."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


class ResumeState:
    """The states of one run.

    Args:
        folder: The run's own folder, named by its fingerprint.
        variables: What a state holds, always in the same order.
        outputs: Folders of outputs to keep with each state and to bring back on resume.
    """

    def __init__(
        self, folder: Path, variables: Sequence[keras.Variable], outputs: Sequence[Path] = ()
    ) -> None:
        self.folder = folder
        self._variables = variables
        self._outputs = outputs

    def facts(self) -> dict[str, Any]:
        """What was saved with the newest state; empty where there is none."""
        states = self._states()
        return json.loads((states[-1] / "facts.json").read_text()) if states else {}

    def save(self, step: int, facts: Mapping[str, Any]) -> None:
        """Write the state after `step`, whole or not at all, and drop all but the newest two."""
        with atomic_path(self._path(step)) as beside:
            beside.mkdir()
            arrays = {f"{i:05d}": np.asarray(variable) for i, variable in enumerate(self._variables)}
            np.savez(beside / "variables.npz", allow_pickle=False, **arrays)
            (beside / "facts.json").write_text(json.dumps({"step": step, **facts}))
            for output in self._outputs:
                if output.exists():
                    shutil.copytree(output, beside / output.name, copy_function=_link_or_copy)
        for old in self._states()[:-KEPT_STATES]:
            shutil.rmtree(old)

    def restore(self) -> dict[str, Any] | None:
        """Set all variables to the newest state and bring its outputs back.

        Returns:
            The facts saved with it, "step" among them; None where there is no state.

        Raises:
            TrainingError: The state does not fit the variables.
        """
        states = self._states()
        if not states:
            return None
        newest = states[-1]
        with np.load(newest / "variables.npz") as arrays:
            saved = [arrays[name] for name in sorted(arrays.files)]
        if [a.shape for a in saved] != [tuple(v.shape) for v in self._variables]:
            raise TrainingError(f"{newest}: does not fit this network; delete {self.folder} to start anew")
        for variable, value in zip(self._variables, saved, strict=True):
            variable.assign(value)
        for output in self._outputs:
            if (newest / output.name).exists():
                shutil.copytree(newest / output.name, output, dirs_exist_ok=True)
        return self.facts()

    def clear(self) -> None:
        """Forget the run: it is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:07d}"

    def _states(self) -> list[Path]:
        return sorted(self.folder.glob("step-*"))


def _link_or_copy(source: str, target: str) -> None:
    """Hard-link exported models, which never change; copy what is still appended to."""
    if source.endswith(".onnx"):
        try:
            Path(target).hardlink_to(source)
            return
        except OSError:
            pass
    shutil.copy2(source, target)

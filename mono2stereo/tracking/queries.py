"""Questions to the store about runs that are over."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mono2stereo.errors import TrainingError
from mono2stereo.tracking.runs import project_root
from mono2stereo.tracking.store import RefusedError, Store, UnreachableError, translated


def evaluated_runs(root: Path | None = None) -> list[Any]:
    """Runs that hold an evaluation, newest first, as MLflow describes them.

    Raises:
        TrainingError: The store cannot be asked.
    """
    store = Store((root or project_root()).resolve())
    try:
        with translated():
            return store.find("metrics.`evaluate/log_mel_db` > 0")
    except (UnreachableError, RefusedError) as error:
        raise TrainingError(f"MLflow's store {store.name}: {error}") from None


def read_artifact(run_id: str, name: str, root: Path | None = None) -> str:
    """A run's text artifact.

    Raises:
        TrainingError: The store cannot be asked, or the run has none of that name.
    """
    store = Store((root or project_root()).resolve())
    try:
        with translated(), TemporaryDirectory() as folder:
            return Path(store.client.download_artifacts(run_id, name, folder)).read_text(encoding="utf-8")
    except (UnreachableError, RefusedError) as error:
        raise TrainingError(f"MLflow's store {store.name}: {name} of run {run_id}: {error}") from None

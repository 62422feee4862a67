"""Questions to the store about runs that are over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mono2stereo.errors import TrainingError
from mono2stereo.tracking.runs import project_root
from mono2stereo.tracking.store import RefusedError, Store, UnreachableError, translated


@contextmanager
def _asked(root: Path | None, about: str = "") -> Iterator[Store]:
    store = Store((root or project_root()).resolve())
    try:
        with translated():
            yield store
    except (UnreachableError, RefusedError) as error:
        raise TrainingError(f"MLflow's store {store.name}: {about}{error}") from None


def evaluated_runs(root: Path | None = None) -> list[Any]:
    """Runs that hold an evaluation, newest first, as MLflow describes them.

    Raises:
        TrainingError: The store cannot be asked.
    """
    with _asked(root) as store:
        return store.find("metrics.`evaluate/log_mel_db` > 0")


def read_artifact(run_id: str, name: str, root: Path | None = None) -> str:
    """A run's text artifact.

    Raises:
        TrainingError: The store cannot be asked, or the run has none of that name.
    """
    with _asked(root, f"{name} of run {run_id}: ") as store, TemporaryDirectory() as folder:
        return Path(store.client.download_artifacts(run_id, name, folder)).read_text(encoding="utf-8")

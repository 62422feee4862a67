"""Questions to the store about runs that are over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mono2stereo.errors import TrainingError
from mono2stereo.tracking.faults import RefusedError, UnreachableError, translated
from mono2stereo.tracking.runs import project_root
from mono2stereo.tracking.shown import VIEW
from mono2stereo.tracking.store import Store


@contextmanager
def _asked(root: Path | None, about: str = "") -> Iterator[Store]:
    store = Store((root or project_root()).resolve())
    try:
        with translated():
            yield store
    except (UnreachableError, RefusedError) as error:
        raise TrainingError(f"MLflow's store {store.name}: {about}{error}") from None


def pages(root: Path | None = None) -> tuple[str, str]:
    """The store's address, and where in MLflow's pages its runs are, in few columns.

    Raises:
        TrainingError: The store cannot be asked.
    """
    with _asked(root) as store:
        view = f"workflowType=machine_learning&viewStateShareKey={VIEW}"
        return store.uri, f"#/experiments/{store.experiment_id}/runs?{view}"


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


def described_run(run_id: str, root: Path | None = None) -> dict[str, Any]:
    """A run's settings, tags and last figures as the store has them: `params`, `tags`, `metrics` and times.

    Raises:
        TrainingError: The store cannot be asked, or holds no such run.
    """
    with _asked(root, f"run {run_id}: ") as store:
        run = store.client.get_run(run_id)
        # MLflow's own tags name users and paths of the machine.
        tags = {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")}
        info = {
            name: getattr(run.info, name)
            for name in ("run_id", "run_name", "status", "start_time", "end_time")
        }
        return info | {"params": run.data.params, "tags": tags, "metrics": run.data.metrics}


def download_model(named: str, folder: Path, root: Path | None = None) -> Path:
    """Fetch the model that a run logged, or one of the registry.

    Args:
        named: A run's id, or `models:/…`.
        folder: Where it is put.
        root: Of the repository.

    Raises:
        TrainingError: The store cannot be asked, there is none, or it has no such model.
    """
    root = root or project_root()
    if not (os.environ.get("MLFLOW_TRACKING_URI") or (root / "mlflow.db").exists()):
        raise TrainingError(f"no MLflow store in {root}; go to the repository, or set MLFLOW_TRACKING_URI")
    registered = named.startswith("models:/")
    with _asked(root, f"{named}: " if registered else f"the model of run {named}: ") as store:
        from mlflow.artifacts import download_artifacts

        uri = named if registered else f"runs:/{named}/model"
        registry = os.environ.get("MLFLOW_REGISTRY_URI") or store.uri
        downloaded = Path(
            download_artifacts(uri, dst_path=str(folder), tracking_uri=store.uri, registry_uri=registry)
        )
    for file in sorted(downloaded.rglob("*.onnx")):
        return file
    raise TrainingError(f"{named}: holds no model of mono2stereo")

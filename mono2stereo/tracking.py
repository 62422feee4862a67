"""MLflow: one run through train, render and evaluate. The only file that imports mlflow, and only when used.

The store is `mlflow.db` with `mlartifacts/` beside it, at the top of the repository even where a stage
works in a temporary copy (`dvc exp run --temp`, the queue), or what MLFLOW_TRACKING_URI names. A process has
one run open at a time. Runs end FINISHED, FAILED after an exception, KILLED after SIGTERM or Ctrl-C; one
whose process died without a word is marked KILLED when the next run on that host starts.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from mono2stereo import provenance
from mono2stereo.errors import TrainingError
from mono2stereo.files import atomic_path

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "mono2stereo"
# Opens the UI on runs, curves and their comparison instead of on traces of language models.
TRAINING_VIEW = {"mlflow.experimentKind": "custom_model_development"}
PARAMS_PER_CALL = 100  # MLflow's limit
# Exit statuses that say a signal ended the process, as shells and `training` use them.
ENDED_BY_SIGNAL = (128 + signal.SIGINT, 128 + signal.SIGTERM)


@contextmanager
def sigterm_exits() -> Iterator[None]:
    """Within the block SIGTERM raises SystemExit once; further ones do not disturb the cleaning up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def project_root() -> Path:
    """The repository that holds the store: DVC_ROOT, or the current folder outside DVC."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


class Run:
    """An open MLflow run.

    Attributes:
        run_id: MLflow's run id.
        last_steps: latest step in the store by metric when training resumed; empty otherwise.
    """

    def __init__(self, client: MlflowClient, run_id: str, last_steps: Mapping[str, int] | None = None):
        self.run_id = run_id
        self.last_steps = dict(last_steps or {})
        self._client = client

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log numbers of one step; those a resumed run already holds for that step are left as they are."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        new = [
            Metric(key, float(value), now, step)
            for key, value in metrics.items()
            if step > self.last_steps.get(key, -1)
        ]
        if new:
            self._client.log_batch(self.run_id, metrics=new)

    def log_artifact(self, file: Path, into: str | None = None) -> None:
        """Copy a file into the artifact folder `into` (the top one by default)."""
        self._client.log_artifact(self.run_id, str(file), into)

    def log_artifacts(self, folder: Path, into: str | None = None) -> None:
        """Copy what `folder` holds into the artifact folder `into`."""
        self._client.log_artifacts(self.run_id, str(folder), into)

    def log_text(self, text: str, name: str) -> None:
        """Write `text` as the artifact `name`."""
        self._client.log_text(self.run_id, text, name)

    def log_model_file(self, file: Path) -> None:
        """Copy an exported model to the artifact folder `model`."""
        self.log_artifact(file, "model")

    def log_image(self, file: Path, key: str, step: int) -> None:
        """Log a picture under a slider of steps.

        Args:
            file: PNG or another format that Pillow reads.
            key: the slider's name; letters, digits, blanks and any of `_-./`.
            step: training step that the picture shows.
        """
        from PIL import Image

        with Image.open(file) as picture:
            self._client.log_image(self.run_id, picture, key=key, step=step)

    def log_table(self, columns: Mapping[str, Any], name: str) -> None:
        """Log equally long columns as a table `name` (ending in .json) that the UI compares between runs."""
        self._client.log_table(self.run_id, dict(columns), name)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags, replacing values of the same name."""
        for key, value in tags.items():
            self._client.set_tag(self.run_id, key, value)


@contextmanager
def start_run(
    stage: str,
    params: Mapping[str, Any],
    tags: Mapping[str, str],
    run_file: Path,
    root: Path | None = None,
    resume_key: str | None = None,
) -> Iterator[Run]:
    """Open a new run, or go on with the one of an interrupted training, and say so in `run_file`.

    Args:
        stage: name of the stage, such as train.
        params: all settings with dotted keys; a run keeps the first value of each.
        tags: beside those of `provenance.describe`.
        run_file: JSON to write, `{"run_id": …}`, for `continue_run`.
        root: the repository; `project_root()` by default.
        resume_key: names the training through interruptions, as a tag of its run.
    """
    with sigterm_exits():
        store = _Store((root or project_root()).resolve())
        resumed = store.find(f"tags.resume_key = '{resume_key}'") if resume_key else []
        tags = {**tags, "resume_key": resume_key} if resume_key else tags
        if resumed:
            run = store.reopen(resumed[0], stage, params, tags, keep_steps=True)
        else:
            run = store.create(stage, params, tags)
        with atomic_path(run_file) as beside:
            beside.write_text(json.dumps({"run_id": run.run_id}) + "\n", encoding="utf-8")
        with store.ended(run):
            yield run


@contextmanager
def continue_run(
    stage: str, run_file: Path, params: Mapping[str, Any], tags: Mapping[str, str], root: Path | None = None
) -> Iterator[Run]:
    """Go on with the run that `start_run` wrote to `run_file`.

    Where this store does not know it, or knows it with other settings (an experiment that changed only a
    later stage takes the trained model from DVC's cache), the stage goes on in a run of its own, shared with
    the stages after it and linked to the training by the tag `training_run`. Arguments as in `start_run`.

    Raises:
        TrainingError: `run_file` is damaged.
    """
    with sigterm_exits():
        store = _Store((root or project_root()).resolve())
        trained = _read(run_file)
        keys = ("attributes.run_id", "tags.training_run") if trained else ()
        known = [run for key in keys for run in store.find(f"{key} = '{trained}'")]
        same = [run for run in known if _agrees(run, params)]
        if same:
            run = store.reopen(same[0], stage, params, tags)
        else:
            run = store.create(stage, params, {**tags, "training_run": trained} if trained else tags)
        with store.ended(run):
            yield run


class _Store:
    """The experiment in its store, without runs of dead processes."""

    def __init__(self, root: Path):
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"
        # Processes that create the tables of a fresh SQLite file at the same time break each other.
        database = root / "mlflow.db"
        with FileLock(root / "mlflow.db.lock"):
            if uri == f"sqlite:///{database}" and not database.exists():
                with atomic_path(database, durable=True) as beside:  # half a set of tables cannot be mended
                    MlflowClient(tracking_uri=f"sqlite:///{beside}").search_experiments()
            self.client = MlflowClient(tracking_uri=uri)
            experiment = self.client.get_experiment_by_name(EXPERIMENT)
            if experiment is None:
                location = None if uri.startswith("http") else (root / "mlartifacts").as_uri()
                self.experiment_id = self.client.create_experiment(EXPERIMENT, location, TRAINING_VIEW)
            else:
                self.experiment_id = experiment.experiment_id
                if experiment.lifecycle_stage == "deleted":
                    self.client.restore_experiment(self.experiment_id)
        for run in self.find(f"attributes.status = 'RUNNING' and tags.host = '{platform.node()}'"):
            if not _alive(int(run.data.tags.get("pid", 0))):
                self.client.set_terminated(run.info.run_id, "KILLED")

    def find(self, condition: str) -> list[Any]:
        """Runs that are not deleted, latest first."""
        return list(self.client.search_runs([self.experiment_id], condition, order_by=["start_time DESC"]))

    def create(self, stage: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> Run:
        described = provenance.describe(params)
        default_name = f"{described.get('profile', stage)}-{provenance.commit()[:7] or described['code'][:7]}"
        created = self.client.create_run(
            self.experiment_id,
            run_name=described.get("experiment", default_name),
            tags={
                **described,
                "mlflow.source.name": f"stages/{stage}.py",
                "mlflow.source.git.commit": provenance.commit(),
                "pid": str(os.getpid()),
                **tags,
            },
        )
        self._log_params(created.info.run_id, params)
        return Run(self.client, created.info.run_id)

    def reopen(
        self,
        run: Any,
        stage: str,
        params: Mapping[str, Any],
        tags: Mapping[str, str],
        *,
        keep_steps: bool = False,
    ) -> Run:
        run_id = run.info.run_id
        history = self.client.get_metric_history
        keys = run.data.metrics if keep_steps else ()
        last_steps = {key: max(metric.step for metric in history(run_id, key)) for key in keys}
        reopened = Run(self.client, run_id, last_steps)
        reopened.set_tags(
            {
                "host": platform.node(),
                "pid": str(os.getpid()),
                f"{stage}.code": provenance.code_hash(),
                **tags,
            }
        )
        self._log_params(run_id, {key: params[key] for key in params.keys() - run.data.params.keys()})
        self.client.update_run(run_id, status="RUNNING")
        return reopened

    @contextmanager
    def ended(self, run: Run) -> Iterator[None]:
        status = "FAILED"
        try:
            yield
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        except SystemExit as error:
            status = "KILLED" if error.code in ENDED_BY_SIGNAL else "FAILED"
            raise
        finally:
            self.client.set_terminated(run.run_id, status)

    def _log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        logged = [Param(key, str(value)) for key, value in params.items()]
        for start in range(0, len(logged), PARAMS_PER_CALL):
            self.client.log_batch(run_id, params=logged[start : start + PARAMS_PER_CALL])


def _agrees(run: Any, params: Mapping[str, Any]) -> bool:
    return all(run.data.params.get(key, str(value)) == str(value) for key, value in params.items())


def _read(run_file: Path) -> str:
    if not run_file.is_file():
        return ""
    try:
        return str(json.loads(run_file.read_text(encoding="utf-8"))["run_id"])
    except (ValueError, KeyError, TypeError):
        raise TrainingError(f"{run_file}: does not name a run; delete it and run train again") from None


def _alive(pid: int) -> bool:
    """Whether a local process may still be writing; this one has not opened a run yet."""
    if pid <= 0 or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # another user's process
    return True

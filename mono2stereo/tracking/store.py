"""The MLflow store: opens runs, and does to a run what an entry of the journal says.

Every operation may be repeated: a second time it changes nothing. So a request whose answer was lost can be
sent again.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from mono2stereo.files import atomic_path
from mono2stereo.tracking import sqlite
from mono2stereo.tracking.faults import UnreachableError, translated
from mono2stereo.tracking.model import of_model, publish
from mono2stereo.tracking.shown import EXPERIMENT_TAGS, NOTE, with_part

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "mono2stereo"  # unless MLFLOW_EXPERIMENT_NAME says otherwise
SPOOL = ".mlflow-spool"  # below the root: what waits, and who is alive
PARAMS_PER_CALL = 100  # MLflow's limit
# MLflow's own retries would hold up every step for minutes; the journal retries instead.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


class Store:
    """The experiment in `mlflow.db` and `mlartifacts/` below `root`, or at MLFLOW_TRACKING_URI.

    A relative SQLite address is relative to `root`: a stage may work in a copy that is deleted. Nothing is
    connected before the first use.
    """

    def __init__(self, root: Path) -> None:
        for name, value in {**QUIET, **PATIENCE}.items():
            os.environ.setdefault(name, value)
        self.root = root
        self.uri = sqlite.absolute(os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db", root)

    @property
    def name(self) -> str:
        """The address without user and password."""
        return self.uri.replace(f"{urlsplit(self.uri).netloc.rpartition('@')[0]}@", "")

    @property
    def client(self) -> MlflowClient:
        return self._connection[0]

    @property
    def experiment_id(self) -> str:
        return self._connection[1]

    @cached_property  # only once it got through
    def _connection(self) -> tuple[MlflowClient, str]:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        # Its tracebacks of a locked database; the journal says the same in one line.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
        file = sqlite.file_of(self.uri)
        database = file or self.root / "mlflow.db"
        # Processes that create the tables of a fresh SQLite file at the same time break each other.
        with FileLock(database.with_name(f"{database.name}.lock")):
            if file and not database.exists():
                with atomic_path(
                    database, durable=True
                ) as partial_path:  # half a set of tables cannot be mended
                    MlflowClient(tracking_uri=sqlite.address(partial_path)).search_experiments()
            client = MlflowClient(tracking_uri=self.uri)
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
            experiment = client.get_experiment_by_name(name)
            location = (self.root / "mlartifacts").as_uri()
            if experiment is None:
                try:
                    where = None if self.uri.startswith("http") else location
                    return client, str(client.create_experiment(name, where, EXPERIMENT_TAGS))
                except MlflowException as error:
                    if error.error_code != "RESOURCE_ALREADY_EXISTS":
                        raise
                    experiment = client.get_experiment_by_name(name)  # from another folder, just now
            if experiment.lifecycle_stage == "deleted":
                client.restore_experiment(experiment.experiment_id)
            if file and database.parent == self.root:
                sqlite.bring_along(database, experiment.artifact_location, location)
            for key in EXPERIMENT_TAGS.keys() - experiment.tags.keys():
                client.set_experiment_tag(experiment.experiment_id, key, EXPERIMENT_TAGS[key])
            return client, str(experiment.experiment_id)

    def find(self, condition: str) -> list[Any]:
        """Runs that are not deleted, latest first."""
        return list(self.client.search_runs([self.experiment_id], condition, order_by=["start_time DESC"]))

    def lock_of(self, journal: str) -> Path:
        """What a process holds as long as it logs; whoever gets it knows that the process is gone."""
        return self.root / SPOOL / f"alive-{journal}"

    def end_dead_runs(self) -> None:
        """Mark runs KILLED whose process, started from this repository, is gone."""
        for run in self.find("attributes.status = 'RUNNING'"):
            lock = self.lock_of(run.data.tags.get("process", ""))
            if lock.exists():
                with suppress(Timeout), FileLock(lock, timeout=0):
                    self.client.set_terminated(run.info.run_id, "KILLED")
                    lock.unlink(missing_ok=True)


class StoredRun:
    """One run in the store.

    Attributes:
        run_id: MLflow's id; empty until `open` got through.
    """

    def __init__(self, store: Store, run_id: str = "") -> None:
        self.run_id = run_id
        self._store = store
        # Latest step by metric at the last look; None: look again, something may have got through since.
        self._last_steps: dict[str, int] | None = None
        self._of_model: dict[str, str] = {}  # what metrics say beside their value: whose they are

    def send(self, operation: str, arguments: Mapping[str, Any], files: Path | None = None) -> None:
        """Do one operation.

        Args:
            operation: name of one of the methods below.
            arguments: its keyword arguments, all JSON.
            files: file or folder that it is about.

        Raises:
            UnreachableError: it may or may not have been done; send it again later.
            RefusedError: it cannot be done.
        """
        do = getattr(self, operation)
        try:
            with translated():
                do(**arguments, files=files) if files else do(**arguments)
        except UnreachableError:
            self._last_steps = None
            raise

    def open(
        self,
        *,
        journal: str,
        stage: str,
        wanted: str,
        name: str,
        params: Mapping[str, str],
        tags: Mapping[str, str],
        tags_if_new: Mapping[str, str],
        started: int,
    ) -> None:
        """Go on with a known run or create one.

        Args:
            journal: id of the journal, by which a run that it created is found again.
            stage: name of the stage.
            wanted: id of the run to go on with, of MLflow or of the journal that created it; may be empty.
            name: of a new run.
            params: all settings; a run keeps the first value of each.
            tags: set in any case, the stage's code among them.
            tags_if_new: of a new run.
            started: milliseconds since 1970.
        """
        store = self._store
        store.end_dead_runs()
        tags = {**tags, "process": journal}
        runs = store.find(f"tags.journal = '{journal}'")
        origins = [
            run
            for key in ("attributes.run_id", "tags.journal")
            for run in (store.find(f"{key} = '{wanted}'") if wanted else ())
        ]
        ids = {wanted, *(run.info.run_id for run in origins)} - {""}
        linked = [run for run_id in sorted(ids) for run in store.find(f"tags.training_run = '{run_id}'")]
        runs += [run for run in origins + linked if _agrees(run, params, tags, stage)]
        if runs:
            run = runs[0]
            self.run_id = run.info.run_id
            # The latest metric by step; the public history would read every point of every curve.
            self._last_steps = _last_steps(run)
            self._of_model = of_model(run) if stage == "evaluate" else {}
            self.tags(tags=tags)
            params = {key: params[key] for key in params.keys() - run.data.params.keys()}
            store.client.update_run(self.run_id, status="RUNNING")
        else:
            link = {"training_run": origins[0].info.run_id if origins else wanted} if wanted else {}
            every = {**tags_if_new, **tags, **link, "journal": journal}
            created = store.client.create_run(store.experiment_id, started, every, name)
            self.run_id, self._last_steps = created.info.run_id, {}
        from mlflow.entities import Param

        logged = [Param(key, value) for key, value in params.items()]
        for start in range(0, len(logged), PARAMS_PER_CALL):
            store.client.log_batch(self.run_id, params=logged[start : start + PARAMS_PER_CALL])

    def metrics(self, *, values: Mapping[str, float], step: int, now: int) -> None:
        """Log numbers of one step; those the run already holds for that step are left as they are."""
        from mlflow.entities import Metric

        client = self._store.client
        if self._last_steps is None:
            self._last_steps = _last_steps(client.get_run(self.run_id))
        last = self._last_steps
        new = [
            Metric(key, value, now, step, **self._of_model)
            for key, value in values.items()
            if step > last.get(key, -1)
        ]
        if new:
            client.log_batch(self.run_id, metrics=new)

    def model(self, *, name: str, step: int, figures: str, files: Path) -> None:
        """Log a folder in MLflow's format as what the run made; arguments as of `model.publish`."""
        publish(self._store.client, self.run_id, files, name=name, step=step, figures=figures)

    def tags(self, *, tags: Mapping[str, str]) -> None:
        """Set tags, replacing values of the same name."""
        from mlflow.entities import RunTag

        self._store.client.log_batch(self.run_id, tags=[RunTag(key, value) for key, value in tags.items()])

    def describe(self, *, part: str, text: str) -> None:
        """Replace a part of the run's description."""
        note = self._store.client.get_run(self.run_id).data.tags.get(NOTE, "")
        self.tags(tags={NOTE: with_part(note, part, text)})

    def artifacts(self, *, into: str | None, files: Path) -> None:
        """Copy a file, or what a folder holds, into the artifact folder `into`."""
        log = self._store.client.log_artifacts if files.is_dir() else self._store.client.log_artifact
        log(self.run_id, str(files), into)

    def table(self, *, path: str) -> None:
        """Have the UI show the artifact `path` as a table that it compares between runs."""
        tag = "mlflow.loggedArtifacts"
        shown = json.loads(self._store.client.get_run(self.run_id).data.tags.get(tag, "[]"))
        entry = {"path": path, "type": "table"}
        if entry not in shown:
            self.tags(tags={tag: json.dumps([*shown, entry])})

    def dataset(self, *, name: str, digest: str, source: str, profile: Mapping[str, Any]) -> None:
        """Log what the run was trained on as its input."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        origin = json.dumps({"uri": source})
        data = Dataset(name, digest, "local", origin, profile=json.dumps(dict(profile)))
        context = [InputTag("mlflow.data.context", "training")]
        self._store.client.log_inputs(self.run_id, [DatasetInput(data, context)])

    def status(self, *, status: str, ended: int) -> None:
        """End the run."""
        self._store.client.set_terminated(self.run_id, status, ended)


def _last_steps(run: Any) -> dict[str, int]:
    return {metric.key: metric.step for metric in run.data._metric_objs}


def _agrees(run: Any, params: Mapping[str, str], tags: Mapping[str, str], stage: str) -> bool:
    """Whether this stage, run with these settings and this code, belongs into the run."""
    code = f"{stage}.code"
    same_code = run.data.tags.get(code, tags[code]) == tags[code]
    return same_code and all(run.data.params.get(key, value) == value for key, value in params.items())

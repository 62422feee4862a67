"""Open a run and log into it.

The store is `mlflow.db` with `mlartifacts/` beside it, at the top of the repository even where a stage
works in a temporary copy (`dvc exp run --temp`, the queue), or what MLFLOW_TRACKING_URI names. A process has
one run open at a time. Runs end FINISHED, FAILED after an exception, KILLED after SIGTERM or Ctrl-C; one
whose process died without a word is marked KILLED when the next run of that repository starts.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mono2stereo import provenance
from mono2stereo.errors import TrainingError, sigterm_exits
from mono2stereo.files import atomic_path
from mono2stereo.hashes import sha256
from mono2stereo.tracking.journal import Journal
from mono2stereo.tracking.model import save_model
from mono2stereo.tracking.shown import as_table, section, validated
from mono2stereo.tracking.store import Store
from mono2stereo.tracking.system_metrics import SystemMetrics

Sink = Callable[[Mapping[str, float], int], None]
# Exit statuses that say a signal ended the process, as shells and `training` use them.
ENDED_BY_SIGNAL = (128 + signal.SIGINT, 128 + signal.SIGTERM)
# Logged by every stage anew: the settings, and what DVC says of the stages before.
PROVENANCE_FILES = (Path("params.yaml"), Path("dvc.lock"))
THUMBNAIL_PIXELS = 256
LONGEST_VALUE = 6000


def project_root() -> Path:
    """The repository that holds the store: DVC_ROOT, or the current folder outside DVC."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


class Run:
    """An open MLflow run.

    Attributes:
        run_id: names the run: MLflow's id, or one by which the run is found once the store is back.
    """

    def __init__(self, journal: Journal, wanted: str = "") -> None:
        self.run_id = journal.run.run_id or wanted or journal.id
        self._journal = journal

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log numbers of one step; those the run already holds for that step are left as they are."""
        values = {key: float(value) for key, value in metrics.items()}
        self._journal.write("metrics", {"values": values, "step": step, "now": _now()})

    @contextmanager
    def watching_the_machine(self) -> Iterator[Sink]:
        """Within the block: `log_metrics`, with the machine's load since the call before under `system/`."""
        with SystemMetrics() as machine:

            def sink(metrics: Mapping[str, float], step: int) -> None:
                by_section = {section(name): value for name, value in metrics.items()}
                self.log_metrics({**by_section, **machine.since_step(step)}, step)
                if terms := validated(metrics):
                    self.describe("Figures", f"Validation, step {step}:\n\n{as_table(['', 'mean'], terms)}")

            yield sink

    def log_artifact(self, file: Path, into: str | None = None) -> None:
        """Copy a file into the artifact folder `into` (the top one by default)."""
        self._journal.write("artifacts", {"into": into}, file)

    def log_artifacts(self, folder: Path, into: str | None = None) -> None:
        """Copy what `folder` holds into the artifact folder `into`."""
        self._journal.write("artifacts", {"into": into}, folder)

    def log_text(self, text: str, name: str) -> None:
        """Write `text` as the artifact `name`."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            self.log_artifacts(Path(folder))

    def log_model(self, file: Path, sample_rate: int, step: int) -> None:
        """Log an exported model that works at `sample_rate` Hz as the run's model, by the name of `model`.

        Its figures are those that the run has under `valid/` at that step, and what evaluate adds.
        """
        with TemporaryDirectory() as folder:
            save_model(file, Path(folder) / "model", sample_rate)
            about = {"name": "model", "step": step, "figures": "valid/"}
            self._journal.write("model", about, Path(folder) / "model")

    def log_image(self, file: Path, key: str, step: int) -> None:
        """Log a picture under a slider of steps; another one of the same key and step replaces it.

        Args:
            file: PNG.
            key: the slider's name; letters, digits, blanks and any of `_-.`.
            step: training step that the picture shows.
        """
        from PIL import Image

        # As MLflow's own log_image names them, but the same name every time.
        name = f"{key}+step+{step}+timestamp+{step}+{uuid.uuid5(uuid.NAMESPACE_OID, f'{key} {step}')}"
        with TemporaryDirectory() as folder, Image.open(file) as picture:
            shutil.copy(file, Path(folder) / f"{name}.png")
            picture.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
            picture.save(Path(folder) / f"{name}+compressed.webp")
            self.log_artifacts(Path(folder), "images")
        self.set_tags({"mlflow.loggedImages": "True"})

    def describe(self, part: str, text: str) -> None:
        """Replace a part of the run's description, which people read first.

        Args:
            part: one of `shown.PARTS`.
            text: Markdown.
        """
        self._journal.write("describe", {"part": part, "text": text})

    def log_table(self, columns: Mapping[str, Any], name: str) -> None:
        """Log equally long columns as a table `name` (ending in .json) that the UI compares between runs.

        MLflow's own log_table would append the rows of a stage that runs again.
        """
        import pandas as pd

        table = pd.DataFrame(dict(columns))
        self.log_text(table.to_json(orient="split", index=False), name)
        self._journal.write("table", {"path": name})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags, replacing values of the same name."""
        self._journal.write("tags", {"tags": dict(tags)})


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
        resume_key: names the training through interruptions; by it the run is found again.
    """
    with _opened(stage, params, tags, root, key=resume_key) as run:
        with atomic_path(run_file) as partial_path:
            partial_path.write_text(json.dumps({"run_id": run.run_id}) + "\n", encoding="utf-8")
        yield run


@contextmanager
def continue_run(
    stage: str, run_file: Path, params: Mapping[str, Any], tags: Mapping[str, str], root: Path | None = None
) -> Iterator[Run]:
    """Go on with the run that `start_run` wrote to `run_file`.

    Where this store does not know it, or knows it with other settings or of other code of this stage (an
    experiment that changed only a later stage takes the trained model from DVC's cache), the stage goes on in
    a run of its own, shared with the stages after it and linked to the training by the tag `training_run`.
    Arguments as in `start_run`.

    Raises:
        TrainingError: `run_file` is damaged.
    """
    with _opened(stage, params, tags, root, wanted=_read(run_file)) as run:
        yield run


@contextmanager
def _opened(
    stage: str,
    params: Mapping[str, Any],
    tags: Mapping[str, str],
    root: Path | None,
    *,
    key: str | None = None,
    wanted: str = "",
) -> Iterator[Run]:
    with sigterm_exits():
        described = provenance.describe(params)
        commit = provenance.commit()
        journal = Journal(Store((root or project_root()).resolve()), key)
        journal.write(
            "open",
            {
                "journal": journal.id,
                "stage": stage,
                "wanted": wanted,
                "name": os.environ.get("MLFLOW_RUN_NAME")
                or described.get("experiment")
                or f"{described.get('profile', stage)}-{(commit or described['code'])[:7]}",
                "params": {key: _fitting(str(value)) for key, value in params.items()},
                "tags": {f"{stage}.code": described["code"], **tags},
                "tags_if_new": {
                    "device": "CPU",  # where all stages but train compute
                    **described,
                    "mlflow.source.name": f"stages/{stage}.py",
                    "mlflow.source.git.commit": commit,
                },
                "started": _now(),
            },
        )
        run = Run(journal, wanted)
        with _ended(journal):
            for file in PROVENANCE_FILES:
                if file.is_file():
                    run.log_artifact(file)
            if dataset := provenance.dataset(params):
                journal.write("dataset", dataset)
            yield run


@contextmanager
def _ended(journal: Journal) -> Iterator[None]:
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
        journal.write("status", {"status": status, "ended": _now()})
        journal.close()


def _fitting(value: str) -> str:
    """A setting as MLflow takes it; it would cut a longer one, and no later stage would find it the same."""
    if len(value) <= LONGEST_VALUE:
        return value
    digest = sha256(value.encode())
    return f"{value[: LONGEST_VALUE - len(digest) - 3]}… {digest}"


def _now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def _read(run_file: Path) -> str:
    if not run_file.is_file():
        return ""
    try:
        return str(json.loads(run_file.read_text(encoding="utf-8"))["run_id"])
    except (ValueError, KeyError, TypeError):
        raise TrainingError(f"{run_file}: does not name a run; delete it and run train again") from None

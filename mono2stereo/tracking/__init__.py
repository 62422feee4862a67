"""MLflow: one run through train, render and evaluate. The only package that imports mlflow, when used.

`runs` opens a run and logs into it; `journal` keeps what is logged in order, on disk while the store is
away; `store` does to MLflow what the journal holds, `model` what concerns a model, `sqlite` what a file does;
`shown` is what MLflow's pages show first; `system_metrics` watches the machine; `queries` asks about runs
that are over.
"""

from mono2stereo.tracking.queries import described_run, download_model, evaluated_runs, pages, read_artifact
from mono2stereo.tracking.runs import Run, continue_run, project_root, start_run
from mono2stereo.tracking.shown import FIVE, as_table

__all__ = [
    "FIVE",
    "Run",
    "as_table",
    "continue_run",
    "described_run",
    "download_model",
    "evaluated_runs",
    "pages",
    "project_root",
    "read_artifact",
    "start_run",
]

"""MLflow: one run through train, render and evaluate. The only package that imports mlflow, when used.

`runs` opens a run and logs into it; `journal` keeps what is logged in order, on disk while the store is
away; `store` does to MLflow what the journal holds; `system_metrics` watches the machine;
`queries` asks about runs that are over.
"""

from mono2stereo.tracking.queries import described_run, evaluated_runs, read_artifact
from mono2stereo.tracking.runs import Run, continue_run, project_root, sigterm_exits, start_run

__all__ = [
    "Run",
    "continue_run",
    "described_run",
    "evaluated_runs",
    "project_root",
    "read_artifact",
    "sigterm_exits",
    "start_run",
]

"""All evaluated runs in one picture: reports/compare/. Reads the tracking store; no stage of the pipeline."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from mono2stereo import tracking
from mono2stereo.comparison import EvaluatedRun, write_sweep
from mono2stereo.errors import one_line_errors

REPORT = Path("reports/compare")


def main() -> None:
    """Compare what the store holds."""
    evaluated = tracking.evaluated_runs()
    runs = [
        EvaluatedRun(run.info.run_name, run.data.params, run.data.metrics, run.data.tags.get("data", ""))
        for run in evaluated
    ]
    points = pd.DataFrame()
    if evaluated:
        table = tracking.read_artifact(evaluated[0].info.run_id, "evaluate/trade_off.csv")
        points = pd.read_csv(io.StringIO(table))
    left_out = write_sweep(runs, points, REPORT)
    print(f"{REPORT / 'index.md'}: {len(runs) - left_out} runs compared, {left_out} measured otherwise")


if __name__ == "__main__":
    with one_line_errors():
        main()

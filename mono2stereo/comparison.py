"""Many runs in one picture: what their settings did to coherence and timbre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mono2stereo.errors import DataError
from mono2stereo.evaluation.markdown import heading, number, table
from mono2stereo.evaluation.plots import draw_runs
from mono2stereo.files import atomic_path
from mono2stereo.measures import COMPARED
from mono2stereo.measures.side_analysis import coherence_floors

PREFIX = "evaluate/"  # of an evaluation's measures among a run's metrics


@dataclass(frozen=True)
class EvaluatedRun:
    """One run as the tracking store tells it.

    Attributes:
        name: Of the experiment.
        params: All settings, dotted keys.
        metrics: The last value of each.
        data: Hash of the recordings it was measured on.
    """

    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    data: str

    @property
    def measured_on(self) -> tuple[str, ...]:
        """What must agree before two runs can be compared."""
        version = self.metrics.get(f"{PREFIX}measures_version", 1)  # the first was not written
        settings = (self.params[key] for key in sorted(self.params) if key.startswith(PREFIX[:-1]))
        return (self.data, f"{version:g}", *settings)


def write_sweep(runs: Sequence[EvaluatedRun], points: pd.DataFrame, folder: Path) -> int:
    """Write index.md, trade_off.png and runs.csv into `folder`.

    Args:
        runs: Evaluated runs, newest first; those measured otherwise than the newest are left out.
        points: The newest run's evaluate/trade_off.csv, for the classical methods and nature.
        folder: Replaced as a whole.

    Returns:
        How many runs were left out.

    Raises:
        DataError: No run has been evaluated.
    """
    if not runs:
        raise DataError("no evaluated run in the tracking store: run `make repro` or `dvc exp run` first")
    newest = runs[0]
    compared = [run for run in runs if run.measured_on == newest.measured_on]
    keys = sorted({key for run in compared for key in run.params})
    varied = [key for key in keys if len({run.params.get(key) for run in compared}) > 1]
    compared_runs = pd.DataFrame(
        [
            {key: run.params.get(key, "") for key in varied}
            | {name: run.metrics.get(PREFIX + name) for name in COMPARED}
            for run in compared
        ],
        index=pd.Index([run.name for run in compared], name="run"),
    )
    floors = coherence_floors(int(newest.params["sample_rate"]))
    with atomic_path(folder) as partial_path:
        partial_path.mkdir()
        compared_runs.round(6).to_csv(partial_path / "runs.csv")
        draw_runs(
            compared_runs[[*(f"coherence_{n}" for n in floors), "log_mel_db"]],
            points,
            floors,
            partial_path / "trade_off.png",
        )
        (partial_path / "index.md").write_text(
            _markdown(compared_runs, varied, len(runs) - len(compared)), encoding="utf-8"
        )
    return len(runs) - len(compared)


def _markdown(runs: pd.DataFrame, varied: Sequence[str], left_out: int) -> str:
    rows = [
        [str(name), *(row[key] for key in varied), *(number(row[m], m) for m in COMPARED)]
        for name, row in runs.astype(dict.fromkeys(COMPARED, float)).iterrows()
    ]
    lines = [
        "# Runs compared",
        "",
        "Every evaluated run of the tracking store that was measured like the newest one"
        + (f"; {left_out} measured otherwise are left out" if left_out else "")
        + ". Settings that differ, then the measures.",
        "",
        "![Coherence against log-mel distance, one point per run](trade_off.png)",
        "",
        table(["run", *varied, *map(heading, COMPARED)], rows),
    ]
    return "\n".join(lines) + "\n"

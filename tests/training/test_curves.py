"""Curves of which a kill cut off rows: no row lost, none twice, in CSV and in tracking alike."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

from test_resume import ROOT, flip_a_bit

from mono2stereo.training.curves import Curves

HALF_A_BATCH = """
import os, signal, sys
from pathlib import Path
from mlflow.entities import Metric
from mono2stereo.tracking import start_run
from mono2stereo.training.curves import Curves
root, dies = Path(sys.argv[1]), sys.argv[2] == "dies"
with start_run("train", {"profile": "ci"}, {}, root / "run.json", root, resume_key="a training") as run:
    def sink(figures, step):
        if dies and step == 3:
            half = dict(list(figures.items())[:1])
            run.log_metrics(half, step)
            os.kill(os.getpid(), signal.SIGKILL)
        run.log_metrics(figures, step)
    curves = Curves(root / "reports", root / "curves.jsonl", sink)
    curves.begin()
    for step in range(1, 6):
        curves.log("train", step, {"loss": 1 / (3 * step), "steps_per_second": 5.0 if dies else 7.0})
"""


class Tracked:
    """What a tracking run holds: append-only, a step of a metric once."""

    def __init__(self) -> None:
        self.histories: dict[str, list[tuple[int, float]]] = {}

    def __call__(self, figures: dict[str, float], step: int) -> None:
        for key, value in figures.items():
            history = self.histories.setdefault(key, [])
            if not history or history[-1][0] < step:
                history.append((step, value))


def rows(first: int, count: int, rate: float) -> list[tuple[str, int, dict[str, float]]]:
    """Of two curves; the rate differs from process to process, the loss does not."""
    found: list[tuple[str, int, dict[str, float]]] = []
    for step in range(first, first + count):
        found.append(("train", step, {"loss": 1 / (3 * step), "steps_per_second": rate}))
        if step % 2 == 0:
            found.append(("valid", step, {"loss": 1 / (7 * step)}))
    return found


def as_csv(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """`{metric: [(step, value), …]}` as the CSV files have it."""
    found: dict[str, list[tuple[int, float]]] = {}
    for path in folder.glob("*.csv"):
        for row in csv.DictReader(path.open()):
            step = int(row.pop("step"))
            for key, value in row.items():
                if value:  # what was not measured has a column and no numbers
                    found.setdefault(f"{path.stem}/{key}", []).append((step, float(value)))
    return found


def test_a_kill_anywhere_in_the_curves_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """The ledger cut at every byte; what went to CSV and tracking before, they have or have not."""
    folder, ledger = tmp_path / "reports", tmp_path / "curves.jsonl"
    first = Curves(folder, ledger, lambda figures, step: None)
    first.begin()
    for row in rows(1, 4, rate=5.0):
        first.log(*row)
    written = ledger.read_bytes()
    for cut in range(len(written) + 1):
        ledger.write_bytes(written[:cut])
        whole_lines = written[:cut].count(b"\n")
        tracked = Tracked()
        for name, step, figures in first.rows[: max(0, whole_lines - cut % 2)]:  # the last one, or not
            tracked({f"{name}/{key}": value for key, value in figures.items()}, step)
        second = Curves(folder, ledger, tracked)
        second.begin(first.rows[:2])  # of the state that training goes on from
        for row in rows(2, 5, rate=7.0):
            second.log(*row)
        assert as_csv(folder) == tracked.histories
        assert [step for step, _ in tracked.histories["train/loss"]] == [1, 2, 3, 4, 5, 6]
        assert [step for step, _ in tracked.histories["valid/loss"]] == [2, 4, 6]


def test_what_is_not_measured_has_its_empty_column(tmp_path: Path) -> None:
    curves = Curves(tmp_path, tmp_path / "curves.jsonl", lambda figures, step: None, ["mel", "adversarial"])
    curves.begin()
    curves.log("train", 1, {"total": 2.0, "mel": 1.0})
    curves.log("train", 2, {"total": 1.0, "mel": 0.5})
    lines = (tmp_path / "train.csv").read_text().split()
    assert lines == ["step,total,mel,adversarial", "1,2,1,", "2,1,0.5,"]


def test_a_flipped_bit_in_the_ledger_is_noticed(tmp_path: Path) -> None:
    folder, ledger = tmp_path / "reports", tmp_path / "curves.jsonl"
    curves = Curves(folder, ledger, lambda figures, step: None)
    curves.begin()
    for row in rows(1, 4, rate=5.0):
        curves.log(*row)
    flip_a_bit(ledger)
    again = Curves(folder, ledger, lambda figures, step: None)
    again.begin(curves.rows)
    assert again.rows == curves.rows
    before = as_csv(folder)
    again = Curves(folder, ledger, lambda figures, step: None)
    again.begin()
    assert as_csv(folder) == before  # and the ledger was mended


def test_csv_and_mlflow_are_equal_after_a_kill_within_a_step(tmp_path: Path) -> None:
    """Half of a step's figures had reached MLflow's real store, and a row the ledger, when the kill came."""
    from mlflow import MlflowClient

    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}"}
    statuses = [
        subprocess.run(
            [sys.executable, "-c", HALF_A_BATCH, str(tmp_path), how],
            env={**environment, "PYTHONPATH": str(ROOT)},
            check=False,
            capture_output=True,
        ).returncode
        for how in ("dies", "lives")
    ]
    assert statuses == [-9, 0]
    client = MlflowClient(environment["MLFLOW_TRACKING_URI"])
    (run,) = client.search_runs([client.get_experiment_by_name("mono2stereo").experiment_id])
    tracked = {
        key: [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]
        for key in run.data.metrics
        if not key.startswith("system/")
    }
    assert tracked == as_csv(tmp_path / "reports")
    assert [value for _, value in tracked["train/steps_per_second"]] == [5.0, 5.0, 5.0, 7.0, 7.0]
    assert run.info.status == "FINISHED"

"""evaluate: models/checkpoints/ + data/pairs/ → reports/evaluate/: the model among its alternatives."""

from __future__ import annotations

from pathlib import Path

from mono2stereo.config import Config
from mono2stereo.data.pairs import load_pairs
from mono2stereo.distribution.place import is_chief
from mono2stereo.errors import ModelError, one_line_errors
from mono2stereo.evaluation.evaluate import Evaluation, evaluate
from mono2stereo.evaluation.points import MODEL, OWN_SIDE, points_to_measure
from mono2stereo.evaluation.report import write_report
from mono2stereo.measures import MEASURES
from mono2stereo.tracking import FIVE, Run, as_table, continue_run, project_root

CHECKPOINTS = Path("models/checkpoints")
REPORT = Path("reports/evaluate")


def main() -> None:
    """Evaluate the trained model and log the result into its training's run."""
    config = Config.load()
    if not is_chief(config.train.strategy):
        return
    settings = config.evaluate
    checkpoints = {int(file.stem.removeprefix("step-")): file for file in CHECKPOINTS.glob("step-*.onnx")}
    if not checkpoints:
        raise ModelError(f"{CHECKPOINTS}: no step-*.onnx; run the stage train first")
    with continue_run("evaluate", Path("models/run.json"), config.flat(), tags={}) as run:
        evaluation = evaluate(
            load_pairs("data/pairs", settings.split),
            points_to_measure(checkpoints),
            stretches_per_track=settings.stretches_per_track,
            stretch_seconds=settings.stretch_seconds,
            seed=config.seed,
            kept=project_root() / ".evaluated",
        )
        write_report(evaluation, REPORT)
        log(run, evaluation)


def log(run: Run, evaluation: Evaluation) -> None:
    """The model's numbers, the table of methods and the whole report."""
    defined = {name: value for name, value in evaluation.metrics.items() if value is not None}
    run.log_metrics({f"evaluate/{name}": value for name, value in defined.items()})
    run.log_table(evaluation.methods.reset_index().to_dict("list"), "evaluate/methods.json")
    run.log_artifacts(REPORT, "evaluate")
    means = evaluation.methods
    told = {
        MEASURES[name].heading: [float(means.at[who, name]) for who in (MODEL, OWN_SIDE)] for name in FIVE
    }
    run.describe("Figures", as_table([f"split {evaluation.split}", "model", "recordings"], told))


if __name__ == "__main__":
    with one_line_errors():
        main()

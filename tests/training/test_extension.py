"""A longer training goes on from a finished one: loop, curves, checkpoints and states, with a small step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from mono2stereo.distribution.team import gather
from mono2stereo.files import atomic_path
from mono2stereo.training.curves import Curves
from mono2stereo.training.finished import FinishedStates
from mono2stereo.training.loop import Record, Schedule, train
from mono2stereo.training.resume import ResumeState

SCHEDULE = Schedule(log_every=2, validate_every=3, checkpoint_every=2)


class Averaging:
    """A step that learns the mean of what it is given."""

    def __init__(self) -> None:
        self.variables = {
            "weight": keras.Variable(np.zeros(3, np.float32)),
            "iteration": keras.Variable(0, dtype="int64"),
        }

    @property
    def steps_done(self) -> int:
        return int(self.variables["iteration"].numpy())

    def train(self, batch: np.ndarray) -> dict[str, float]:
        weight, iteration = self.variables.values()
        weight.assign(0.9 * weight.numpy() + 0.1 * batch)
        iteration.assign(iteration.numpy() + 1)
        return {"error": float(np.abs(batch - weight.numpy()).mean())}

    def measure(self, mid: Any, real: Any) -> dict[str, float]:
        return {"error": float(np.abs(mid.numpy() - self.variables["weight"].numpy()).mean())}


def trained(workspace: Path, steps: int) -> dict[str, Any]:
    """Curves, exported models and the last validation figures of a training of so many steps."""
    models = workspace / "models"
    models.mkdir(parents=True, exist_ok=True)
    for stale in models.iterdir():
        stale.unlink()  # as DVC does before it runs a stage again
    step, told = Averaging(), []
    state = ResumeState(
        workspace / f".resume/{steps}",
        step.variables,
        outputs=(models,),
        finished=FinishedStates(workspace / ".resume/finished/a"),
    )

    def export(number: int, valid: Any) -> None:
        values = step.variables["weight"].numpy().tobytes()
        with atomic_path(models / f"step-{number}.onnx") as beside:  # states hold links to these files
            beside.write_bytes(values + str(sorted(valid.items())).encode())

    clips = np.ones((2, 3), np.float32)
    record = Record(
        step=step,  # type: ignore[arg-type]
        schedule=SCHEDULE,
        validation=(clips, clips),
        batch_size=2,
        curves=Curves(workspace / "reports", state.ledger, lambda figures, number: told.append(number)),
        export=export,
        state=state,
        facts={"run_id": "x"},
    )
    train(
        step=step,  # type: ignore[arg-type]
        last=steps,
        batches=lambda numbers: ((np.full(3, number, np.float32),) for number in numbers),
        divergence_limit=1e9,
        team=gather("single", 2, lambda: ""),
        record=record,
    )
    state.finish()
    rows = [(name, number, {**row, "steps_per_second": 0}) for name, number, row in record.curves.rows]
    return {
        "weight": step.variables["weight"].numpy().tobytes(),
        "curves": sorted(rows, key=lambda row: row[:2]),
        "models": {file.name: file.read_bytes() for file in models.iterdir()},
        "valid": record.valid,
    }


@pytest.mark.parametrize("first", [4, 5, 6, 7])
def test_an_extended_training_is_the_one_that_had_been_as_long(
    tmp_path: Path, first: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever of curve, validation and checkpoint the first one's end fell on, or made by itself alone."""
    short = trained(tmp_path / "in two", first)
    assert f"step-{first}.onnx" in short["models"]
    assert {("train", first), ("valid", first)} <= {row[:2] for row in short["curves"]}
    assert str(sorted(short["valid"].items())).encode() in short["models"][f"step-{first}.onnx"]
    longer = trained(tmp_path / "in two", 9)
    assert f"goes on from a finished training's state after step {first}\n" in capsys.readouterr().out
    assert longer == trained(tmp_path / "at once", 9)
    assert "goes on" not in capsys.readouterr().out

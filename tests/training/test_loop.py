from __future__ import annotations

import csv
import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from mono2stereo.distribution.team import Team
from mono2stereo.errors import TrainingError
from mono2stereo.training.curves import Curves
from mono2stereo.training.loop import Record, Schedule, _check, _means, mean_figures, train

VALID = {"mid": 5.0, "real": 7.0}


class Reading:
    """Says what it is given."""

    def measure(self, mid: Any, real: Any) -> dict[str, float]:
        return {"mid": float(np.mean(mid)), "real": float(np.mean(real))}


def test_every_clip_of_a_validation_counts_the_same_whatever_batch_it_is_in():
    clips = np.arange(5.0)[:, None], 10 * np.arange(5.0)[:, None]
    for size in (1, 2, 5, 8):
        assert mean_figures(Reading(), clips, size) == pytest.approx({"mid": 2, "real": 20})  # type: ignore[arg-type]


def test_a_row_of_the_curves_is_the_mean_over_the_steps_that_have_a_figure():
    assert _means([{"mel": 1.0}, {"mel": 3.0, "adversarial": 5.0}]) == {"mel": 2.0, "adversarial": 5.0}


def test_divergence_is_of_losses_either_sign_and_what_is_no_number_of_any_figure():
    _check({"mel": -2.0, "gradient_norm_generator": 50.0, "d_real_scale_0": 50.0}, 3, 2.0)
    for figures, says in (
        ({"mel": 1.0, "lag": -2.5}, r"step 3: lag is -2.5, beyond train.divergence_limit = 2; lower train"),
        (
            {"mel": 1.0, "d_fake_scale_0": math.nan},
            "step 3: d_fake_scale_0 is nan; lower train.learning_rate",
        ),
        ({"gradient_norm_generator": math.inf, "mel": 1.0}, "step 3: gradient_norm_generator is inf; lower"),
    ):
        with pytest.raises(TrainingError, match=says):
            _check(figures, 3, 2.0)


class Counting(Reading):
    """Its figure is the number of the step."""

    def __init__(self, signal_at: int = 0) -> None:
        self.steps_done, self.variables, self._signal_at = 0, {}, signal_at

    def train(self, mid: Any) -> dict[str, float]:
        self.steps_done += 1
        if self.steps_done == self._signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"mel": float(self.steps_done)}


class Kept:
    """What a resume state would hold."""

    def __init__(self) -> None:
        self.saved: dict[int, dict[str, Any]] = {}

    def restore(self, below: int) -> None:
        """There is nothing."""

    def save(self, number: int, facts: dict[str, Any]) -> None:
        self.saved[number] = {"valid": facts["valid"], "rows": list(facts["rows"]), "run_id": facts["run_id"]}


def trained(folder: Path, step: Counting, state: Kept) -> tuple[Record, list[int]]:
    """Logged every 2 steps, validated every 3, exported and saved every 4."""
    exported: list[int] = []
    record = Record(
        step=step,  # type: ignore[arg-type]
        schedule=Schedule(log_every=2, validate_every=3, checkpoint_every=4),
        validation=(np.full((3, 1), 5.0), np.full((3, 1), 7.0)),
        batch_size=2,
        curves=Curves(folder, folder / "ledger", lambda figures, step: None),
        export=lambda number, valid: exported.append(number),
        state=state,  # type: ignore[arg-type]
        facts={"run_id": "x"},
    )
    train(
        step=step,  # type: ignore[arg-type]
        last=10, batches=lambda steps: [(tf.zeros(1),)] * len(steps),
        divergence_limit=99.0, team=Team(tf.distribute.get_strategy()), record=record,
    )  # fmt: skip
    return record, exported


def test_what_is_due_is_done_at_its_step_and_all_of_it_at_the_end(tmp_path):
    state = Kept()
    record, exported = trained(tmp_path, Counting(), state)
    rows = {
        name: [(row["step"], row["mel" if name == "train" else "mid"]) for row in csv.DictReader(file.open())]
        for name in ("train", "valid")
        for file in [tmp_path / f"{name}.csv"]
    }
    assert [(int(step), float(mel)) for step, mel in rows["train"]] == [
        (2, 1.5), (4, 3.5), (6, 5.5), (8, 7.5), (10, 9.5),
    ]  # fmt: skip
    assert [(int(step), float(mid)) for step, mid in rows["valid"]] == [(3, 5), (6, 5), (9, 5), (10, 5)]
    assert exported == [4, 8, 10]
    assert list(state.saved) == [4, 8, 10]
    assert state.saved[8] == {"run_id": "x", "valid": VALID, "rows": []}
    assert record.valid == VALID


def test_a_signal_ends_it_after_the_step_with_its_state_saved(tmp_path, capsys):
    step, state = Counting(signal_at=3), Kept()
    with pytest.raises(SystemExit) as end:
        trained(tmp_path, step, state)
    assert (end.value.code, step.steps_done) == (128 + signal.SIGTERM, 3)
    assert state.saved == {3: {"run_id": "x", "valid": VALID, "rows": [{"mel": 3.0}]}}
    assert "stopped after step 3; the same command goes on from here" in capsys.readouterr().out

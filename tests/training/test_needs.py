from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from mono2stereo.training.needs import disk_needed, say


def config(checkpoint_every: int) -> Any:
    return SimpleNamespace(
        train=SimpleNamespace(steps=1050, checkpoint_every=checkpoint_every),
        render=SimpleNamespace(excerpts=3, excerpt_seconds=2.0),
        sample_rate=1000,
    )


def test_what_a_training_takes_of_the_disk():
    """21 checkpoints of 6 000 samples; states of 3 x 4 and 5 numbers, three at once; in DVC's cache again."""
    variables = [keras.Variable(np.zeros((3, 4))), keras.Variable(np.zeros(5))]
    assert disk_needed(config(50), variables, weights=7) == {
        "states": 3 * 4 * 17,
        "models": 2 * 21 * 4 * 7,
        "renders": 2 * 21 * 6000 * (9 + 4),
        "MLflow": 10 * 6000 * 9 + 4 * 7,
    }
    assert disk_needed(config(500), variables, weights=7)["MLflow"] == 3 * 6000 * 9 + 4 * 7


@pytest.mark.parametrize(("free", "short"), [(3_000_000_000, True), (3_000_000_001, False)])
def test_it_is_said_before_and_whether_it_fits(monkeypatch, capsys, free, short):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=free))
    say({"states": 1_000_000_000, "models": 2_000_000_000}, Path())
    begin = "train: about 3.00 GB of disk (states 1.00, models 2.00); 3.0 GB free"
    end = "; that is too little: make room, or train with fewer checkpoints" if short else ""
    assert capsys.readouterr().err == f"{begin}{end}\n"

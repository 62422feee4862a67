from __future__ import annotations

from dataclasses import replace

import matplotlib.colors
import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from mono2stereo.comparison import EvaluatedRun, write_sweep
from mono2stereo.errors import DataError

PARAMS = {"sample_rate": "22050", "evaluate.split": "test", "seed": "0"}
METRICS = {
    "evaluate/coherence_1024": 0.2,
    "evaluate/coherence_4096": 0.3,
    "evaluate/coherence_16384": 0.4,
    "evaluate/log_mel_db": 4.0,
}
POINTS = pd.DataFrame(
    {
        "method": ["lauridsen", "lauridsen", "own side", "model"],
        "setting": ["lauridsen-5ms", "lauridsen-10ms", "own side", "step-10"],
        "coherence_1024": [0.9, 0.5, 0.35, 0.2],
        "coherence_4096": [0.95, 0.8, 0.45, 0.3],
        "coherence_16384": [0.99, 0.95, 0.55, 0.4],
        "log_mel_db": [1.0, 2.5, 4.5, 4.0],
        "onset_correlation": [0.9, 0.8, 0.6, 0.7],  # which the runs are not drawn by
    }
)


def run(name: str, **changed: str) -> EvaluatedRun:
    return EvaluatedRun(name, {**PARAMS, **changed}, METRICS, data="abc")


def test_runs_measured_alike_are_compared_by_what_was_set_differently(tmp_path):
    runs = [
        run("calm", **{"loss.coherence": "1"}),
        replace(run("wide", **{"loss.coherence": "5"}), metrics={}),
        run("elsewhere", **{"evaluate.split": "valid"}),
        replace(run("other data"), data="def"),
        replace(run("other measures"), metrics=METRICS | {"evaluate/measures_version": 2.0}),
    ]
    assert write_sweep(runs, POINTS, tmp_path / "compare") == 3
    page = (tmp_path / "compare" / "index.md").read_text()
    assert "3 measured otherwise are left out" in page
    assert "| run | loss.coherence | coherence 1024 |" in page
    (calm,) = [line for line in page.splitlines() if line.startswith("| calm |")]
    assert calm.startswith("| calm | 1 | 0.200 | 0.300 | 0.400 |")
    assert " 4.00 |" in calm
    assert "| wide | 5 | – | – |" in page
    table = pd.read_csv(tmp_path / "compare" / "runs.csv", index_col="run")
    assert list(table.index) == ["calm", "wide"]
    picture = matplotlib.image.imread(tmp_path / "compare" / "trade_off.png")[..., :3]
    model = np.abs(picture - matplotlib.colors.to_rgb("#EE7733")).max(axis=-1) < 0.02
    assert np.count_nonzero(model) > 100  # its points and their names


def test_a_store_without_an_evaluation_is_one_line(tmp_path):
    with pytest.raises(DataError, match="no evaluated run in the tracking store: run `make repro`"):
        write_sweep([], POINTS, tmp_path / "compare")
    assert not (tmp_path / "compare").exists()

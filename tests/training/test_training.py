"""The loop on tiny synthetic pairs: repeatable, resumable bit for bit, and closed blind spots."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from mono2stereo.data.pairs import load_pairs
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.dsp.bands import third_octave_levels_db

ROOT = Path(__file__).parents[2]
RATE = 22050

NATURAL = {
    "width": {"frequency_hz": [100.0, 1000.0], "side_to_mid_db": [-9.0, -5.0], "recordings": [2, 2]},
    "crop_samples": 22620,
    "coherence": {"1024": [0.9] * 80},
}

RUN = """
import json, sys
from pathlib import Path
import tensorflow as tf
from mono2stereo.config import Config
from mono2stereo.errors import one_line_errors
from mono2stereo.training.assemble import Training
with one_line_errors():
    training = Training(Config.load(), pairs=Path("data/pairs"), checkpoints=Path("models/checkpoints"),
                        reports=Path("reports/train"), states=Path(".resume"))
    logged = []
    figures = training.run(sink=lambda figures, step: logged.append(step), facts={"run_id": "x"})
    training.end()
    left_alone = tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]
    print("told to compute in float32:", left_alone or bool(tf.config.list_physical_devices("GPU")))
    print(json.dumps(figures))
    print("builds discriminator:", training.step.gan.discriminator is not None)
"""


def write_pairs(folder: Path, seconds: float = 3.0) -> None:
    """Three noise-and-tone tracks in the layout preprocess writes."""
    tracks = []
    for seed, split in enumerate(("train", "train", "valid")):
        random = np.random.default_rng(seed)
        n = int(seconds * RATE)
        tone = np.sin(2 * np.pi * 220 * (seed + 1) * np.arange(n) / RATE)
        mid = 0.1 * tone + 0.05 * random.normal(size=n)
        side = 0.03 * random.normal(size=n)
        path = folder / split / f"track {seed}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.stack([mid, side], axis=1).astype(np.float32))
        tracks.append(
            {
                "name": f"track {seed}",
                "split": split,
                "file": f"{split}/track {seed}.npy",
                "samples": n,
                "side_to_mid_db": -9.0,
                "mid_level_bands": [0.1] * 80,
                "side_level_bands": [0.03] * 80,
            }
        )
    (folder / "index.json").write_text(
        json.dumps({"sample_rate": RATE, "tracks": tracks, "natural": NATURAL})
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"profile": "ci", "recipe": "published"}
    params["generator"] |= {"filters_per_bin": 4}
    params["train"] |= {
        "steps": 4,
        "crop_samples": 22620,
        "checkpoint_every": 2,
        "validate_every": 2,
        "log_every": 2,
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    write_pairs(tmp_path / "data/pairs")
    return tmp_path


def set_params(workspace: Path, **sections: dict) -> None:
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    for section, values in sections.items():
        params[section] |= values
    (workspace / "params.yaml").write_text(yaml.safe_dump(params))


def start(workspace: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=workspace,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(workspace: Path) -> tuple[int, str, str]:
    process = start(workspace)
    out, error = process.communicate()
    return process.returncode, out, error


def test_a_run_leaves_curves_and_deployable_checkpoints(workspace):
    status, out, error = run(workspace)
    assert status == 0, error
    assert "retracing" not in error
    assert "told to compute in float32: True" in out
    checkpoints = sorted(path.name for path in (workspace / "models/checkpoints").iterdir())
    assert checkpoints == ["step-000002.onnx", "step-000004.onnx"]
    train = list(csv.DictReader((workspace / "reports/train/train.csv").open()))
    valid = list(csv.DictReader((workspace / "reports/train/valid.csv").open()))
    assert [row["step"] for row in train] == [row["step"] for row in valid] == ["2", "4"]
    assert {"coherence", "weighted_mel", "adversarial", "feature_matching", "level", "lag"} <= set(train[0])
    assert {"d_real_period_2", "d_fake_scale_2", "learning_rate"} <= set(train[0])
    assert {"gradient_norm_generator", "gradient_norm_discriminator"} <= set(train[0])
    assert valid[-1]["mel"] != train[-1]["mel"]
    assert float(train[-1]["weighted_coherence"]) == pytest.approx(
        2.5 * float(train[-1]["coherence"]), rel=1e-5
    )
    assert json.loads(out.splitlines()[-2])["total"] == pytest.approx(float(valid[-1]["total"]), rel=1e-5)
    assert [path.name for path in (workspace / ".resume").iterdir()] == ["finished"]


def test_without_adversarial_weights_no_discriminator_is_built(workspace):
    set_params(workspace, loss={"adversarial": 0.0, "feature_matching": 0.0}, train={"steps": 2})
    status, out, error = run(workspace)
    assert status == 0, error
    assert "builds discriminator: False" in out


def test_discriminators_join_at_their_step(workspace):
    """Before it a run is that of the other terms alone, with nothing in the discriminators' columns."""
    set_params(workspace, discriminator={"start_step": 2}, train={"steps": 4, "log_every": 1})
    status, _, error = run(workspace)
    assert status == 0, error
    files = [workspace / "reports/train" / name for name in ("train.csv", "valid.csv")]
    rows = list(csv.DictReader(files[0].open()))
    assert [bool(row["adversarial"]) for row in rows] == [False, False, True, True]
    assert [bool(row["d_real_period_2"]) for row in rows] == [False, False, True, True]
    assert [bool(row["adversarial"]) for row in csv.DictReader(files[1].open())] == [False, True]

    set_params(workspace, loss={"adversarial": 0.0, "feature_matching": 0.0})
    status, _, error = run(workspace)
    assert status == 0, error
    alone = list(csv.DictReader(files[0].open()))
    assert [row["total"] for row in alone[:2]] == [row["total"] for row in rows[:2]]
    assert alone[3]["total"] != rows[3]["total"]


def test_the_data_say_what_is_natural(workspace):
    """The loss pays for no less coherence than recordings have, and the model carries their width."""
    coherence = {"frame_lengths": [1024], "floors": "natural", "above_floors": 0.0, "shortfall": 0.0}
    set_params(workspace, terms={"coherence": coherence})
    set_params(workspace, loss={"adversarial": 0.0}, train={"steps": 2})
    status, _, error = run(workspace)
    assert status == 0, error
    (last,) = csv.DictReader((workspace / "reports/train/train.csv").open())
    assert float(last["coherence"]) < 0.05
    model = NeuralDecorrelator.load(workspace / "models/checkpoints/step-000002.onnx")
    card = model.card
    assert card.natural_width == {"frequency_hz": [100.0, 1000.0], "side_to_mid_db": [-9.0, -5.0]}
    assert card.own_width is not None
    assert {"step", "data", "parameters", "measures"} <= set(card.training)
    facts = card.training["data"]
    assert (facts["training_recordings"], facts["validation_recordings"]) == (2, 1)
    assert facts["training_hours"] == pytest.approx(2 * facts["validation_hours"])
    assert card.training["parameters"]["train.batch_size"] > 0
    assert "mel" in card.training["measures"]
    assert str(workspace) not in card.dumps()  # no places of this machine
    mids = [pair.mid_side[:, 0] for pair in load_pairs(workspace / "data/pairs", "train")]
    levels = [
        third_octave_levels_db(model.side(mid, RATE), RATE) - third_octave_levels_db(mid, RATE)
        for mid in mids
    ]
    told = len(card.own_width["frequency_hz"])
    assert card.own_width["frequency_hz"][-1] < RATE / 2
    # From 200 Hz: below, three seconds of noise hold too few independent values.
    expected = np.median(levels, axis=0)[1 : told + 1][8:]
    np.testing.assert_allclose(card.own_width["side_to_mid_db"][8:], expected, atol=1.0)

    set_params(workspace, terms={"coherence": coherence | {"frame_lengths": [512]}})
    status, _, error = run(workspace)
    assert status == 1
    line = error.strip().splitlines()[-1]
    assert line.startswith("error: terms.coherence.floors = natural: ")
    assert line.endswith("run the stage preprocess again")


def test_divergence_stops_the_run_with_step_and_term(workspace):
    set_params(workspace, train={"divergence_limit": 0.5})
    status, _, error = run(workspace)
    assert status == 1
    line = error.strip().splitlines()[-1]
    assert line.startswith("error: step 1: ")
    assert "train.divergence_limit" in line


def test_a_clip_longer_than_every_track_is_refused_before_training(workspace):
    set_params(workspace, train={"crop_samples": 66120})
    status, _, error = run(workspace)
    assert status == 1
    assert "a clip of 75400 samples" in error.strip().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_goes_on_bit_for_bit(workspace, tmp_path_factory, kill):
    """20 steps = 10, killed, restored in a new process, 10 more; weights, curves and figures alike."""
    set_params(workspace, discriminator={"start_step": 12})  # columns that the killed process never wrote
    set_params(workspace, train={"steps": 20, "checkpoint_every": 10, "validate_every": 10, "log_every": 2})
    whole = tmp_path_factory.mktemp("whole")
    for part in ("params.yaml", "data"):
        (whole / part).symlink_to(workspace / part)
    assert run(whole)[0] == 0

    process = start(workspace)
    deadline = time.monotonic() + 300
    while not list(workspace.glob(".resume/*/step-*/facts.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(kill)
    process.communicate()
    assert process.returncode != 0
    for stale in workspace.glob("models/checkpoints/*"):
        stale.unlink()  # as DVC does before it runs a stage again
    status, _, error = run(workspace)
    assert status == 0, error

    for name in ("models/checkpoints/step-000010.onnx", "models/checkpoints/step-000020.onnx"):
        assert (workspace / name).read_bytes() == (whole / name).read_bytes(), name
    for name in ("train", "valid"):
        assert curve(workspace, name) == curve(whole, name)


@pytest.mark.slow
def test_a_finished_training_is_extended_bit_for_bit(workspace, tmp_path_factory):
    """5 steps, then 8, is 8; where the fifth step was logged, measured and exported as the last one alone."""
    often = {"log_every": 2, "validate_every": 3, "checkpoint_every": 2}
    set_params(workspace, discriminator={"start_step": 4}, train={"steps": 8, **often})
    whole = tmp_path_factory.mktemp("whole")
    shutil.copytree(workspace, whole, dirs_exist_ok=True)
    assert run(whole)[0] == 0

    set_params(workspace, train={"steps": 5})
    assert run(workspace)[0] == 0
    assert (workspace / "models/checkpoints/step-000005.onnx").exists()
    for stale in workspace.glob("models/checkpoints/*"):
        stale.unlink()  # as DVC does before it runs a stage again
    set_params(workspace, train={"steps": 8})
    status, out, error = run(workspace)
    assert status == 0, error
    assert out.startswith("train: goes on from a finished training's state after step 5\n")

    checkpoints, others = (
        {path.name: path.read_bytes() for path in (folder / "models/checkpoints").iterdir()}
        for folder in (workspace, whole)
    )
    assert checkpoints.keys() == others.keys() == {f"step-{step:06d}.onnx" for step in (2, 4, 6, 8)}
    assert checkpoints == others
    for name in ("train", "valid"):
        one, other = curve(workspace, name), curve(whole, name)
        assert one == other
        assert len(one) > 2


def curve(folder, name):
    """The rows of a curve, without what differs from machine to machine."""
    rows = list(csv.DictReader((folder / f"reports/train/{name}.csv").open()))
    for row in rows:
        row.pop("steps_per_second", None)
    return rows


@pytest.mark.slow
def test_a_trained_sides_blind_spots_are_closed(workspace):
    """No more energy below 30 Hz than the mid, no drift near DC and Nyquist, after some training."""
    set_params(
        workspace, train={"steps": 60, "checkpoint_every": 60, "validate_every": 60, "learning_rate": 1e-3}
    )
    assert run(workspace)[0] == 0
    model = NeuralDecorrelator.load(workspace / "models/checkpoints/step-000060.onnx")
    mid = np.array(load_pairs(workspace / "data/pairs", "valid")[0].mid_side[:, 0])
    side = model.side(mid, RATE)
    power = [np.abs(np.fft.rfft(x)) ** 2 for x in (mid, side)]
    hz = np.fft.rfftfreq(len(mid), 1 / RATE)
    below = [float(p[hz < 30].sum()) for p in power]
    assert below[1] <= below[0]
    assert abs(side.mean()) < 1e-3 * side.std()
    top = [float(p[hz > 10_500].mean() / p[(hz > 5_000) & (hz < 10_000)].mean()) for p in power]
    assert abs(10 * np.log10(top[1] / top[0])) < 12

"""From settings to loss terms: each setting reaches its term, and a new term is one file and one entry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import yaml

from mono2stereo.config import Config
from mono2stereo.data.pairs import Natural, NaturalWidth
from mono2stereo.dsp.movement import FIGURES
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import ConfigError, DataError
from mono2stereo.losses.signal_terms import signal_terms
from mono2stereo.training.assemble import gan_step, mid_to_side
from mono2stereo.training.terms import terms_of

ROOT = Path(__file__).parents[2]
CROP = 22620


def load(folder: Path, **changes: Any) -> Config:
    """The published recipe, small, with changes by dotted keys, `__` for the dot."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text()) | {"profile": "ci", "recipe": "published"}
    params["train"]["crop_samples"] = CROP
    for key, value in changes.items():
        *sections, name = key.split("__")
        section = params
        for part in sections:
            section = section[part]
        section[name] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return Config.load(folder / "params.yaml")


def natural(movement: dict[str, float | None], crop: int = CROP) -> Natural:
    return Natural(NaturalWidth([100.0], [-6.0], [1]), crop, {"1024": [0.4] * 80}, movement)


MOVES = natural(dict.fromkeys(FIGURES, 1.5) | {FIGURES[0]: None})


def measured(config: Config) -> dict[str, float]:
    mid, other = np.random.default_rng(0).normal(size=(2, 1, CROP)).astype(np.float32) * 0.1
    terms = signal_terms(
        terms_of(config, MOVES), side=tf.constant(0.5 * np.roll(mid, 100) + other), mid=tf.constant(mid)
    )
    return {name: float(value) for name, value in terms.items()}


def test_each_setting_reaches_its_term_and_no_other(tmp_path):
    base = {"terms__coherence__floors": [0.9]}
    before = measured(load(tmp_path, **base))
    assert before.keys() == {"coherence", "mel", "level", "lag", "noise_to_mask", "movement"}
    for key, value, reached in (
        ("sample_rate", 24000, {*before} - {"lag", "level"}),
        ("mel__n_mels", 40, {"mel", "coherence", "noise_to_mask"}),
        ("mel__frame_length", 512, {"mel"}),
        ("mel__frame_step", 512, {"mel"}),
        ("mel__floor", 10.0, {"mel"}),
        ("coherence__frame_lengths", [512], {"coherence"}),
        ("coherence__floors", [0.1], {"coherence"}),
        ("coherence__above_floors", 0.05, {"coherence"}),
        ("coherence__shortfall", 0.5, {"coherence"}),
        ("level__floor_db", -3.0, {"level"}),
        ("lag__max_lag_seconds", 1e-4, {"lag"}),
        ("lag__floor", 0.3, {"lag"}),
        ("noise_to_mask__floor_db", -3.0, {"noise_to_mask"}),
        ("movement__times_natural", [1.0, 1.3, 1.0, 1.0, 1.0, 1.0], {"movement"}),
    ):
        name = key if key == "sample_rate" else f"terms__{key}"
        shortfall = {} if key == "coherence__floors" else {"terms__coherence__shortfall": 0.1}
        start = measured(load(tmp_path, **base, **shortfall)) if shortfall else before
        after = measured(load(tmp_path, **{**base, **shortfall, name: value}))
        changed = {term for term in start if after[term] != pytest.approx(start[term], rel=1e-6, abs=1e-9)}
        assert reached <= changed, key
        assert key == "sample_rate" or changed == reached, key


@pytest.mark.parametrize(
    ("known", "error", "says"),
    [
        (None, DataError, "run the stage preprocess again"),
        (natural({}), DataError, "run the stage preprocess again"),
        (natural(MOVES.movement, crop=5), DataError, "run the stage preprocess again"),
        (natural(dict.fromkeys(FIGURES)), ConfigError, "lengthen train.crop_samples"),
    ],
)
def test_movement_without_targets_is_refused_where_it_trains_and_left_out_where_not(
    tmp_path, known, error, says
):
    with pytest.raises(error, match=f"^loss.movement = 0.5: .*{says}$"):
        terms_of(load(tmp_path, loss__movement=0.5), known)
    assert "movement" not in terms_of(load(tmp_path), known)


def test_a_weight_without_a_term_is_refused(tmp_path):
    config = load(tmp_path, loss__loudness=1.0, terms__loudness={})
    with pytest.raises(ConfigError, match=r"^loss.loudness = 1.0: there is no such term; there are coher"):
        terms_of(config, None)


def test_the_discriminators_learning_rate_is_that_of_the_step_at_which_they_join(tmp_path):
    late = {"train__steps": 500, "discriminator__start_step": 250, "train__decay_every": 100}
    gan = gan_step(config := load(tmp_path, **late), mid_to_side(config)).gan
    rates = [float(o.learning_rate) for o in (gan.generator_optimizer, gan.discriminator_optimizer)]
    assert rates == pytest.approx([2e-4, 2e-4 * 0.999**2], rel=1e-5)


def test_each_setting_reaches_network_discriminators_and_optimisers(tmp_path, monkeypatch):
    config = load(
        tmp_path,
        generator__kind="grouped_conv1d", generator__filters_per_bin=3, generator__kernel_frames=6,
        generator__use_bias=True, generator__lookahead_frames=2, generator__highpass_hz=80.0,
        generator__start="random", stft__frame_length=120, stft__frame_step=60, stft__fft_length=160,
        discriminator__width=0.125, discriminator__sees_mid=True, discriminator__sees_left_right=True,
        discriminator__start_step=7, train__learning_rate=0.5, train__learning_rate_decay=0.25,
        train__decay_every=2, train__beta_1=0.1, train__beta_2=0.2, train__weight_decay=0.3,
    )  # fmt: skip
    optimizers = []
    monkeypatch.setattr("mono2stereo.training.assemble.AdamW", lambda _, **of: optimizers.append(of) or of)
    model = mid_to_side(config)
    step = gan_step(config, model)
    gan, generator = step.gan, model.generator
    assert (generator.kind, generator.filters_per_bin, generator.kernel_frames) == ("grouped_conv1d", 3, 6)
    assert (generator.use_bias, model.lookahead_frames, model.highpass_hz) == (True, 2, 80.0)
    assert (model.stft, model.sample_rate) == (Stft(120, 60, 160), config.sample_rate)
    branch = gan.discriminator.branches[0]
    assert (branch.signals, branch.convolutions[2].filters) == (4, 64)  # of 512
    assert (gan.crop_samples, gan.weights, step.discriminator_start_step) == (CROP, config.loss, 7)
    both = {"decay_rate": 0.25, "decay_every": 2, "beta_1": 0.1, "beta_2": 0.2, "weight_decay": 0.3}
    assert optimizers == [{"learning_rate": 0.5, **both}, {"learning_rate": 0.5 * 0.25**3, **both}]
    assert gan.generator_optimizer is optimizers[0]


CREST = '''
import tensorflow as tf


class CrestLoss:
    """How far the side's peak lies above its level."""

    def __init__(self, *, limit: float) -> None:
        self.limit = limit

    def __call__(self, *, estimate, reference):
        side = estimate.waveform
        return tf.reduce_max(tf.abs(side)) / tf.math.reduce_std(side) - self.limit
'''
MEASURE = """
import json, numpy as np, tensorflow as tf
from mono2stereo.config import Config
from mono2stereo.training.assemble import gan_step, mid_to_side
config = Config.load()
step = gan_step(config, mid_to_side(config))
mid = tf.constant(np.random.default_rng(0).normal(size=(1, config.clip_samples)), tf.float32)
figures = step.train(mid, mid[:, -config.train.crop_samples:])
print(json.dumps(figures))
"""


def test_a_new_term_is_one_file_and_one_entry(tmp_path):
    """And its weight and settings in params.yaml, as CONTRIBUTING says; nothing else is touched."""
    shutil.copytree(ROOT / "mono2stereo", tmp_path / "mono2stereo", ignore=shutil.ignore_patterns("*.onnx"))
    (tmp_path / "mono2stereo/losses/crest.py").write_text(CREST)
    table = tmp_path / "mono2stereo/training/terms.py"
    first = '        "mel": MelLoss('
    entry = '        "crest": CrestLoss(**settings["crest"]),\n'
    imported = "from mono2stereo.losses.crest import CrestLoss\nfrom mono2stereo.losses.lag_loss"
    text = table.read_text().replace(first, entry + first)
    table.write_text(text.replace("from mono2stereo.losses.lag_loss", imported))
    zero = {f"loss__{name}": 0.0 for name in ("adversarial", "mel", "level", "coherence")}
    load(tmp_path, loss__crest=0.5, terms__crest={"limit": 1.5}, **zero)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["total"] == figures["weighted_crest"] == pytest.approx(0.5 * figures["crest"])
    assert figures["gradient_norm_generator"] > 0

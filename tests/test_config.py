from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mono2stereo.config import Config, _flatten
from mono2stereo.errors import ConfigError

PARAMS = Path(__file__).parents[1] / "params.yaml"


def write(folder: Path, changes: dict[str, object]) -> Path:
    params = yaml.safe_load(PARAMS.read_text())
    for key, value in changes.items():
        section = params
        *parents, last = key.split(".")
        for parent in parents:
            section = section[parent]
        section[last] = value
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    return path


@pytest.mark.parametrize("profile", ["demo", "ci", "full"])
@pytest.mark.parametrize("recipe", ["recommended", "finishing", "published"])
def test_every_profile_is_possible_with_every_recipe(profile, recipe, tmp_path):
    config = Config.load(write(tmp_path, {"profile": profile, "recipe": recipe}))
    assert None not in config.flat().values()


def test_full_and_published_are_the_published_settings(tmp_path):
    config = Config.load(write(tmp_path, {"profile": "full", "recipe": "published"}))
    assert config.clip_samples == 75400
    assert config.discriminator.width == 1.0
    assert config.data.source == "musdb18hq"
    assert config.loss == {
        "coherence": 2.5, "mel": 5.625, "adversarial": 1.0, "feature_matching": 0.0, "level": 1.0, "lag": 0.0,
        "noise_to_mask": 0.0, "movement": 0.0, "held": 0.0,
    }  # fmt: skip
    generator, train = config.generator, config.train
    assert (config.stft.frame_length, config.stft.frame_step, config.stft.fft_length) == (116, 58, 128)
    assert (generator.kind, generator.filters_per_bin, generator.start) == ("grouped_conv1d", 16, "random")
    assert (generator.kernel_frames, generator.context_frames) == (40, 160)
    assert (train.steps, train.batch_size, train.learning_rate) == (200_000, 16, 2e-4)


def test_clips_are_whole_frames_of_which_losses_see_the_end(tmp_path):
    for crop, frames in ((66120, 2276), (66132, 2276), (66133, 2277)):
        config = Config.load(write(tmp_path, {"train.crop_samples": crop}))
        assert config.clip_samples == 128 + 29 * (1200 + frames)


def test_recipes_say_the_same_settings():
    """So that DVC finds what dvc.yaml depends on whichever is active."""
    first, *others = (
        set(_flatten(recipe)) for recipe in yaml.safe_load(PARAMS.read_text())["recipes"].values()
    )
    assert others == [first, first]


def test_a_sections_value_goes_before_the_profiles_and_that_before_the_recipes(tmp_path):
    recipe = Config.load(write(tmp_path, {"profile": "full"}))
    profile = Config.load(write(tmp_path, {"profile": "demo"}))
    section = Config.load(write(tmp_path, {"train.steps": 77, "train.checkpoint_every": 7}))
    assert [config.train.steps for config in (recipe, profile, section)] == [5000, 400, 77]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"loss.coherense": 1.0}, ["loss.coherense = 1.0", "unknown key", "allowed are mel, coherence, "]),
        ({"terms.coherense": {}}, ["loss.coherense: missing"]),
        ({"surprise": {}}, ["surprise", "unknown key", "generator"]),
        ({"loss.mel": "much"}, ["loss.mel = 'much'", "number"]),
        ({"loss.mel": -1.0}, ["loss.mel = -1.0", "greater than or equal to 0"]),
        ({"loss.mel": float("nan")}, ["loss.mel = nan"]),
        ({"seed": 2**32}, ["seed = 4294967296", "less than 4294967296"]),
        ({"train.steps": 1.5}, ["train.steps = 1.5", "integer"]),
        ({"generator.kind": "lstm"}, ["generator.kind = 'lstm'", "grouped_conv1d", "conv2d"]),
        ({"profile": "huge"}, ["profile = 'huge'", "allowed are ci, demo, full"]),
        ({"recipe": "secret"}, ["recipe = 'secret'", "allowed are finishing, published, recommended"]),
        ({"stft.frame_step": 117}, ["stft.frame_step = 117", "64"]),
        ({"stft.fft_length": 64}, ["stft.frame_length = 128", "64"]),
        ({"generator.context_frames": 100}, ["generator.context_frames = 100", "need at least"]),
        ({"terms.coherence.frame_lengths": [16384]}, ["16384", "at least 16"]),
        ({"terms.movement.times_natural": [1.0] * 5}, ["terms.movement.times_natural", "at least 6 items"]),
        ({"terms.held.range_hz": [60.0, 12000.0]}, ["terms.held.range_hz", "12000", "11025"]),
        ({"loss.held": 1.0, "generator.kind": "conv2d"}, ["loss.held = 1.0", "conv2d", "set it to 0"]),
        ({"terms.coherence.floors": [0.3, 0.4]}, ["terms.coherence.floors", "one for each"]),
        ({"terms.coherence.floors": "natur"}, ["terms.coherence.floors", "'natur'", "'natural'"]),
        ({"train.checkpoint_every": 10_000}, ["train.checkpoint_every = 10000", "train.steps"]),
        (
            {"discriminator.start_step": 500, "loss.adversarial": 1.0},
            ["discriminator.start_step = 500", "below train.steps", "400"],
        ),
        ({"evaluate.stretch_seconds": 0.1}, ["evaluate.stretch_seconds = 0.1", "0.5"]),
        ({"profiles.demo.train.stepz": 5}, ["profiles.demo.train.stepz = 5", "unknown key"]),
        ({"data.valid_fraction": 0.9}, ["valid_fraction", "below 1"]),
        (
            {
                f"loss.{name}": 0.0
                for name in ("coherence", "mel", "level", "lag", "noise_to_mask", "movement", "held")
            },
            ["every weight is 0"],
        ),
    ],
)
def test_refusals_are_one_line_that_names_key_value_and_what_is_allowed(changes, named, tmp_path):
    with pytest.raises(ConfigError) as refusal:
        Config.load(write(tmp_path, changes))
    message = str(refusal.value)
    assert "\n" not in message
    assert "params.yaml" in message
    for part in named:
        assert part in message, message


@pytest.mark.parametrize("number", ["1e-5", "0.00001", "1e+20"])
def test_numbers_as_dvc_writes_them(number, tmp_path):
    from dvc.utils.hydra import apply_overrides  # what `dvc exp run -S` calls

    path = write(tmp_path, {})
    apply_overrides(path, [f"train.divergence_limit={number}"])
    assert Config.load(path).train.divergence_limit == float(number)


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(ConfigError, match="not found"):
        Config.load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [1")
    with pytest.raises(ConfigError, match="not YAML"):
        Config.load(tmp_path / "params.yaml")
    path = write(tmp_path, {})
    params = yaml.safe_load(path.read_text())
    del params["seed"]
    path.write_text(yaml.safe_dump(params))
    with pytest.raises(ConfigError, match="seed: missing"):
        Config.load(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"train.precision": "bfloat16"}, "gates of generator.kind = gated_bank"),
        ({"generator.use_bias": True}, "gated_bank has no biases"),
        ({"generator.context_frames": 320}, "need at least"),
        ({"generator.lookahead_frames": 80}, "at most the 76 frames"),
    ],
)
def test_what_the_gated_bank_cannot_do_is_refused(changes, reason, tmp_path):
    with pytest.raises(ConfigError, match=reason):
        Config.load(write(tmp_path, changes))

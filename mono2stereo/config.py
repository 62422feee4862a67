"""params.yaml → one frozen, typed object, read once at the edge of each stage.

A section's `null` stands for the active profile's value. Whatever this module does not know, of the wrong
type or impossible, is refused in one line. Nothing below the stages sees a config object.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mono2stereo.errors import ConfigError

Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """Base of all sections: frozen, strict types, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Data(Section):
    source: Literal["demo", "folder", "musdb18hq", "musdb18-sample"]
    path: str
    url: str
    delete_archive: bool
    strict: bool
    min_seconds: PositiveFloat
    valid_fraction: Share
    test_fraction: Share


class Stft(Section):
    frame_length: Positive
    frame_step: Positive
    fft_length: Positive

    @property
    def n_bins(self) -> int:
        return self.fft_length // 2 + 1


class Preprocess(Section):
    min_round_trip_db: PositiveFloat


class Generator(Section):
    kind: Literal["grouped_conv1d", "conv2d"]
    filters_per_bin: Positive
    kernel_frames: Positive
    context_frames: Positive
    lookahead_frames: Annotated[int, Field(ge=0)]
    use_bias: bool
    highpass_hz: PositiveFloat


class Discriminator(Section):
    width: Annotated[float, Field(gt=0, le=1)]
    real: Literal["side", "mid"]
    real_level: Literal["none", "broadband", "bands"]
    sees_mid: bool


class Loss(Section):
    """Weights. The field names are the terms' names wherever they are logged."""

    coherence: Weight
    mel: Weight
    adversarial: Weight
    feature_matching: Weight
    level: Weight
    lag: Weight


class MelTerm(Section):
    n_mels: Positive
    frame_length: Positive
    frame_step: Positive
    floor: PositiveFloat


class CoherenceTerm(Section):
    frame_lengths: Annotated[list[Positive], Field(min_length=1)]
    floors: Literal["natural"] | list[Annotated[float, Field(ge=0, lt=1)]]


class LevelTerm(Section):
    floor_db: Annotated[float, Field(lt=0)]


class LagTerm(Section):
    max_lag_seconds: PositiveFloat


class Terms(Section):
    mel: MelTerm
    coherence: CoherenceTerm
    level: LevelTerm
    lag: LagTerm


class Train(Section):
    steps: Positive
    batch_size: Positive
    clip_samples: Positive
    log_every: Positive
    checkpoint_every: Positive
    validate_every: Positive
    validation_clips: Positive
    learning_rate: PositiveFloat
    beta_1: Share
    beta_2: Share
    weight_decay: Annotated[float, Field(ge=0)]
    learning_rate_decay: Annotated[float, Field(gt=0, le=1)]
    decay_every: Positive
    divergence_limit: PositiveFloat
    deterministic: bool
    precision: Literal["float32", "bfloat16"]


class Render(Section):
    excerpts: Positive
    excerpt_seconds: PositiveFloat
    loudness_lufs: Annotated[float, Field(lt=0)]


class Evaluate(Section):
    split: Literal["test", "valid"]
    stretches_per_track: Positive
    stretch_seconds: PositiveFloat
    coherence_seconds: PositiveFloat


class Config(Section):
    """All settings of one run, the profile's values filled in.

    Raises (from `load`): ConfigError.
    """

    profile: str
    seed: Annotated[int, Field(ge=0)]
    sample_rate: Annotated[int, Field(ge=8000, le=192000)]
    data: Data
    stft: Stft
    preprocess: Preprocess
    generator: Generator
    discriminator: Discriminator
    loss: Loss
    terms: Terms
    train: Train
    render: Render
    evaluate: Evaluate

    @classmethod
    def load(cls, path: Path | str = "params.yaml") -> Self:
        """Read `path`, fill in the active profile, and check every value."""
        path = Path(path)
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"{path}: not found; run from the repository's top folder") from None
        except yaml.YAMLError as error:
            raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
        if not isinstance(raw, dict):
            raise ConfigError(f"{path}: must hold sections of settings, not {type(raw).__name__}")
        try:
            return cls.model_validate(_fill_in_profile(raw))
        except ValidationError as error:
            raise ConfigError(f"{path}: {_one_line(error)}") from None
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None

    @property
    def crop_samples(self) -> int:
        """Samples of a clip that the losses see: the clip less the generator's context."""
        return self.train.clip_samples - self.generator.context_frames * self.stft.frame_step

    @property
    def weights(self) -> dict[str, float]:
        """Loss weights by term."""
        return self.loss.model_dump()

    def flat(self) -> dict[str, Any]:
        """All settings with dotted keys, as MLflow wants them."""
        return _flatten(self.model_dump())

    @model_validator(mode="after")
    def _possible(self) -> Self:
        stft, generator, train = self.stft, self.generator, self.train
        if stft.frame_step > stft.frame_length // 2:
            raise ConfigError(
                f"stft.frame_step = {stft.frame_step}: leaves gaps; at most half of stft.frame_length, "
                f"{stft.frame_length // 2}"
            )
        if stft.frame_length > stft.fft_length:
            raise ConfigError(
                f"stft.frame_length = {stft.frame_length}: at most stft.fft_length, {stft.fft_length}"
            )
        receptive = 4 * (generator.kernel_frames - 1)
        overlap = -(-stft.frame_length // stft.frame_step)
        if generator.context_frames < receptive + overlap:
            raise ConfigError(
                f"generator.context_frames = {generator.context_frames}: four layers of "
                f"{generator.kernel_frames} frames need at least {receptive + overlap}"
            )
        if generator.lookahead_frames > receptive:
            raise ConfigError(
                f"generator.lookahead_frames = {generator.lookahead_frames}: at most the {receptive} frames "
                "that the layers see"
            )
        if generator.highpass_hz >= self.sample_rate / 2:
            raise ConfigError(
                f"generator.highpass_hz = {generator.highpass_hz}: below half of sample_rate, "
                f"{self.sample_rate / 2:g}"
            )
        if self.data.valid_fraction + self.data.test_fraction >= 1:
            raise ConfigError("data.valid_fraction + data.test_fraction: below 1, to leave tracks to train")
        if (train.clip_samples - stft.frame_length) % stft.frame_step or self.crop_samples <= 0:
            first = generator.context_frames * stft.frame_step + stft.frame_length
            raise ConfigError(
                f"train.clip_samples = {train.clip_samples}: whole frames, {first} + a multiple of "
                f"{stft.frame_step} (such as 75400 for the published STFT)"
            )
        self._check_terms()
        for key in ("log_every", "checkpoint_every", "validate_every"):
            if getattr(train, key) > train.steps:
                raise ConfigError(f"train.{key} = {getattr(train, key)}: at most train.steps, {train.steps}")
        if self.evaluate.coherence_seconds > self.evaluate.stretch_seconds:
            raise ConfigError(
                f"evaluate.coherence_seconds = {self.evaluate.coherence_seconds}: at most "
                f"evaluate.stretch_seconds, {self.evaluate.stretch_seconds}"
            )
        if not any(self.weights.values()):
            raise ConfigError("loss: every weight is 0; at least one term must train")
        return self

    def _check_terms(self) -> None:
        mel, coherence = self.terms.mel, self.terms.coherence
        if mel.frame_step > mel.frame_length:
            raise ConfigError(
                f"terms.mel.frame_step = {mel.frame_step}: at most terms.mel.frame_length, {mel.frame_length}"
            )
        if self.crop_samples < mel.frame_length:
            raise ConfigError(
                f"terms.mel.frame_length = {mel.frame_length}: longer than the crop of {self.crop_samples} "
                "samples; lengthen train.clip_samples"
            )
        if coherence.floors != "natural" and len(coherence.floors) != len(coherence.frame_lengths):
            raise ConfigError(
                f"terms.coherence.floors = {coherence.floors}: natural, or one for each of the "
                f"{len(coherence.frame_lengths)} frame_lengths"
            )
        for frame_length in coherence.frame_lengths:
            frames = 1 + (self.crop_samples - frame_length) // (frame_length // 4)
            if frames < 16:
                raise ConfigError(
                    f"terms.coherence.frame_lengths: {frame_length} leaves {max(frames, 0)} frames in the "
                    f"crop of {self.crop_samples} samples; at least 16, or any signals look coherent"
                )


def _fill_in_profile(raw: dict[str, Any]) -> dict[str, Any]:
    profiles, name = raw.get("profiles"), raw.get("profile")
    if not isinstance(profiles, dict) or name not in profiles:
        allowed = ", ".join(profiles) if isinstance(profiles, dict) else "none: profiles is missing"
        raise ConfigError(f"profile = {name!r}: allowed are {allowed}")
    filled = {key: value for key, value in raw.items() if key != "profiles"}
    for section, values in (profiles[name] or {}).items():
        if not isinstance(filled.get(section), dict) or not isinstance(values, dict):
            raise ConfigError(f"profiles.{name}.{section}: no such section; allowed are {_sections(filled)}")
        for key, value in values.items():
            if key not in filled[section]:
                raise ConfigError(
                    f"profiles.{name}.{section}.{key} = {value!r}: unknown key; allowed are "
                    f"{', '.join(filled[section])}"
                )
            if filled[section][key] is None:
                filled[section] = {**filled[section], key: value}
    return filled


def _sections(raw: dict[str, Any]) -> str:
    return ", ".join(key for key, value in raw.items() if isinstance(value, dict))


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    value = first.get("input")
    if first["type"] == "extra_forbidden":
        return f"{key} = {value!r}: unknown key; allowed are {', '.join(_fields_beside(first['loc']))}"
    if first["type"] == "missing":
        return f"{key}: missing; it must be set"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    message = first["msg"].removeprefix("Input ")
    return f"{key} = {value!r}: {message}{more}"


def _fields_beside(location: tuple[int | str, ...]) -> list[str]:
    section: Any = Config
    for part in location[:-1]:
        section = section.model_fields[part].annotation
    return list(section.model_fields)


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat

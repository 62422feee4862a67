"""params.yaml → one frozen, typed object, read once at the edge of each stage.

A section's `null` stands for the active profile's or recipe's value. Whatever this module does not know, of
the wrong type or impossible, is refused in one line. Nothing below the stages sees a config object.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML, YAMLError

from mono2stereo.config.profiles import fill_in_nulls
from mono2stereo.config.sections import (
    Data,
    Discriminator,
    Evaluate,
    Generator,
    Preprocess,
    Render,
    Section,
    Stft,
    Terms,
    Train,
    Weight,
)
from mono2stereo.errors import ConfigError
from mono2stereo.models.receptive_field import filtered_frames, receptive_frames

ADVERSARIAL = ("adversarial", "feature_matching")  # the loss terms that ask for discriminators
HELD = "held"  # the loss term that asks the generator what it does while its gates rest


class Config(Section):
    """All settings of one run, the profile's and the recipe's values filled in.

    Raises (from `load`): ConfigError.
    """

    profile: str
    recipe: str
    seed: Annotated[int, Field(ge=0, lt=2**32)]  # NumPy's range
    sample_rate: Annotated[int, Field(ge=8000, le=192000)]
    data: Data
    stft: Stft
    preprocess: Preprocess
    generator: Generator
    discriminator: Discriminator
    loss: dict[str, Weight]
    terms: Terms
    train: Train
    render: Render
    evaluate: Evaluate

    @classmethod
    def load(cls, path: Path | str = "params.yaml") -> Self:
        """Read `path`, fill in the active profile and recipe, and check every value."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ConfigError(f"{path}: not found; run from the repository's top folder") from None
        return cls._read(text, path)

    @classmethod
    def _read(cls, text: str, path: Path | str) -> Self:
        try:
            # YAML 1.2, as DVC reads and writes it: in 1.1 its 1e-05 is text.
            raw = YAML(typ="safe", pure=True).load(text)
        except YAMLError as error:
            raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
        if not isinstance(raw, dict):
            raise ConfigError(f"{path}: must hold sections of settings, not {type(raw).__name__}")
        try:
            return cls.model_validate(fill_in_nulls(raw))
        except ValidationError as error:
            raise ConfigError(f"{path}: {_one_line(error)}") from None
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None

    @property
    def clip_samples(self) -> int:
        """Samples of a clip, whole frames: the generator's context and, at its end, what the losses see."""
        length, step = self.stft.frame_length, self.stft.frame_step
        frames = self.generator.context_frames + ceil((self.train.crop_samples - length) / step)
        return length + frames * step

    def flat(self) -> dict[str, Any]:
        """All settings with dotted keys, as MLflow wants them."""
        return _flatten(self.model_dump())

    def changed_from(self, text: str) -> dict[str, tuple[Any, Any]]:
        """What another params.yaml, given as text, has otherwise: its value and this one's, by dotted key."""
        try:
            before = self._read(text, "before").flat()
        except ConfigError:  # of another version
            return {}
        now = self.flat()
        return {key: (before.get(key), now[key]) for key in now if now[key] != before.get(key)}

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
        receptive = receptive_frames(generator.kind, generator.kernel_frames)
        overlap = -(-stft.frame_length // stft.frame_step)
        if generator.context_frames < receptive + overlap:
            raise ConfigError(
                f"generator.context_frames = {generator.context_frames}: kernels of "
                f"{generator.kernel_frames} frames need at least {receptive + overlap}"
            )
        filtered = filtered_frames(generator.kind, generator.kernel_frames)
        if generator.lookahead_frames > filtered:
            raise ConfigError(
                f"generator.lookahead_frames = {generator.lookahead_frames}: at most the {filtered} frames "
                "that the layers see"
            )
        if generator.start == "copy" and generator.filters_per_bin < 4:
            raise ConfigError(
                f"generator.filters_per_bin = {generator.filters_per_bin}: generator.start = copy needs 4"
            )
        if generator.kind == "gated_bank" and generator.use_bias:
            raise ConfigError(
                "generator.use_bias = true: gated_bank has no biases, since level must not matter; set it to "
                "false"
            )
        if generator.kind == "gated_bank" and train.precision == "bfloat16":
            raise ConfigError(
                "train.precision = bfloat16: gates of generator.kind = gated_bank would be others in use "
                "than in training; use float32"
            )
        if generator.highpass_hz >= self.sample_rate / 2:
            raise ConfigError(
                f"generator.highpass_hz = {generator.highpass_hz}: below half of sample_rate, "
                f"{self.sample_rate / 2:g}"
            )
        if self.data.valid_fraction + self.data.test_fraction >= 1:
            raise ConfigError("data.valid_fraction + data.test_fraction: below 1, to leave tracks to train")
        self._check_names()
        self._check_terms()
        for key in ("log_every", "checkpoint_every", "validate_every"):
            if getattr(train, key) > train.steps:
                raise ConfigError(f"train.{key} = {getattr(train, key)}: at most train.steps, {train.steps}")
        if any(self.loss[name] for name in ADVERSARIAL) and self.discriminator.start_step >= train.steps:
            raise ConfigError(
                f"discriminator.start_step = {self.discriminator.start_step}: below train.steps, "
                f"{train.steps}, or else set loss.adversarial and loss.feature_matching to 0"
            )
        if self.loss[HELD] and generator.kind != "gated_bank":
            raise ConfigError(
                f"loss.{HELD} = {self.loss[HELD]}: generator.kind = {generator.kind} has no gates that "
                "rest while a tone is held; set it to 0"
            )
        if not any(self.loss.values()):
            raise ConfigError("loss: every weight is 0; at least one term must train")
        return self

    def _check_names(self) -> None:
        """A weight for each term and a term for each weight: what one of them misspells is refused."""
        terms = {**self.terms.model_dump(), **dict.fromkeys(ADVERSARIAL)}
        for name, weight in self.loss.items():
            if name not in terms:
                raise ConfigError(
                    f"loss.{name} = {weight}: unknown key, for terms.{name} is missing; allowed are "
                    f"{', '.join(terms)}"
                )
        for name in terms:
            if name not in self.loss:
                raise ConfigError(f"loss.{name}: missing; it must be set, 0 to measure and not to train")

    def _check_terms(self) -> None:
        mel, coherence, crop = self.terms.mel, self.terms.coherence, self.train.crop_samples
        if mel.frame_step > mel.frame_length:
            raise ConfigError(
                f"terms.mel.frame_step = {mel.frame_step}: at most terms.mel.frame_length, {mel.frame_length}"
            )
        if crop < mel.frame_length:
            raise ConfigError(
                f"terms.mel.frame_length = {mel.frame_length}: longer than the crop of {crop} "
                "samples; lengthen train.crop_samples"
            )
        if coherence.floors != "natural" and len(coherence.floors) != len(coherence.frame_lengths):
            raise ConfigError(
                f"terms.coherence.floors = {coherence.floors}: natural, or one for each of the "
                f"{len(coherence.frame_lengths)} frame_lengths"
            )
        low, high = self.terms.held.range_hz
        if not low < high < self.sample_rate / 2:
            raise ConfigError(
                f"terms.held.range_hz = [{low:g}, {high:g}]: a lower and a higher frequency below "
                f"{self.sample_rate / 2:g}, half of sample_rate"
            )
        for frame_length in coherence.frame_lengths:
            frames = 1 + (crop - frame_length) // (frame_length // 4)
            if frames < 16:
                raise ConfigError(
                    f"terms.coherence.frame_lengths: {frame_length} leaves {max(frames, 0)} frames in the "
                    f"crop of {crop} samples; at least 16, or any signals look coherent"
                )


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

"""The sections of params.yaml, each a frozen, typed object."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mono2stereo.distribution.place import Strategy
from mono2stereo.models.receptive_field import Kind

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
    kaiser_beta: Annotated[float, Field(ge=0, le=20)]

    @property
    def n_bins(self) -> int:
        return self.fft_length // 2 + 1


class Preprocess(Section):
    min_round_trip_db: PositiveFloat


class Generator(Section):
    kind: Kind
    filters_per_bin: Positive
    kernel_frames: Positive
    context_frames: Positive
    lookahead_frames: Annotated[int, Field(ge=0)]
    use_bias: bool
    start: Annotated[str, Field(min_length=1)]
    start_phase_degrees: Annotated[float, Field(ge=-180, le=180)]
    highpass_hz: PositiveFloat


class Discriminator(Section):
    width: Annotated[float, Field(gt=0, le=1)]
    real: Literal["side", "mid"]
    real_level: Literal["none", "broadband", "bands"]
    sees_mid: bool
    sees_left_right: bool
    start_step: Annotated[int, Field(ge=0)]


class MelTerm(Section):
    n_mels: Positive
    frame_length: Positive
    frame_step: Positive
    floor: PositiveFloat


class CoherenceTerm(Section):
    frame_lengths: Annotated[list[Positive], Field(min_length=1)]
    floors: Literal["natural"] | list[Annotated[float, Field(ge=0, lt=1)]]
    above_floors: Annotated[float, Field(gt=-1, lt=1)]
    shortfall: Annotated[float, Field(ge=0, le=1)]


class LevelTerm(Section):
    floor_db: Annotated[float, Field(lt=0)]


class LagTerm(Section):
    max_lag_seconds: PositiveFloat
    floor: Share


class NoiseToMaskTerm(Section):
    floor_db: Annotated[float, Field(lt=0)]


class MovementTerm(Section):
    times_natural: Annotated[list[PositiveFloat], Field(min_length=6, max_length=6)]  # of dsp.movement


class HeldTerm(Section):
    range_hz: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]
    tolerance_db: Annotated[float, Field(ge=0)]
    images_db: Annotated[float, Field(le=0)]


class Terms(Section):
    """What the loss terms measure; one that is not named here says itself what it takes."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dict[str, Any]]

    mel: MelTerm
    coherence: CoherenceTerm
    level: LevelTerm
    lag: LagTerm
    noise_to_mask: NoiseToMaskTerm
    movement: MovementTerm
    held: HeldTerm


class Train(Section):
    strategy: Strategy
    steps: Positive
    batch_size: Positive
    crop_samples: Positive
    max_speed: Annotated[float, Field(ge=1, le=2)]
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
    stretch_seconds: Annotated[float, Field(ge=0.5)]

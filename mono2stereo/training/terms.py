"""From settings to the loss terms between side and mid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mono2stereo.config import ADVERSARIAL, HELD, Config
from mono2stereo.data.pairs import Natural
from mono2stereo.errors import ConfigError, DataError
from mono2stereo.losses.coherence_loss import CoherenceLoss
from mono2stereo.losses.held_loss import HeldLoss
from mono2stereo.losses.lag_loss import LagLoss
from mono2stereo.losses.level_loss import LevelLoss
from mono2stereo.losses.mel_loss import MelLoss
from mono2stereo.losses.movement_loss import MovementLoss
from mono2stereo.losses.noise_to_mask_loss import NoiseToMaskLoss
from mono2stereo.losses.signal_terms import SignalTerm


def terms_of(config: Config, natural: Natural | None) -> dict[str, SignalTerm]:
    """One entry per term, by the name of its weight under `loss` and of its settings under `terms`.

    Args:
        config: All settings.
        natural: What preprocess found natural in the training recordings.

    Raises:
        DataError: A term needs what the data do not say.
        ConfigError: There is no term of a weight's name.
    """
    rate, n_mels, settings = config.sample_rate, config.terms.mel.n_mels, config.terms.model_dump()
    terms: Mapping[str, SignalTerm | None] = {
        "coherence": _coherence(config, natural),
        "mel": MelLoss(sample_rate=rate, **settings["mel"]),
        "level": LevelLoss(sample_rate=rate, **settings["level"]),
        "lag": LagLoss(sample_rate=rate, **settings["lag"]),
        "noise_to_mask": NoiseToMaskLoss(sample_rate=rate, n_mels=n_mels, **settings["noise_to_mask"]),
        "movement": _movement(config, natural),
    }
    for name, weight in config.loss.items():
        if name not in (*terms, *ADVERSARIAL, HELD):
            raise ConfigError(f"loss.{name} = {weight}: there is no such term; there are {', '.join(terms)}")
    return {name: term for name, term in terms.items() if term}


def held_term(config: Config) -> HeldLoss | None:
    """None for a generator without gates, of which no term can ask what it does while they rest."""
    if config.generator.kind != "gated_bank":
        return None
    return HeldLoss(sample_rate=config.sample_rate, **config.terms.held.model_dump())


def _coherence(config: Config, natural: Natural | None) -> CoherenceLoss:
    settings = config.terms.coherence
    return CoherenceLoss(
        sample_rate=config.sample_rate,
        n_mels=config.terms.mel.n_mels,
        frame_lengths=settings.frame_lengths,
        floors=_coherence_floors(config, natural),
        shortfall=settings.shortfall,
    )


def _coherence_floors(config: Config, natural: Natural | None) -> Sequence[float | Sequence[float]]:
    """One floor per window of the coherence loss, or what is natural in each of its bands."""
    settings = config.terms.coherence
    above = settings.above_floors
    if settings.floors != "natural":
        return [floor + above for floor in settings.floors]
    windows = {str(length) for length in settings.frame_lengths}
    if (
        natural is None
        or natural.crop_samples != config.train.crop_samples
        or windows - set(natural.coherence)
    ):
        raise DataError(
            "terms.coherence.floors = natural: the pairs do not say what is natural at frame_lengths "
            f"{settings.frame_lengths} over {config.train.crop_samples} samples; run the stage preprocess "
            "again"
        )
    return [[floor + above for floor in natural.coherence[str(length)]] for length in settings.frame_lengths]


def _movement(config: Config, natural: Natural | None) -> MovementLoss | None:
    """None where it has no weight and the data do not say what is natural."""
    weight = config.loss["movement"]
    known = natural is not None and natural.crop_samples == config.train.crop_samples
    figures = list(natural.movement.values()) if natural and known else []
    times = config.terms.movement.times_natural
    targets = [None if value is None else value * by for value, by in zip(figures, times, strict=False)]
    if any(target is not None for target in targets):
        return MovementLoss(sample_rate=config.sample_rate, targets=targets)
    if weight and targets:
        raise ConfigError(
            f"loss.movement = {weight}: a crop of {config.train.crop_samples} samples is too short to tell "
            "how left and right move; lengthen train.crop_samples"
        )
    if weight:
        raise DataError(
            f"loss.movement = {weight}: the pairs do not say how recordings move over "
            f"{config.train.crop_samples} samples; run the stage preprocess again"
        )
    return None

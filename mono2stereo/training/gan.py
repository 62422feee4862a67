"""What one step of the GAN computes, from top to bottom: signals, losses, updates.

Plain functions on tensors, the same eager and traced; `training/step.py` traces and distributes them. All
losses are means over examples, and replicas have shares of one size: the mean over replicas of losses and
gradients is that of the whole batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import keras
import tensorflow as tf

from mono2stereo.config import ADVERSARIAL
from mono2stereo.losses.adversarial import (
    Outputs,
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
)
from mono2stereo.losses.held_loss import HeldLoss
from mono2stereo.losses.signal_terms import SignalTerm, signal_terms
from mono2stereo.losses.weighted_sum import weighted_sum
from mono2stereo.models.discriminators import Discriminator
from mono2stereo.models.mid_to_side import MidToSide
from mono2stereo.training.optimizer import AdamW

Figures = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Gan:
    """What takes part in a step.

    Attributes:
        model: Mid → side, trained.
        discriminator: None where no weight asks for one.
        terms: Loss terms between side and mid.
        weights: By term name; 0 means measured, not trained.
        generator_optimizer: For `model`.
        discriminator_optimizer: For `discriminator`.
        crop_samples: How many samples at the end of what `model` makes the losses see.
        held: A term of the model alone; None for a generator without gates.
    """

    model: MidToSide
    discriminator: Discriminator | None
    terms: Mapping[str, SignalTerm]
    weights: Mapping[str, float]
    generator_optimizer: AdamW
    discriminator_optimizer: AdamW | None
    crop_samples: int
    held: HeldLoss | None = None


class Signals(NamedTuple):
    """What the losses compare, each `(batch, crop)`, all three through the side's high-pass."""

    side: tf.Tensor
    mid: tf.Tensor
    real: tf.Tensor


class Judgement(NamedTuple):
    """What the discriminators make of real and of generated sides."""

    real: Outputs
    fake: Outputs


def train_step(gan: Gan, mid: tf.Tensor, real: tf.Tensor, *, judged: bool) -> Figures:
    """Update the discriminators, then the generator against them, on one batch.

    Args:
        gan: What takes part.
        mid: `(batch, clip)`.
        real: `(batch, crop)`.
        judged: Whether the discriminators take part.

    Returns:
        Scalars by name: losses as they were before the update that lowers them.
    """
    with tf.GradientTape() as tape:
        signals = signals_of(gan, mid, real)
        terms = measured_terms(gan, signals)
        figures: Figures = {}
        if judged:
            seen = apart(signals)
            with tape.stop_recording():
                judgement, figures = train_discriminator(gan, seen)
            terms |= terms_against_discriminator(gan, seen, judgement)
        loss = generator_loss(gan, terms)
    learning_rate = gan.generator_optimizer.learning_rate
    gradient_norm = update(gan.model, gan.generator_optimizer, loss, tape)
    return {
        **_term_figures(gan, loss, terms),
        **figures,
        "gradient_norm_generator": gradient_norm,
        "learning_rate": learning_rate,
    }


def measure_step(gan: Gan, mid: tf.Tensor, real: tf.Tensor, *, judged: bool) -> Figures:
    """The same figures without an update."""
    signals = signals_of(gan, mid, real)
    terms = measured_terms(gan, signals)
    figures: Figures = {}
    if judged:
        assert gan.discriminator is not None
        judgement = judge(gan.discriminator, apart(signals))
        loss = discriminator_loss(real=judgement.real, fake=judgement.fake)
        terms |= {
            "adversarial": adversarial_loss(judgement.fake),
            "feature_matching": feature_matching_loss(real=judgement.real, fake=judgement.fake),
        }
        figures = _judgement_figures(gan.discriminator, loss, judgement)
    return _term_figures(gan, generator_loss(gan, terms), terms) | figures


def signals_of(gan: Gan, mid: tf.Tensor, real: tf.Tensor) -> Signals:
    """Generate a side for mid `(batch, clip)`; real is `(batch, crop)`."""
    model, crop = gan.model, gan.crop_samples
    return Signals(
        side=model(mid)[:, -crop:],
        mid=model.highpass(mid[:, model.span(mid.shape[-1])])[:, -crop:],
        real=model.highpass(real),
    )


def measured_terms(gan: Gan, signals: Signals) -> dict[str, tf.Tensor]:
    """All that take no discriminator."""
    terms = signal_terms(gan.terms, side=signals.side, mid=signals.mid)
    if gan.held:
        response, impulse = gan.model.response_at_rest()
        terms["held"] = gan.held(response=response, impulse=impulse)
    return terms


def apart(signals: Signals) -> Signals:
    """The same for the discriminators alone.

    `train.precision: bfloat16` spreads from their convolutions through all that only moves numbers, and would
    round the very side that the loss terms measure, 55 dB below it. It does not spread through a roll.
    """
    return Signals(*(tf.roll(signal, 0, 0) for signal in signals))


def train_discriminator(gan: Gan, signals: Signals) -> tuple[Judgement, Figures]:
    """One update of the discriminators; returns what they said before it."""
    assert gan.discriminator is not None
    assert gan.discriminator_optimizer is not None
    with tf.GradientTape() as tape:
        judgement = judge(gan.discriminator, signals, training=True)
        loss = discriminator_loss(real=judgement.real, fake=judgement.fake)
    gradient_norm = update(gan.discriminator, gan.discriminator_optimizer, loss, tape)
    figures = _judgement_figures(gan.discriminator, loss, judgement)
    return judgement, figures | {"gradient_norm_discriminator": gradient_norm}


def judge(discriminator: Discriminator, signals: Signals, *, training: bool = False) -> Judgement:
    """Real and generated side through the discriminators, as one batch."""
    sides, mids = (
        tf.concat(both, axis=0) for both in ((signals.real, signals.side), (signals.mid, signals.mid))
    )
    outputs = discriminator(sides, mids, training=training)
    return Judgement(real=_half(outputs, 0), fake=_half(outputs, 1))


def terms_against_discriminator(gan: Gan, signals: Signals, before: Judgement) -> dict[str, tf.Tensor]:
    """What the discriminators ask of the generator after their update.

    Feature matching that is not trained is measured on what they said `before` it, of real and fake alike,
    and costs nothing.
    """
    assert gan.discriminator is not None
    fake = gan.discriminator(signals.side, signals.mid)
    matched = before
    if gan.weights.get("feature_matching"):
        matched = Judgement(real=gan.discriminator(signals.real, signals.mid), fake=fake)
    return {
        "adversarial": adversarial_loss(fake),
        "feature_matching": feature_matching_loss(real=matched.real, fake=matched.fake),
    }


def generator_loss(gan: Gan, terms: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """The weighted sum; of the signal terms alone where the discriminators take no part."""
    weights = {
        name: weight for name, weight in gan.weights.items() if name in terms or name not in ADVERSARIAL
    }
    return weighted_sum(terms, weights)


def update(network: keras.Model, optimizer: AdamW, loss: tf.Tensor, tape: tf.GradientTape) -> tf.Tensor:
    """Descend from `loss`, which `tape` recorded; returns the gradient's norm."""
    variables = network.trainable_variables
    # What a loss does not reach stays: held notes alone leave out the first gates' kernel.
    gradients = [
        tf.zeros(variable.shape, variable.dtype) if gradient is None else gradient
        for gradient, variable in zip(tape.gradient(loss, variables), variables, strict=True)
    ]
    gradients = mean_over_replicas(gradients)
    optimizer.apply(gradients)
    return tf.linalg.global_norm(gradients)


def mean_over_replicas(values: list[tf.Tensor]) -> list[tf.Tensor]:
    """Of each; in the context of one replica, or outside of any strategy."""
    replica = tf.distribute.get_replica_context()
    return values if replica.num_replicas_in_sync == 1 else replica.all_reduce("mean", values)


def _half(both: Outputs, half: int) -> Outputs:
    return [
        (tf.split(logits, 2, axis=0)[half], [tf.split(feature_map, 2, axis=0)[half] for feature_map in maps])
        for logits, maps in both
    ]


def _term_figures(gan: Gan, loss: tf.Tensor, terms: Mapping[str, tf.Tensor]) -> Figures:
    weights = gan.weights
    weighted = {f"weighted_{name}": weights[name] * terms[name] for name in terms if name in weights}
    return {"total": loss, **terms, **weighted}


def _judgement_figures(discriminator: Discriminator, loss: tf.Tensor, judgement: Judgement) -> Figures:
    figures = {"discriminator": loss}
    for kind, outputs in judgement._asdict().items():
        for branch, (logits, _) in zip(discriminator.branches, outputs, strict=True):
            figures[f"d_{kind}_{branch.name}"] = tf.reduce_mean(logits)
    return figures

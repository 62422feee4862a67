"""One step of the GAN: the discriminators first, then the generator. Traced once."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

from mono2stereo.losses.adversarial import (
    Outputs,
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
)
from mono2stereo.losses.signal_terms import SignalTerms
from mono2stereo.losses.weighted_sum import weighted_sum
from mono2stereo.models.discriminator_tables import BRANCHES
from mono2stereo.models.discriminators import Discriminator
from mono2stereo.models.mid_to_side import MidToSide
from mono2stereo.training.optimizer import AdamW

ADVERSARIAL = ("adversarial", "feature_matching")  # the terms that ask for discriminators


class GanStep:
    """Updates generator and discriminators on one batch, and measures both on others.

    Made in the scope of a distribution strategy, it updates every replica on its share of the batch. All
    losses are means over examples and all shares are of one size, so that the mean over replicas of losses
    and gradients is that of the whole batch.

    Args:
        model: Mid → side, trained.
        discriminator: None where no weight asks for one.
        terms: Loss terms between side and mid.
        weights: By term name; 0 means measured, not trained.
        generator_optimizer: For `model`.
        discriminator_optimizer: For `discriminator`.
        crop_samples: How many samples at the end of what `model` makes the losses see.
        discriminator_start_step: Updates of `model` alone before the discriminators join; a step takes a
            fraction of the time until then.
    """

    def __init__(
        self,
        *,
        model: MidToSide,
        discriminator: Discriminator | None,
        terms: SignalTerms,
        weights: Mapping[str, float],
        generator_optimizer: AdamW,
        discriminator_optimizer: AdamW | None,
        crop_samples: int,
        discriminator_start_step: int = 0,
    ) -> None:
        self.model = model
        self.discriminator = discriminator
        self.terms = terms
        self.weights = dict(weights)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.crop_samples = crop_samples
        self.discriminator_start_step = discriminator_start_step
        self._names: dict[str, list[str]] = {}
        self._strategy = tf.distribute.get_strategy()
        self._train = tf.function(
            lambda *signals, judged: self._strategy.run(
                lambda *shares: self._train_step(*shares, judged=judged), signals
            )
        )
        self._measure = tf.function(self._measure_step)

    @property
    def steps_done(self) -> int:
        """Updates so far, those of a restored state included."""
        return self.generator_optimizer.steps_done

    @property
    def variables(self) -> list[keras.Variable]:
        """All that a resumed run needs, in a fixed order."""
        parts = (self.model, self.generator_optimizer, self.discriminator, self.discriminator_optimizer)
        return [variable for part in parts if part is not None for variable in part.variables]

    def train(self, mid: tf.Tensor, real: tf.Tensor) -> dict[str, float]:
        """One update on mid `(batch, clip)` and real `(batch, crop)`; returns what was measured.

        Under a strategy both are values by replica, and what was measured is the mean over all of them.
        """
        judged = self._judged(self.steps_done)
        (figures, *_) = self._strategy.experimental_local_results(self._train(mid, real, judged=judged))
        return self._named("train", figures, judged)

    def measure(self, mid: tf.Tensor, real: tf.Tensor) -> dict[str, float]:
        """The same figures without an update; on one replica."""
        judged = self._judged(max(0, self.steps_done - 1))  # as the update before was
        return self._named("measure", self._measure(mid, real, judged=judged), judged)

    def _judged(self, steps_done: int) -> bool:
        """Whether the discriminators take part in the step after so many."""
        return self.discriminator is not None and steps_done >= self.discriminator_start_step

    def _weights(self, judged: bool) -> dict[str, float]:
        return {name: w for name, w in self.weights.items() if judged or name not in ADVERSARIAL}

    def _named(self, kind: str, values: tf.Tensor, judged: bool) -> dict[str, float]:
        return dict(zip(self._names[f"{kind}, {judged=}"], values.numpy().tolist(), strict=True))

    def _pack(self, kind: str, figures: dict[str, tf.Tensor], judged: bool) -> tf.Tensor:
        """One vector, so that reading a step's figures waits for the device once."""
        self._names[f"{kind}, {judged=}"] = list(figures)
        return tf.stack([tf.cast(value, keras.backend.floatx()) for value in figures.values()])

    def _signals(self, mid: tf.Tensor, real: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Generated side, mid and real, each `(batch, crop)`, all three through the side's high-pass."""
        model, crop = self.model, self.crop_samples
        span = model.span(mid.shape[-1])
        return (
            model(mid)[:, -crop:],
            model.highpass(mid[:, span])[:, -crop:],
            model.highpass(real),
        )

    def _train_step(self, mid: tf.Tensor, real: tf.Tensor, *, judged: bool) -> tf.Tensor:
        with tf.GradientTape() as tape:
            side, mid, real = self._signals(mid, real)
            terms = self.terms(side=side, mid=mid)
            side, mid, real = map(_apart, (side, mid, real))
            figures: dict[str, tf.Tensor] = {}
            if judged:
                assert self.discriminator is not None
                with tape.stop_recording():
                    real_outputs, figures = self._update_discriminator(side, real, mid)
                fake_outputs = self.discriminator(side, mid)
                if self.weights.get("feature_matching"):
                    real_outputs = self.discriminator(real, mid)
                terms |= _adversarial_terms(real=real_outputs, fake=fake_outputs)
            total = weighted_sum(terms, self._weights(judged))
        variables = self.model.trainable_variables
        gradients = _mean_over_replicas(tape.gradient(total, variables))
        learning_rate = self.generator_optimizer.learning_rate
        self.generator_optimizer.apply(gradients)
        figures |= {
            "gradient_norm_generator": tf.linalg.global_norm(gradients),
            "learning_rate": learning_rate,
        }
        (packed,) = _mean_over_replicas([self._pack("train", self._figures(total, terms) | figures, judged)])
        return packed

    def _update_discriminator(
        self, side: tf.Tensor, real: tf.Tensor, mid: tf.Tensor
    ) -> tuple[Outputs, dict[str, tf.Tensor]]:
        assert self.discriminator is not None
        assert self.discriminator_optimizer is not None
        with tf.GradientTape() as tape:
            real_outputs, fake_outputs = self._judge(real, side, mid, training=True)
            loss = discriminator_loss(real=real_outputs, fake=fake_outputs)
        variables = self.discriminator.trainable_variables
        gradients = _mean_over_replicas(tape.gradient(loss, variables))
        self.discriminator_optimizer.apply(gradients)
        figures = _discriminator_figures(loss, real_outputs, fake_outputs)
        return real_outputs, figures | {"gradient_norm_discriminator": tf.linalg.global_norm(gradients)}

    def _judge(
        self, real: tf.Tensor, side: tf.Tensor, mid: tf.Tensor, *, training: bool
    ) -> tuple[Outputs, Outputs]:
        """Real and generated side through the discriminators in one batch."""
        assert self.discriminator is not None
        both = self.discriminator(
            tf.concat([real, side], axis=0), tf.concat([mid, mid], axis=0), training=training
        )
        halves = [
            [tf.split(logits, 2, axis=0), *(tf.split(x, 2, axis=0) for x in maps)] for logits, maps in both
        ]
        real_outputs, fake_outputs = (
            [(tensors[0][half], [tensor[half] for tensor in tensors[1:]]) for tensors in halves]
            for half in (0, 1)
        )
        return real_outputs, fake_outputs

    def _measure_step(self, mid: tf.Tensor, real: tf.Tensor, *, judged: bool) -> tf.Tensor:
        side, mid, real = self._signals(mid, real)
        terms = self.terms(side=side, mid=mid)
        side, mid, real = map(_apart, (side, mid, real))
        figures: dict[str, tf.Tensor] = {}
        if judged:
            real_outputs, fake_outputs = self._judge(real, side, mid, training=False)
            terms |= _adversarial_terms(real=real_outputs, fake=fake_outputs)
            loss = discriminator_loss(real=real_outputs, fake=fake_outputs)
            figures = _discriminator_figures(loss, real_outputs, fake_outputs)
        return self._pack(
            "measure", self._figures(weighted_sum(terms, self._weights(judged)), terms) | figures, judged
        )

    def _figures(self, total: tf.Tensor, terms: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        weighted = {
            f"weighted_{name}": self.weights[name] * term
            for name, term in terms.items()
            if name in self.weights
        }
        return {"total": total, **terms, **weighted}


def _apart(x: tf.Tensor) -> tf.Tensor:
    """The same for the discriminators alone.

    `train.precision: bfloat16` spreads from their convolutions through all that only moves numbers, and would
    round the very side that the loss terms measure, 55 dB below it. It does not spread through a roll.
    """
    return tf.roll(x, 0, 0)


def _mean_over_replicas(values: list[tf.Tensor]) -> list[tf.Tensor]:
    """Of each; in the context of one replica."""
    replica = tf.distribute.get_replica_context()
    return values if replica.num_replicas_in_sync == 1 else replica.all_reduce("mean", values)


def _adversarial_terms(*, real: Outputs, fake: Outputs) -> dict[str, tf.Tensor]:
    return {
        "adversarial": adversarial_loss(fake),
        "feature_matching": feature_matching_loss(real=real, fake=fake),
    }


def _discriminator_figures(loss: tf.Tensor, real: Outputs, fake: Outputs) -> dict[str, tf.Tensor]:
    figures = {"discriminator": loss}
    for kind, outputs in (("real", real), ("fake", fake)):
        for branch, (logits, _) in zip(BRANCHES, outputs, strict=True):
            figures[f"d_{kind}_{branch}"] = tf.reduce_mean(logits)
    return figures

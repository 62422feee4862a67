"""The GAN's step as the loop calls it: traced once, on every device, its figures as plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from mono2stereo.training.gan import Figures, Gan, mean_over_replicas, measure_step, train_step


class GanStep:
    """Updates generator and discriminators on one batch, and measures both on others.

    Made in the scope of a distribution strategy, it updates every replica on its share of the batch.

    Args:
        gan: What takes part.
        discriminator_start_step: Updates of the generator alone before the discriminators join; a step takes
            a fraction of the time until then.
    """

    def __init__(self, gan: Gan, *, discriminator_start_step: int = 0) -> None:
        self.gan = gan
        self.discriminator_start_step = discriminator_start_step
        strategy = tf.distribute.get_strategy()
        self._train = _Traced(lambda *signals, judged: train_step(gan, *signals, judged=judged), strategy)
        self._measure = _Traced(lambda *signals, judged: measure_step(gan, *signals, judged=judged))

    @property
    def steps_done(self) -> int:
        """Updates so far, those of a restored state included."""
        return self.gan.generator_optimizer.steps_done

    @property
    def variables(self) -> dict[str, keras.Variable]:
        """All that a resumed run needs, by name."""
        gan = self.gan
        parts: dict[str, Any] = {
            "generator": gan.model,
            "generator_optimizer": gan.generator_optimizer,
            "discriminator": gan.discriminator,
            "discriminator_optimizer": gan.discriminator_optimizer,
        }
        named: dict[str, keras.Variable] = {}
        for part, owner in parts.items():
            for variable in owner.variables if owner is not None else ():
                name = f"{part}/{variable.path}"
                assert name not in named, f"two variables are called {name}: give their layers names"
                named[name] = variable
        return named

    def train(self, mid: tf.Tensor, real: tf.Tensor) -> dict[str, float]:
        """One update on mid `(batch, clip)` and real `(batch, crop)`; returns what was measured.

        Under a strategy both are values by replica, and what was measured is the mean over all of them.
        """
        return self._train(mid, real, judged=self._judged(self.steps_done))

    def measure(self, mid: tf.Tensor, real: tf.Tensor) -> dict[str, float]:
        """The same figures without an update; on one replica."""
        return self._measure(
            mid, real, judged=self._judged(max(0, self.steps_done - 1))
        )  # as the update before

    def _judged(self, steps_done: int) -> bool:
        """Whether the discriminators take part in the step after so many."""
        return self.gan.discriminator is not None and steps_done >= self.discriminator_start_step


class _Traced:
    """A function of a batch that returns scalars by name, as a graph on every replica.

    The scalars leave the graph as one vector, so that reading them waits for the device once.
    """

    def __init__(
        self, function: Callable[..., Figures], strategy: tf.distribute.Strategy | None = None
    ) -> None:
        self._function = function
        self._strategy = strategy
        self._names: dict[bool, list[str]] = {}
        # No branch depends on a tensor: rewriting all code as if it might takes a third of the time to trace.
        self._graph = tf.function(self._run, autograph=False)

    def __call__(self, mid: tf.Tensor, real: tf.Tensor, *, judged: bool) -> dict[str, float]:
        values = self._graph(mid, real, judged=judged)
        if self._strategy:
            values = self._strategy.experimental_local_results(values)[0]
        return dict(zip(self._names[judged], values.numpy().tolist(), strict=True))

    def _run(self, mid: tf.Tensor, real: tf.Tensor, *, judged: bool) -> tf.Tensor:
        def packed(mid: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
            figures = self._function(mid, real, judged=judged)
            self._names[judged] = list(figures)
            vector = tf.stack([tf.cast(value, keras.backend.floatx()) for value in figures.values()])
            return mean_over_replicas([vector])[0] if self._strategy else vector

        return self._strategy.run(packed, (mid, real)) if self._strategy else packed(mid, real)

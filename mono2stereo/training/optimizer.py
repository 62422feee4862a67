"""AdamW on TensorFlow's fused kernel: far fewer passes over the weights than Keras' optimiser takes."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    Under a distribution strategy every replica updates its own copy, by gradients that are the same for all:
    plain resource operations do so, where a variable's `assign` would ask all replicas what to do.

    Epsilon is added to the root of the uncorrected second moment (ε̂ of Kingma & Ba 2015, section 2).

    Args:
        variables: What is trained.
        learning_rate: Of the first step.
        decay_rate: The learning rate is multiplied by it …
        decay_every: … every so many steps.
        beta_1: Of the mean of gradients.
        beta_2: Of the mean of their squares.
        weight_decay: Per step, times the learning rate.
        epsilon: Keeps the quotient finite.
    """

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        *,
        learning_rate: float,
        decay_rate: float = 1.0,
        decay_every: int = 1,
        beta_1: float = 0.8,
        beta_2: float = 0.99,
        weight_decay: float = 0.01,
        epsilon: float = 1e-8,
    ) -> None:
        self._trained = list(variables)
        self._schedule = keras.optimizers.schedules.ExponentialDecay(
            learning_rate, decay_every, decay_rate, staircase=True
        )
        self._betas = (beta_1, beta_2)
        self._weight_decay = weight_decay
        self._epsilon = epsilon
        self._iteration = keras.Variable(0, dtype="int64", trainable=False, name="iteration")
        self._means, self._squares = (
            [
                keras.Variable(
                    tf.zeros(v.shape, v.dtype), trainable=False, name=f"{v.path.replace('/', '.')}.{kind}"
                )
                for v in self._trained
            ]
            for kind in ("mean", "square")
        )

    @property
    def variables(self) -> list[keras.Variable]:
        """The optimiser's own state, each named after what it belongs to."""
        return [self._iteration, *self._means, *self._squares]

    @property
    def learning_rate(self) -> tf.Tensor:
        """Of the next step."""
        dtype = self._trained[0].dtype
        return tf.cast(self._schedule(tf.cast(self._iteration.value, dtype)), dtype)

    @property
    def steps_done(self) -> int:
        """Updates so far, those of a restored state included."""
        return int(self._iteration.numpy())

    def apply(self, gradients: Sequence[tf.Tensor]) -> None:
        """One update of all variables."""
        rate = self.learning_rate
        tf.raw_ops.AssignAddVariableOp(resource=self._iteration.handle, value=tf.constant(1, tf.int64))
        step = tf.cast(self._iteration.value, rate.dtype)
        beta_1, beta_2 = self._betas
        powers = [tf.pow(tf.constant(beta, rate.dtype), step) for beta in (beta_1, beta_2)]
        for variable, mean, square, gradient in zip(
            self._trained, self._means, self._squares, gradients, strict=True
        ):
            decayed = variable * (1.0 - rate * self._weight_decay)
            tf.raw_ops.AssignVariableOp(resource=variable.handle, value=decayed)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=rate,
                beta1=beta_1,
                beta2=beta_2,
                epsilon=self._epsilon,
                grad=gradient,
            )

"""One update of the full-width discriminators' weights: our AdamW beside Keras'."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.compare import Candidate, record, rows, size, time_in_turn
from benchmarks.gan_step import keras_adamw


def update(*, stock: bool) -> Callable[[], object]:
    """An update by constant gradients."""
    import tensorflow as tf

    from mono2stereo.models.discriminators import Discriminator
    from mono2stereo.training.optimizer import AdamW

    variables = Discriminator(width=size(1.0, 1 / 16)).trainable_variables
    gradients = [0.01 * tf.random.normal(variable.shape) for variable in variables]
    optimizer = keras_adamw(variables) if stock else AdamW(variables, learning_rate=2e-4)
    return tf.function(lambda: optimizer.apply(gradients))


def main() -> None:
    """Time, print and record."""
    candidates = {
        name: Candidate("benchmarks.optimizer:update", {"stock": stock})
        for name, stock in (("ours", False), ("keras", True))
    }
    record(rows("optimizer/full", time_in_turn(candidates, rounds=9)))


if __name__ == "__main__":
    main()

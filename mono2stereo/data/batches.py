"""Clips as a tf.data pipeline that runs beside the training step."""

from __future__ import annotations

import tensorflow as tf

from mono2stereo.data.clips import ClipDrawer


def batches(drawer: ClipDrawer, *, seed: int, steps: range, batch_size: int) -> tf.data.Dataset:
    """One `(mid, real)` batch for each of `steps`, in their order, two drawn ahead.

    Yields:
        mid `(batch, clip_samples)` and real `(batch, span)`, float32.
    """
    span = drawer.real_span.stop - drawer.real_span.start

    def draw(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mid, real = tf.numpy_function(
            lambda number: drawer.batch(seed, int(number), batch_size), [step], (tf.float32, tf.float32)
        )
        mid.set_shape((batch_size, drawer.clip_samples))
        real.set_shape((batch_size, span))
        return mid, real

    return tf.data.Dataset.range(steps.start, steps.stop).map(draw).prefetch(2)

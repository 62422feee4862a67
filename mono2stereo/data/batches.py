"""Clips as a tf.data pipeline that runs beside the training step."""

from __future__ import annotations

import keras
import tensorflow as tf

from mono2stereo.data.clips import ClipDrawer


def batches(drawer: ClipDrawer, *, seed: int, steps: range, places: range) -> tf.data.Dataset:
    """One `(mid, real)` batch for each of `steps`, in their order, two drawn ahead.

    Args:
        drawer: Draws the clips.
        seed: Of all draws.
        steps: Which batches.
        places: Which clips of each: those that this process computes.

    Yields:
        mid `(places, clip_samples)` and real `(places, span)`, of Keras' float type.
    """
    span = drawer.real_span.stop - drawer.real_span.start

    def draw(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mid, real = tf.numpy_function(
            lambda number: drawer.batch(seed, int(number), places), [step], (tf.float32, tf.float32)
        )
        mid.set_shape((len(places), drawer.clip_samples))
        real.set_shape((len(places), span))
        dtype = keras.backend.floatx()
        return tf.cast(mid, dtype), tf.cast(real, dtype)

    return tf.data.Dataset.range(steps.start, steps.stop).map(draw).prefetch(2)

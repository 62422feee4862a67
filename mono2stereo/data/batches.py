"""Clips as a tf.data pipeline that runs beside the training step."""

from __future__ import annotations

import keras
import tensorflow as tf

from mono2stereo.data.clips import ClipDrawer


def batches(
    drawer: ClipDrawer, *, seed: int, steps: range, batch_size: int, share: range | None = None
) -> tf.data.Dataset:
    """One `(mid, real)` batch for each of `steps`, in their order, two drawn ahead.

    Args:
        drawer: Draws the clips.
        seed: Of all draws.
        steps: Which batches.
        batch_size: Of the whole batch.
        share: The places in it that this process computes; by default all.

    Yields:
        mid `(share, clip_samples)` and real `(share, span)`, of Keras' float type.
    """
    share = range(batch_size) if share is None else share
    span = drawer.real_span.stop - drawer.real_span.start

    def draw(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mid, real = tf.numpy_function(
            lambda number: drawer.batch(seed, int(number), batch_size, share),
            [step],
            (tf.float32, tf.float32),
        )
        mid.set_shape((len(share), drawer.clip_samples))
        real.set_shape((len(share), span))
        dtype = keras.backend.floatx()
        return tf.cast(mid, dtype), tf.cast(real, dtype)

    return tf.data.Dataset.range(steps.start, steps.stop).map(draw).prefetch(2)

"""Lagged correlation between mid and side: an echo decorrelates at lag 0 and is heard all the same."""

from __future__ import annotations

import tensorflow as tf

from mono2stereo.losses.spectra import Spectra


class LagLoss:
    """Mean over the batch of the largest |normalised cross-correlation| within ±`max_lag_seconds`.

    Less a floor, at least 0.

    Args:
        sample_rate: In Hz.
        max_lag_seconds: How late an echo may come and still count.
        floor: Correlation below which less earns nothing.
    """

    def __init__(self, *, sample_rate: int, max_lag_seconds: float, floor: float = 0.0) -> None:
        self.max_lag_samples = round(max_lag_seconds * sample_rate)
        self.floor = floor

    def __call__(self, *, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        """Scalar in 0…1."""
        x, y = reference.waveform, estimate.waveform
        lags = self.max_lag_samples
        size = 1 << int(x.shape[-1] + lags - 1).bit_length()
        cross = tf.signal.irfft(tf.signal.rfft(x, [size]) * tf.math.conj(tf.signal.rfft(y, [size])), [size])
        cross = tf.concat([cross[:, -lags:], cross[:, : lags + 1]], axis=-1)
        energies = tf.reduce_sum(tf.square(x), axis=-1) * tf.reduce_sum(tf.square(y), axis=-1)
        largest = tf.reduce_max(tf.abs(cross), axis=-1) * tf.math.rsqrt(energies + 1e-20)
        return tf.reduce_mean(tf.nn.relu(largest - self.floor))

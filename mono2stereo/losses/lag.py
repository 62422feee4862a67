"""Lagged correlation between mid and side: an echo decorrelates at lag 0 and is heard all the same."""

from __future__ import annotations

from typing import Literal

import tensorflow as tf

from mono2stereo.losses.spectra import Spectra


class LagLoss:
    """Mean over the batch of the largest |normalised cross-correlation| within ±`max_lag_seconds`.

    Args:
        sample_rate: In Hz.
        max_lag_seconds: How late an echo may come and still count.
        floor: Correlation below which less earns nothing; "own" for that of each example's own side.
    """

    def __init__(
        self, *, sample_rate: int, max_lag_seconds: float, floor: float | Literal["own"] = 0.0
    ) -> None:
        self.max_lag_samples = round(max_lag_seconds * sample_rate)
        self._floor = floor

    def __call__(self, *, estimate: Spectra, reference: Spectra, own: Spectra | None = None) -> tf.Tensor:
        """Scalar in 0…1; arguments as for `CoherenceLoss`."""
        floor: float | tf.Tensor
        if self._floor == "own":
            assert own is not None
            floor = tf.stop_gradient(self._largest(own, reference))
        else:
            floor = self._floor
        return tf.reduce_mean(tf.nn.relu(self._largest(estimate, reference) - floor))

    def _largest(self, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        """`(batch,)`."""
        x, y = reference.waveform, estimate.waveform
        lags = self.max_lag_samples
        size = 1 << int(x.shape[-1] + lags - 1).bit_length()
        cross = tf.signal.irfft(tf.signal.rfft(x, [size]) * tf.math.conj(tf.signal.rfft(y, [size])), [size])
        cross = tf.concat([cross[:, -lags:], cross[:, : lags + 1]], axis=-1)
        energies = tf.reduce_sum(tf.square(x), axis=-1) * tf.reduce_sum(tf.square(y), axis=-1)
        return tf.reduce_max(tf.abs(cross), axis=-1) * tf.math.rsqrt(energies + 1e-20)

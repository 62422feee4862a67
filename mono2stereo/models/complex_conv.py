"""Grouped convolution of complex signals, real and imaginary parts interleaved."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mono2stereo.models.grouped_conv import GroupedConv1D

START_DECAY_DB = 30.0


@keras.saving.register_keras_serializable("mono2stereo")
class ComplexConv1D(GroupedConv1D):
    """`GroupedConv1D` whose kernel turns and scales: [[a, b], [−b, a]] from (re, im) to (re, im) at each tap.

    f(e^{iφ}·x) = e^{iφ}·f(x): what comes in at another phase comes out at that phase. Without a bias.

    Starts as noise that decays by 30 dB over its taps, as much power out as in: what is heard late smears.

    Args:
        filters: Complex outputs; channels out are twice as many.
        kernel_size: Taps.
        **options: Of `GroupedConv1D`.
    """

    def __init__(self, filters: int, kernel_size: int, **options: Any) -> None:
        super().__init__(2 * filters, kernel_size, **{**options, "use_bias": False})

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        assert channels is not None
        inputs = channels // (2 * self.groups)
        decay = 10 ** (-START_DECAY_DB / 20 * np.arange(self.kernel_size) / self.kernel_size)
        deviation = decay / np.sqrt(2 * inputs * np.sum(decay**2))  # of re and im
        noise = keras.initializers.RandomNormal(stddev=1.0)
        self.taps = self.add_weight(
            name="taps",
            shape=(self.kernel_size, inputs, self.filters // 2, 2),
            initializer=lambda shape, dtype: noise(shape, dtype) * deviation[::-1, None, None, None],
        )

    @property
    def kernel(self) -> tf.Tensor:
        """The real kernel that it is equal to, (taps, 2·inputs, 2·filters)."""
        a, b = tf.unstack(tf.convert_to_tensor(self.taps), axis=-1)
        from_real, from_imaginary = tf.stack([a, b], axis=-1), tf.stack([-b, a], axis=-1)
        stacked = tf.stack([from_real, from_imaginary], axis=2)
        return tf.reshape(stacked, (self.kernel_size, -1, self.filters))

    def assign_kernel(self, kernel: np.ndarray) -> None:
        from_real = kernel.reshape(self.kernel_size, -1, 2, self.filters // 2, 2)[:, :, 0]
        self.taps.assign(from_real)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters // 2}

"""A one-dimensional convolution with groups and true weight or spectral normalisation.

One layer serves the generator and all eight discriminator branches. Grouped convolutions run as one plain
convolution per group: on a CPU the native grouped operation's backward pass is tens of times slower.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import tensorflow as tf

Normalization = Literal["weight", "spectral"]


def grouped_conv1d(x: tf.Tensor, kernel: tf.Tensor, *, strides: int = 1, groups: int = 1) -> tf.Tensor:
    """Convolve without padding, group by group.

    Args:
        x: `(batch, time, channels)`.
        kernel: `(taps, channels / groups, filters)`.
        strides: Hop along time.
        groups: Divides channels and filters.

    Returns:
        `(batch, (time - taps) // strides + 1, filters)`, equal to `keras.layers.Conv1D(groups=groups)`.
    """
    if groups == 1:
        return tf.nn.conv1d(x, kernel, strides, "VALID")
    parts = zip(tf.split(x, groups, axis=-1), tf.split(kernel, groups, axis=-1), strict=True)
    return tf.concat([tf.nn.conv1d(a, b, strides, "VALID") for a, b in parts], axis=-1)


@keras.saving.register_keras_serializable("mono2stereo")
class GroupedConv1D(keras.layers.Layer):
    """Conv1D with groups, symmetric zero padding and reparametrised weights.

    `normalization="weight"`: kernel = g · v/‖v‖ per filter (Salimans & Kingma 2016).
    `normalization="spectral"`: kernel / σ₁, one power iteration per training call (Miyato et al. 2018).

    Args:
        filters: Output channels; a multiple of `groups`.
        kernel_size: Taps.
        strides: Hop along time.
        groups: Divides the input's channels too.
        padding: Zeros on *each* side, as in PyTorch; Keras' "same" is lopsided with strides.
        use_bias: Whether a bias is added.
        normalization: None, "weight" or "spectral".
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        strides: int = 1,
        groups: int = 1,
        padding: int = 0,
        use_bias: bool = True,
        normalization: Normalization | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if filters % groups:
            raise ValueError(f"filters = {filters} is no multiple of groups = {groups}")
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.groups = groups
        self.padding = padding
        self.use_bias = use_bias
        self.normalization = normalization

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        if channels is None or channels % self.groups:
            raise ValueError(f"channels = {channels} is no multiple of groups = {self.groups}")
        fan_in = self.kernel_size * channels // self.groups
        # He et al. 2015 with the gain of PyTorch's default for discriminators, of ReLU for the generator.
        scale = 1 / 3 if self.normalization else 2.0
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, channels // self.groups, self.filters),
            initializer=keras.initializers.RandomUniform(
                -math.sqrt(3 * scale / fan_in), math.sqrt(3 * scale / fan_in)
            ),
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        if self.normalization == "weight":
            self.gain = self.add_weight(name="gain", shape=(self.filters,), initializer="ones")
            self.gain.assign(tf.norm(tf.reshape(self.kernel, (-1, self.filters)), axis=0))
        if self.normalization == "spectral":
            self.u = self.add_weight(
                name="u", shape=(1, self.filters), initializer="random_normal", trainable=False
            )

    def effective_kernel(self, *, training: bool = False) -> tf.Tensor:
        """The kernel the convolution uses: the raw one, normalised. `(taps, channels/groups, filters)`."""
        kernel = tf.convert_to_tensor(self.kernel)
        if self.normalization is None:
            return kernel
        matrix = tf.reshape(kernel, (-1, self.filters))
        if self.normalization == "weight":
            return kernel * (self.gain * tf.math.rsqrt(tf.reduce_sum(tf.square(matrix), axis=0)))
        fixed = tf.stop_gradient(matrix)
        u = tf.convert_to_tensor(self.u)
        if training:
            u = tf.math.l2_normalize(tf.matmul(tf.matmul(u, fixed, transpose_b=True), fixed))
            self.u.assign(u)
        v = tf.math.l2_normalize(tf.matmul(u, fixed, transpose_b=True))
        return kernel / tf.reduce_sum(tf.matmul(v, matrix) * tf.math.l2_normalize(u))

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        if self.padding:
            x = tf.pad(x, ((0, 0), (self.padding, self.padding), (0, 0)))
        kernel = self.effective_kernel(training=training)
        x = grouped_conv1d(x, kernel, strides=self.strides, groups=self.groups)
        return x + self.bias if self.use_bias else x

    def get_config(self) -> dict[str, Any]:
        keys = ("filters", "kernel_size", "strides", "groups", "padding", "use_bias", "normalization")
        return {**super().get_config(), **{key: getattr(self, key) for key in keys}}

"""A one-dimensional convolution with groups and true weight or spectral normalisation.

One layer serves the generator and all eight discriminator branches. Grouped convolutions run as one plain
convolution per group: on a CPU the native grouped operation's backward pass is tens of times slower.
Normalised kernels are never formed: their scale multiplies the output, which is smaller.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import tensorflow as tf

# Where the matrix product wins over the convolution, both measured forward and backward on a CPU
# (docs/decisions): the convolution reorders the kernel before every call.
MATMUL_FROM_WEIGHTS = 2_000_000

Normalization = Literal["weight", "spectral"]


def grouped_conv1d(x: tf.Tensor, kernel: tf.Tensor, *, strides: int = 1, groups: int = 1) -> tf.Tensor:
    """Convolve without padding, in whichever way is quickest for the device and the shape.

    Args:
        x: `(batch, time, channels)`.
        kernel: `(taps, channels / groups, filters)`.
        strides: Hop along time.
        groups: Divides channels and filters.

    Returns:
        `(batch, (time - taps) // strides + 1, filters)`, equal to `keras.layers.Conv1D(groups=groups)`.
    """
    if groups == 1:
        if strides == 1 and math.prod(kernel.shape) >= MATMUL_FROM_WEIGHTS:
            return _conv1d_as_matmul(x, kernel)
        return tf.nn.conv1d(x, kernel, strides, "VALID")
    if tf.config.list_physical_devices("GPU"):
        return tf.nn.conv1d(x, kernel, strides, "VALID")
    per_group = kernel.shape[-1] // groups
    phases = 4 if per_group < 8 else 2 if strides > 1 and per_group <= 32 else 1
    if phases > 1:
        return _conv1d_in_phases(x, kernel, strides, groups, phases)
    return _conv1d_by_group(x, kernel, strides, groups)


def _conv1d_by_group(x: tf.Tensor, kernel: tf.Tensor, strides: int, groups: int) -> tf.Tensor:
    """One plain convolution per group.

    Images of height 1 and gradients written out: three operations a group keep the graph, and so the time
    until the first step, small.
    """

    @tf.custom_gradient
    def convolve(image: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
        images, kernels = tf.split(image, groups, axis=-1), tf.split(kernel, groups, axis=-1)
        parts = [tf.nn.conv2d(a, b, strides, "VALID") for a, b in zip(images, kernels, strict=True)]
        image_shape, kernel_shape = tf.shape(images[0]), tf.shape(kernels[0])
        options = {"strides": [1, 1, strides, 1], "padding": "VALID"}

        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            upstreams = tf.split(upstream, groups, axis=-1)
            to_image = [
                tf.raw_ops.Conv2DBackpropInput(input_sizes=image_shape, filter=b, out_backprop=dy, **options)
                for b, dy in zip(kernels, upstreams, strict=True)
            ]
            to_kernel = [
                tf.raw_ops.Conv2DBackpropFilter(
                    input=a, filter_sizes=kernel_shape, out_backprop=dy, **options
                )
                for a, dy in zip(images, upstreams, strict=True)
            ]
            return tf.concat(to_image, axis=-1), tf.concat(to_kernel, axis=-1)

        return tf.concat(parts, axis=-1), gradients

    return tf.squeeze(convolve(x[:, None], kernel[None]), 1)


def _conv1d_in_phases(x: tf.Tensor, kernel: tf.Tensor, strides: int, groups: int, phases: int) -> tf.Tensor:
    """One plain convolution per group, which makes `phases` consecutive frames at once.

    Time is folded into channels, `strides * phases` samples each, and the kernel is laid out once per phase:
    a few zeros in a long kernel buy channels enough to fill the processor's vectors.
    """
    batch, samples, channels = tf.shape(x)[0], tf.shape(x)[1], x.shape[2] // groups
    taps, _, filters = kernel.shape
    frames = (samples - taps) // strides + 1
    fold = strides * phases
    blocks, folded_taps = (frames + phases - 1) // phases, -(-(taps + strides * (phases - 1)) // fold)
    needed = (blocks + folded_taps - 1) * fold
    x = tf.pad(x[:, :needed], ((0, 0), (0, tf.maximum(needed - samples, 0)), (0, 0)))

    by_group = tf.reshape(kernel, (taps, channels, groups, filters // groups))
    rest = folded_taps * fold - taps
    shifted = [
        tf.pad(by_group, ((strides * phase, rest - strides * phase), (0, 0), (0, 0), (0, 0)))
        for phase in range(phases)
    ]
    kernels = tf.reshape(tf.stack(shifted, axis=3), (folded_taps, fold * channels, phases * filters))
    folded = tf.reshape(x, (batch, blocks + folded_taps - 1, fold, groups, channels))
    folded = tf.reshape(
        tf.transpose(folded, (0, 1, 3, 2, 4)), (batch, blocks + folded_taps - 1, groups * fold * channels)
    )
    made = _conv1d_by_group(folded, kernels, 1, groups)
    made = tf.reshape(made, (batch, blocks, groups, phases, filters // groups))
    return tf.reshape(tf.transpose(made, (0, 1, 3, 2, 4)), (batch, blocks * phases, filters))[:, :frames]


def _conv1d_as_matmul(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """One matrix product over all taps: no reordering of a large kernel, at the cost of copies of `x`."""
    taps, channels, filters = kernel.shape
    frames = tf.shape(x)[1] - taps + 1
    unfolded = tf.concat([x[:, tap : tap + frames] for tap in range(taps)], axis=-1)
    product = tf.matmul(
        tf.reshape(unfolded, (-1, taps * channels)), tf.reshape(kernel, (taps * channels, filters))
    )
    return tf.reshape(product, (-1, frames, filters))


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

    def scale(self, *, training: bool = False) -> tf.Tensor | None:
        """What the raw kernel is multiplied by: `(filters,)`, a scalar, or None without normalisation."""
        if self.normalization is None:
            return None
        kernel = tf.convert_to_tensor(self.kernel)
        if self.normalization == "weight":
            return self.gain / tf.math.reduce_euclidean_norm(kernel, axis=(0, 1))
        matrix = tf.reshape(kernel, (-1, self.filters))
        fixed = tf.stop_gradient(matrix)
        u = tf.convert_to_tensor(self.u)
        if training:
            u = tf.math.l2_normalize(tf.matmul(tf.matmul(u, fixed, transpose_b=True), fixed))
            self.u.assign(u)
        v = tf.math.l2_normalize(tf.matmul(u, fixed, transpose_b=True))
        return 1.0 / tf.reduce_sum(tf.matmul(v, matrix) * tf.math.l2_normalize(u))

    def effective_kernel(self, *, training: bool = False) -> tf.Tensor:
        """The normalised kernel that the layer is equal to, `(taps, channels/groups, filters)`."""
        kernel = tf.convert_to_tensor(self.kernel)
        scale = self.scale(training=training)
        return kernel if scale is None else kernel * scale

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        if self.padding:
            x = tf.pad(x, ((0, 0), (self.padding, self.padding), (0, 0)))
        scale = self.scale(training=training)
        kernel = tf.convert_to_tensor(self.kernel)
        x = grouped_conv1d(x, kernel, strides=self.strides, groups=self.groups)
        if scale is not None:
            x = x * scale
        return x + self.bias if self.use_bias else x

    def get_config(self) -> dict[str, Any]:
        keys = ("filters", "kernel_size", "strides", "groups", "padding", "use_bias", "normalization")
        return {**super().get_config(), **{key: getattr(self, key) for key in keys}}

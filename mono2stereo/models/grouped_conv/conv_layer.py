"""A one-dimensional convolution with groups and true weight or spectral normalisation: a Keras layer.

One layer serves the generator and all eight discriminator branches.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from mono2stereo.models.grouped_conv.conv_formulations import grouped_convolution
from mono2stereo.models.grouped_conv.group_major import Size, fit_time, regroup, time_of

Normalization = Literal["weight", "spectral"]
Padding = Literal["valid", "same", "causal"]


@keras.saving.register_keras_serializable("mono2stereo")
class GroupedConv1D(keras.layers.Layer):
    """`keras.layers.Conv1D` with groups that are quick on a CPU too, and reparametrised weights.

    `normalization="weight"`: kernel = g · v/‖v‖ per filter (Salimans & Kingma 2016).
    `normalization="spectral"`: kernel / σ₁, one power iteration per training call (Miyato et al. 2018).

    Takes `(batch, time, channels)` and returns `(batch, frames, filters)`, like Conv1D.

    Args:
        filters: Output channels; a multiple of `groups`.
        kernel_size: Taps.
        strides: Hop along time.
        groups: Divides the input's channels too.
        padding: "valid", "same" or "causal" as in Keras, or how many zeros on *each* side, as in PyTorch:
            Keras' "same" is lopsided with strides.
        dilation_rate: Samples between taps; with it, `strides` must be 1, as in Keras.
        use_bias: Whether a bias is added.
        normalization: None, "weight" or "spectral".
        negative_slope: Of a leaky ReLU at the end; 0 makes it a ReLU, None leaves it out.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        strides: int = 1,
        groups: int = 1,
        padding: Padding | int = "valid",
        dilation_rate: int = 1,
        use_bias: bool = True,
        normalization: Normalization | None = None,
        negative_slope: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if filters % groups:
            raise ValueError(f"filters = {filters} is no multiple of groups = {groups}")
        if strides > 1 and dilation_rate > 1:
            raise ValueError(
                f"strides = {strides} and dilation_rate = {dilation_rate}: one of them must be 1"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.groups = groups
        self.padding = padding
        self.dilation_rate = dilation_rate
        self.use_bias = use_bias
        self.normalization = normalization
        self.negative_slope = negative_slope

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
            self.gain.assign(_norms(tf.convert_to_tensor(self.kernel)))
        if self.normalization == "spectral":
            self.u = self.add_weight(
                name="u", shape=(1, self.filters), initializer="random_normal", trainable=False
            )

    def scale(self, *, training: bool = False) -> tf.Tensor | None:
        """What the raw kernel is multiplied by, `(filters,)`; None without normalisation."""
        if self.normalization is None:
            return None
        kernel = tf.convert_to_tensor(self.kernel)
        if self.normalization == "weight":
            return self.gain / _norms(kernel)
        matrix = tf.reshape(kernel, (-1, self.filters))
        fixed = tf.stop_gradient(matrix)
        u = tf.convert_to_tensor(self.u)
        if training:
            u = tf.math.l2_normalize(tf.matmul(tf.matmul(u, fixed, transpose_b=True), fixed))
            # Of each replica's own copy: the same kernel makes the same u on all of them.
            tf.raw_ops.AssignVariableOp(resource=self.u.handle, value=u)
        v = tf.math.l2_normalize(tf.matmul(u, fixed, transpose_b=True))
        sigma = tf.reduce_sum(tf.matmul(v, matrix) * tf.math.l2_normalize(u))
        return tf.fill((self.filters,), 1.0 / sigma)

    def assign_kernel(self, kernel: np.ndarray) -> None:
        """Take a raw kernel, `(taps, channels/groups, filters)`."""
        self.kernel.assign(kernel)

    def call(self, x: tf.Tensor, training: bool = False, group_major: bool = False) -> tf.Tensor:
        """`group_major` is what `outputs_in_turn` asks for: groups stay apart, as they are in memory."""
        x = regroup(x if group_major else x[tf.newaxis], stored_groups(self.groups))
        y = self._convolve(x, training=training)
        return y if group_major else regroup(y, 1)[0]

    def _convolve(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        before, after = self._zeros(time_of(x))
        if self.dilation_rate > 1 or not isinstance(before, int):
            x, before, after = tf.pad(x, ((0, 0), (0, 0), (before, after), (0, 0))), 0, 0
        frames = (time_of(x) + before + after - self._span()) // self.strides + 1
        x = _take_turns(x, self.dilation_rate)

        kernel = tf.convert_to_tensor(self.kernel)
        bias = tf.convert_to_tensor(self.bias) if self.use_bias else None
        scale = self.scale(training=training)
        if scale is not None and _rows(x, frames) > math.prod(kernel.shape[:2]):
            kernel, scale = kernel * scale, None  # whichever is smaller is scaled: the kernel or the output
        options: dict[str, Any] = {"strides": self.strides, "padding": (before, after)}
        if scale is None:
            y = grouped_convolution(x, kernel, bias, negative_slope=self.negative_slope, **options)
        else:
            groups = x.shape[0]
            y = grouped_convolution(x, kernel, **options) * tf.reshape(scale, (groups, 1, 1, -1))
            y = y if bias is None else y + tf.reshape(bias, (groups, 1, 1, -1))
            y = y if self.negative_slope is None else tf.nn.leaky_relu(y, self.negative_slope)
        return _take_turns_back(y, self.dilation_rate, frames)

    def _span(self) -> int:
        """Samples that one output sees."""
        return (self.kernel_size - 1) * self.dilation_rate + 1

    def _zeros(self, time: Size) -> tuple[Size, Size]:
        """Before and after the input."""
        if isinstance(self.padding, int):
            return self.padding, self.padding
        if self.padding == "valid":
            return 0, 0
        if self.padding == "causal":
            return self._span() - 1, 0
        if self.strides == 1:
            total = self._span() - 1
        else:
            total = (-(-time // self.strides) - 1) * self.strides + self._span() - time
            total = max(total, 0) if isinstance(total, int) else tf.maximum(total, 0)
        return total // 2, total - total // 2

    def get_config(self) -> dict[str, Any]:
        keys = (
            "filters", "kernel_size", "strides", "groups", "padding", "dilation_rate", "use_bias",
            "normalization", "negative_slope",
        )  # fmt: skip
        return {**super().get_config(), **{key: getattr(self, key) for key in keys}}


def stored_groups(groups: int) -> int:
    """In how many groups activations are kept: a GPU's own grouped operation wants them together."""
    return 1 if tf.config.list_physical_devices("GPU") else groups


def _norms(kernel: tf.Tensor) -> tf.Tensor:
    """‖kernel‖ per filter: a sum over rows is quickest as a matrix product, of parts that fit the cache."""
    taps, channels, filters = kernel.shape
    parts = math.gcd(taps * channels, 2 ** round(math.log2(max(1, taps * channels * filters / 2**18))))

    @tf.custom_gradient
    def norms(kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
        rows = tf.split(tf.reshape(kernel, (-1, filters)), parts)
        ones = tf.ones((1, taps * channels // parts), kernel.dtype)
        norm = tf.sqrt(tf.add_n([tf.matmul(ones, tf.square(part)) for part in rows])[0])
        return norm, lambda upstream: kernel * (upstream / norm)

    return norms(kernel)


def _rows(x: tf.Tensor, frames: Size) -> float:
    """How often each filter is applied, as far as that is known while tracing."""
    known = isinstance(frames, int) and x.shape[1] is not None
    return x.shape[1] * frames if known else math.inf


def _take_turns(x: tf.Tensor, turns: int) -> tf.Tensor:
    """Every `turns`-th sample as an example of its own: dilated convolution of x is plain one of these."""
    if turns == 1:
        return x
    rounds = -(-time_of(x) // turns)
    x = tf.reshape(fit_time(x, rounds * turns), (x.shape[0], -1, rounds, turns, x.shape[3]))
    return tf.reshape(tf.transpose(x, (0, 1, 3, 2, 4)), (x.shape[0], -1, rounds, x.shape[4]))


def _take_turns_back(y: tf.Tensor, turns: int, frames: Size) -> tf.Tensor:
    if turns == 1:
        return y
    rounds = time_of(y)
    y = tf.transpose(tf.reshape(y, (y.shape[0], -1, turns, rounds, y.shape[3])), (0, 1, 3, 2, 4))
    return fit_time(tf.reshape(y, (y.shape[0], -1, rounds * turns, y.shape[4])), frames)

"""The same networks from Keras' stock layers, to time our step with them in place of ours.

As Keras' users would write them: `Conv1D(groups=…)`, `Conv2D` over folded time, Keras' own
`SpectralNormalization`, weight normalisation (Keras has none) by forming the kernel, one compiled step.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from mono2stereo.models.discriminator_tables import (
    N_SCALES,
    PERIOD_LAYERS,
    PERIODS,
    SCALE_LAYERS,
    ConvSpec,
    scaled_layers,
)
from mono2stereo.models.generators import N_LAYERS, GroupedConv1DGenerator


class Generator(GroupedConv1DGenerator):
    """Four `Conv1D(groups=n_bins)`."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        widths = [self.filters_per_bin] * (N_LAYERS - 1) + [2]
        self.convolutions = [
            keras.layers.Conv1D(
                self.n_bins * width,
                self.kernel_frames,
                groups=self.n_bins,
                use_bias=self.use_bias,
                activation="relu" if index < N_LAYERS - 1 else None,
            )
            for index, width in enumerate(widths)
        ]
        for layer, channels in zip(self.convolutions, [2, *widths], strict=False):
            layer.build((None, None, self.n_bins * channels))

    def call(self, spectrum: tf.Tensor) -> tf.Tensor:
        for layer in self.convolutions:
            spectrum = layer(spectrum)
        return spectrum


class WeightNorm(keras.layers.Wrapper):
    """kernel = gain · v/‖v‖, formed before each call."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.direction = self.layer.kernel
        self.gain = self.add_weight(shape=(self.layer.filters,), initializer="ones")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        v = tf.convert_to_tensor(self.direction)
        norm = tf.math.reduce_euclidean_norm(v, axis=tuple(range(len(v.shape) - 1)))
        y = keras.ops.conv(x, v * (self.gain / norm), self.layer.strides, "valid")
        return y + self.layer.bias


class Branch(keras.Model):
    """One discriminator; `period` folds time into columns of an image, 1 leaves it as it is."""

    def __init__(self, specs: tuple[ConvSpec, ...], *, width: float, period: int = 1, scale: int = 0) -> None:
        super().__init__()
        self.period, self.scale = period, scale
        self.convolutions, self.paddings = [], []
        for spec, channels, filters, groups in scaled_layers(specs, width=width):
            layer: Any
            if period == 1:
                layer = keras.layers.Conv1D(filters, spec.kernel_size, strides=spec.strides, groups=groups)
                shape: tuple[int | None, ...] = (None, None, channels)
            else:
                layer = keras.layers.Conv2D(filters, (spec.kernel_size, 1), strides=(spec.strides, 1))
                shape = (None, None, None, channels)
            spectral = period == 1 and scale == 0
            layer = keras.layers.SpectralNormalization(layer) if spectral else WeightNorm(layer)
            layer.build(shape)
            self.convolutions.append(layer)
            self.paddings.append(spec.kernel_size // 2)
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, list[tf.Tensor]]:
        batch, maps = tf.shape(x)[0], []
        for _ in range(self.scale):
            x = tf.nn.avg_pool1d(tf.pad(x, ((0, 0), (2, 2), (0, 0))), 4, 2, "VALID")
        if self.period > 1:
            x = tf.pad(x, ((0, 0), (0, -x.shape[1] % self.period), (0, 0)), "REFLECT")
            x = tf.reshape(x, (-1, x.shape[1] // self.period, self.period, 1))
        for layer, padding in zip(self.convolutions, self.paddings, strict=True):
            around = ((0, 0), (padding, padding), *((0, 0),) * (len(x.shape) - 2))
            x = tf.pad(x, around)
            spectral = isinstance(layer, keras.layers.SpectralNormalization)
            x = layer(x, training=training) if spectral else layer(x)
            if layer is not self.convolutions[-1]:
                x = tf.nn.leaky_relu(x, 0.1)
            maps.append(x)
        return tf.reshape(x, (batch, -1)), maps


class Discriminator(keras.Model):
    """All eight branches."""

    def __init__(self, *, width: float) -> None:
        super().__init__()
        self.branches = [
            *(Branch(PERIOD_LAYERS, width=width, period=period) for period in PERIODS),
            *(Branch(SCALE_LAYERS, width=width, scale=scale) for scale in range(N_SCALES)),
        ]
        self.built = True

    def call(
        self, side: tf.Tensor, mid: tf.Tensor, training: bool = False
    ) -> list[tuple[tf.Tensor, list[tf.Tensor]]]:
        return [branch(side[..., tf.newaxis], training=training) for branch in self.branches]

"""The published generators, four convolutions along time with rectifiers between them, and all kinds by name.

Without biases both are positively homogeneous: f(a·x) = a·f(x) for a > 0, so that level does not matter and
silence gives exact silence. Their rectifiers do not follow phase (docs/decisions/generator.md).
"""

from __future__ import annotations

import keras
import tensorflow as tf

from mono2stereo.models.gated_bank import GatedBankGenerator
from mono2stereo.models.generator import Convolutional, Generator
from mono2stereo.models.grouped_conv import GroupedConv1D, outputs_in_turn
from mono2stereo.models.receptive_field import N_LAYERS


class GroupedConv1DGenerator(Convolutional):
    """One group of filters per STFT bin; no bin sees another (Anemüller et al., WASPAA 2023)."""

    kind = "grouped_conv1d"

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        widths = [self.filters_per_bin] * (N_LAYERS - 1) + [2]
        self.convolutions = [
            GroupedConv1D(
                self.n_bins * width,
                self.kernel_frames,
                groups=self.n_bins,
                use_bias=self.use_bias,
                negative_slope=0.0 if index < N_LAYERS - 1 else None,
                name=f"convolution_{index}",
            )
            for index, width in enumerate(widths)
        ]
        for layer, channels in zip(self.convolutions, [2, *widths], strict=False):
            layer.build((None, None, self.n_bins * channels))

    def call(self, spectrum: tf.Tensor) -> tf.Tensor:
        return outputs_in_turn(self.convolutions, spectrum, training=False)[-1]


class Conv2DGenerator(Convolutional):
    """Filters shared over the whole spectrogram, frequency as a second spatial axis.

    The earlier design, kept to compare with: neighbouring bins are seen, none has filters of its own.
    """

    kind = "conv2d"
    kernel_bins = 3

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        widths = [self.filters_per_bin] * (N_LAYERS - 1) + [2]
        self.convolutions = [
            keras.layers.Conv2D(
                width,
                (self.kernel_frames, self.kernel_bins),
                use_bias=self.use_bias,
                kernel_initializer="he_uniform",
                name=f"convolution_{index}",
            )
            for index, width in enumerate(widths)
        ]
        for layer, channels in zip(self.convolutions, [2, *widths], strict=False):
            layer.build((None, None, self.n_bins, channels))

    def call(self, spectrum: tf.Tensor) -> tf.Tensor:
        batch, frames = tf.unstack(tf.shape(spectrum)[:2])
        x = tf.reshape(spectrum, (batch, frames, self.n_bins, 2))
        side = self.kernel_bins // 2
        for index, layer in enumerate(self.convolutions):
            x = layer(tf.pad(x, ((0, 0), (0, 0), (side, side), (0, 0))))
            if index < N_LAYERS - 1:
                x = tf.nn.relu(x)
        return tf.reshape(x, (batch, frames - self.receptive_frames, 2 * self.n_bins))


KINDS = (GroupedConv1DGenerator, Conv2DGenerator, GatedBankGenerator)
GENERATORS: dict[str, type[Generator]] = {generator.kind: generator for generator in KINDS}

"""Generators: spectrum of the mid → spectrum of a side, four convolutions along time.

Both take `(batch, frames, 2·n_bins)` with real and imaginary parts interleaved and return
`(batch, frames - receptive_frames, 2·n_bins)`. Without biases both are positively homogeneous:
f(a·x) = a·f(x) for a > 0, so that level does not matter and silence gives exact silence.
"""

from __future__ import annotations

from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from mono2stereo.models.group_layout import regroup
from mono2stereo.models.grouped_conv import GroupedConv1D

N_LAYERS = 4
Kind = Literal["grouped_conv1d", "conv2d"]


class Generator(keras.Model):
    """What both generators share: their sizes, and how far they see."""

    kind: Kind

    def __init__(self, *, n_bins: int, filters_per_bin: int, kernel_frames: int, use_bias: bool) -> None:
        super().__init__(name=self.kind)
        self.n_bins = n_bins
        self.filters_per_bin = filters_per_bin
        self.kernel_frames = kernel_frames
        self.use_bias = use_bias

    def start_from_copy(self, lookahead_frames: int) -> None:
        """Add to the random kernels what copies the mid: ReLU(x) − ReLU(−x) = x in each bin's first channels.

        The side starts as the mid and something random of equal level, so that training comes down the
        trade-off from the mid's own timbre instead of looking for it.

        Args:
            lookahead_frames: as in `MidToSide`: which of the frames seen is the present one.
        """
        present, span = self.receptive_frames - lookahead_frames, self.kernel_frames - 1
        split, keep = np.array([[1, -1, 0, 0], [0, 0, 1, -1]], np.float32), np.eye(4, dtype=np.float32)
        for layer, copy in zip(self.convolutions, (split, keep, keep, split.T), strict=True):
            tap = min(span, max(0, present))
            present -= tap
            kernel = np.array(layer.kernel)
            groups = self.n_bins if kernel.ndim == 3 else 1  # Conv2D has all bins share their filters
            # Both kinds as (frames, bins around, inputs, groups, outputs of a group).
            shape = (self.kernel_frames, -1, kernel.shape[-2], groups, kernel.shape[-1] // groups)
            shaped = kernel.reshape(shape)
            if layer is not self.convolutions[-1]:
                shaped[..., : copy.shape[1]] = 0  # nothing random in what carries the copy
            shaped[tap, shaped.shape[1] // 2, : len(copy), :, : copy.shape[1]] += copy[:, None]
            layer.kernel.assign(kernel)

    @property
    def receptive_frames(self) -> int:
        """Frames consumed: the outputs are this many fewer than the inputs."""
        return N_LAYERS * (self.kernel_frames - 1)


class GroupedConv1DGenerator(Generator):
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
        x = spectrum[tf.newaxis]
        for layer in self.convolutions:
            x = layer(x)
        return regroup(x, 1)[0]


class Conv2DGenerator(Generator):
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


GENERATORS: dict[str, type[Generator]] = {g.kind: g for g in (GroupedConv1DGenerator, Conv2DGenerator)}

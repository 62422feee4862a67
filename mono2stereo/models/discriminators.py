"""HiFi-GAN's eight discriminators (Kong et al. 2020, section 2.3), their width scalable.

One contract: a branch takes `(batch, samples, signals)` and returns `(logits, feature_maps)`, logits
`(batch, patches)` and feature maps, `(batch, frames, channels)`, after every activation and of the output.
Period branches fold time into `period` columns, each an example of its own (maps of `batch·period`); a
convolution over `(taps, 1)` is then a one-dimensional one.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

import keras
import tensorflow as tf

from mono2stereo.models.discriminator_tables import (
    BRANCHES,
    N_SCALES,
    PERIOD_LAYERS,
    PERIODS,
    SCALE_LAYERS,
    ConvSpec,
    scaled_layers,
)
from mono2stereo.models.grouped_conv import GroupedConv1D, Normalization, outputs_in_turn


class Branch(keras.Model):
    """A stack of normalised convolutions with LeakyReLU(0.1) between them.

    Args:
        specs: The table's rows at full width.
        width: Scales all channel counts but the last; results are multiples of 4.
        signals: Input channels: the side and what stands beside it.
        normalization: "weight" or "spectral".
    """

    def __init__(
        self,
        specs: tuple[ConvSpec, ...],
        *,
        width: float,
        signals: int,
        normalization: Normalization,
        name: str,
    ) -> None:
        super().__init__(name=name)
        self.signals = signals
        self.convolutions: list[GroupedConv1D] = []
        for spec, channels, filters, groups in scaled_layers(specs, width=width, channels=signals):
            layer = GroupedConv1D(
                filters,
                spec.kernel_size,
                strides=spec.strides,
                groups=groups,
                padding=spec.kernel_size // 2,
                normalization=normalization,
                negative_slope=None if spec is specs[-1] else 0.1,
                name=f"{name}_{len(self.convolutions)}",
            )
            layer.build((None, None, channels))
            self.convolutions.append(layer)
        self.built = True

    def fold(self, x: tf.Tensor) -> tf.Tensor:
        """What the branch looks at: here the waveform as it is."""
        return x

    def call(self, x: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, list[tf.Tensor]]:
        batch = tf.shape(x)[0]
        feature_maps = outputs_in_turn(self.convolutions, self.fold(x), training=training)
        return tf.reshape(feature_maps[-1], (batch, -1)), feature_maps


class PeriodBranch(Branch):
    """Sees every `period`-th sample in each of `period` columns."""

    def __init__(self, period: int, *, width: float, signals: int) -> None:
        super().__init__(
            PERIOD_LAYERS, width=width, signals=signals, normalization="weight", name=f"period_{period}"
        )
        self.period = period

    def fold(self, x: tf.Tensor) -> tf.Tensor:
        """`(batch, samples, signals)` → `(batch·period, ⌈samples/period⌉, signals)`, reflected at the end."""
        missing = -x.shape[1] % self.period
        if missing:
            x = tf.pad(x, ((0, 0), (0, missing), (0, 0)), "REFLECT")
        rows = x.shape[1] // self.period
        x = tf.reshape(x, (-1, rows, self.period, self.signals))
        return tf.reshape(tf.transpose(x, (0, 2, 1, 3)), (-1, rows, self.signals))


class ScaleBranch(Branch):
    """Sees the waveform after `scale` average poolings (4 samples, every 2nd, 2 zeros on each side)."""

    def __init__(self, scale: int, *, width: float, signals: int) -> None:
        super().__init__(
            SCALE_LAYERS,
            width=width,
            signals=signals,
            normalization="weight" if scale else "spectral",
            name=f"scale_{scale}",
        )
        self.scale = scale

    def fold(self, x: tf.Tensor) -> tf.Tensor:
        for _ in range(self.scale):
            x = tf.nn.avg_pool1d(tf.pad(x, ((0, 0), (2, 2), (0, 0))), 4, 2, "VALID")
        return x


class Discriminator(keras.Model):
    """All eight branches, or some.

    Args:
        width: 1.0 is HiFi-GAN's 70.7 million parameters.
        sees_mid: Whether the mid stands beside each side signal as a channel of its own.
        sees_left_right: Whether mid + side and mid - side do: what listeners hear, movement in each included.
        branches: Which of `BRANCHES`.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        sees_mid: bool = False,
        sees_left_right: bool = False,
        branches: Collection[str] = BRANCHES,
    ) -> None:
        super().__init__(name="discriminator")
        self.sees_mid = sees_mid
        self.sees_left_right = sees_left_right
        signals = 1 + sees_mid + 2 * sees_left_right
        makers = {
            **{f"period_{period}": partial(PeriodBranch, period) for period in PERIODS},
            **{f"scale_{scale}": partial(ScaleBranch, scale) for scale in range(N_SCALES)},
        }
        self.branches: list[Branch] = [makers[name](width=width, signals=signals) for name in branches]
        self.built = True

    def call(
        self, side: tf.Tensor, mid: tf.Tensor, training: bool = False
    ) -> list[tuple[tf.Tensor, list[tf.Tensor]]]:
        """Side and mid `(batch, samples)` → one `(logits, feature_maps)` per branch, in their order."""
        others = [mid] if self.sees_mid else []
        if self.sees_left_right:
            others += [mid + side, mid - side]
        x = tf.stack([side, *others], axis=-1)
        return [branch(x, training=training) for branch in self.branches]

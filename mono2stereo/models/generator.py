"""What every generator is: spectrum of the mid → spectrum of a side."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mono2stereo.models.receptive_field import Kind, receptive_frames


class Generator(keras.Model):
    """Takes `(batch, frames, 2·n_bins)`, real and imaginary parts interleaved.

    Returns `(batch, frames - receptive_frames, 2·n_bins)`.

    Args:
        n_bins: Of the STFT.
        filters_per_bin: How many filters each bin has.
        kernel_frames: Their taps.
        use_bias: Whether the convolutions of the signal have biases: then level matters.
    """

    kind: Kind

    def __init__(self, *, n_bins: int, filters_per_bin: int, kernel_frames: int, use_bias: bool) -> None:
        super().__init__(name=self.kind)
        self.n_bins = n_bins
        self.filters_per_bin = filters_per_bin
        self.kernel_frames = kernel_frames
        self.use_bias = use_bias

    @property
    def named_layers(self) -> dict[str, keras.layers.Layer]:
        """The convolutions by their names in an exported model."""
        raise NotImplementedError

    @property
    def receptive_frames(self) -> int:
        """Frames consumed: the outputs are this many fewer than the inputs."""
        return receptive_frames(self.kind, self.kernel_frames)

    def at_rest(self, spectrum: tf.Tensor) -> tf.Tensor:
        """As a call, with the gates as they are while a tone is held: a linear filter. Kinds with gates."""
        raise NotImplementedError

    def start_from_copy(self, lookahead_frames: int, phase_degrees: float = 0.0) -> None:
        """Add to the random weights what copies the mid, turned by a phase.

        The side starts as the mid and something random of equal level, so that training comes down the
        trade-off from the mid's own timbre instead of looking for it. No loss term but `movement` minds the
        phase, so that it lasts: at 90° mid + side and mid - side are equally loud, at 0° they differ most.

        Args:
            lookahead_frames: As in `MidToSide`: which of the frames seen is the present one.
            phase_degrees: Of the copy, relative to the mid.
        """
        raise NotImplementedError


class Convolutional(Generator):
    """A stack of real convolutions, `convolutions`, each but the last followed by a rectifier."""

    @property
    def named_layers(self) -> dict[str, keras.layers.Layer]:
        return {str(index): layer for index, layer in enumerate(self.convolutions)}

    def start_from_copy(self, lookahead_frames: int, phase_degrees: float = 0.0) -> None:
        """ReLU(x) − ReLU(−x) = x in each bin's first channels."""
        present, span = self.receptive_frames - lookahead_frames, self.kernel_frames - 1
        split, keep = np.array([[1, -1, 0, 0], [0, 0, 1, -1]], np.float32), np.eye(4, dtype=np.float32)
        turned = split.T @ turn(phase_degrees)
        for layer, copy in zip(self.convolutions, (split, keep, keep, turned), strict=True):
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


def turn(phase_degrees: float) -> np.ndarray:
    """The 2 × 2 matrix that turns a row (re, im), float32.

    >>> turn(90.0).round(3).tolist()
    [[0.0, 1.0], [-1.0, 0.0]]
    """
    c, s = np.cos(np.radians(phase_degrees)), np.sin(np.radians(phase_degrees))
    return np.array([[c, s], [-s, c]], np.float32)

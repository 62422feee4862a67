"""How groups of channels lie in memory, and how time is folded into channels.

Activations are group-major, `(groups, batch, time, channels)` with `channels` those of one group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

Size = Any  # an int where it is known while tracing, else a tensor


def regroup(x: tf.Tensor, groups: int) -> tf.Tensor:
    """The same channels, in order, in another number of groups: `(groups, batch, time, channels)`."""
    now, time, channels = x.shape[0], time_of(x), x.shape[3]
    if now == groups:
        return x
    if groups % now == 0:
        ratio = groups // now
        parts = tf.reshape(x, (now, -1, time, ratio, channels // ratio))
        return tf.reshape(tf.transpose(parts, (0, 3, 1, 2, 4)), (groups, -1, time, channels // ratio))
    if now % groups == 0:
        ratio = now // groups
        parts = tf.transpose(tf.reshape(x, (groups, ratio, -1, time, channels)), (0, 2, 3, 1, 4))
        return tf.reshape(parts, (groups, -1, time, ratio * channels))
    return regroup(regroup(x, 1), groups)


def time_of(x: tf.Tensor) -> Size:
    """Length along time, a number where it is known: then paddings of nothing can be left out."""
    return x.shape[2] if x.shape[2] is not None else tf.shape(x)[2]


def fit_time(x: tf.Tensor, length: Size, *, before: int = 0) -> tf.Tensor:
    """`before` zeros in front, or as many samples less; then cut, or filled up with zeros, to `length`."""
    first, before = max(-before, 0), max(before, 0)
    missing = length - before - (time_of(x) - first)
    known = isinstance(missing, int)
    if first or not known or missing < 0:
        x = x[:, :, first : first + length - before]
        missing = max(missing, 0) if known else tf.maximum(missing, 0)
    if known and before == missing == 0:
        return x
    return tf.pad(x, ((0, 0), (0, 0), (before, missing), (0, 0)))


@dataclass(frozen=True)
class Shape:
    """What does not change between calls, and the layouts that follow from it."""

    groups: int
    taps: int
    channels: int
    filters: int
    strides: int
    padding: tuple[int, int]

    def frames(self, time: Size) -> Size:
        """Outputs of an input of `time` samples."""
        return (time + sum(self.padding) - self.taps) // self.strides + 1

    def hop(self, phases: int) -> int:
        """Samples between blocks: 1 where nothing is folded."""
        return self.strides * phases if phases > 1 else 1

    def stride(self, phases: int) -> int:
        """Of the convolution of blocks."""
        return 1 if phases > 1 else self.strides

    def folded_taps(self, phases: int) -> int:
        """Blocks that a kernel for `phases` frames spans."""
        return -(-(self.taps + self.strides * (phases - 1)) // self.hop(phases))

    def blocks(self, time: Size, phases: int) -> Size:
        """Blocks that an input of `time` samples is padded and folded into."""
        if phases == 1:
            return time + sum(self.padding)
        return -(-self.frames(time) // phases) + self.folded_taps(phases) - 1

    def fold(self, x: tf.Tensor, phases: int) -> tf.Tensor:
        """Padded and folded into blocks: `(groups, batch, blocks, hop·channels)`."""
        hop, blocks = self.hop(phases), self.blocks(time_of(x), phases)
        x = fit_time(x, blocks * hop, before=self.padding[0])
        return tf.reshape(x, (self.groups, -1, blocks, hop * self.channels))

    def unfold(self, x: tf.Tensor, time: Size, blocks: Size, hop: int) -> tf.Tensor:
        """Back from blocks of `hop` samples to `(groups, batch, time, channels)`, the padding cut off."""
        x = tf.reshape(x, (self.groups, -1, blocks * hop, self.channels))
        return fit_time(x, time, before=-self.padding[0])

    def fold_frames(self, dy: tf.Tensor, phases: int) -> tf.Tensor:
        """`(groups, batch, blocks, phases·filters)`."""
        blocks = -(-time_of(dy) // phases)
        return tf.reshape(fit_time(dy, blocks * phases), (self.groups, -1, blocks, phases * self.filters))

    def kernel_by_group(self, kernel: tf.Tensor) -> tf.Tensor:
        """`(taps, channels, groups·filters)` → `(groups, taps, channels, filters)`."""
        if self.groups == 1:
            return tf.expand_dims(kernel, 0)
        split = tf.reshape(kernel, (self.taps, self.channels, self.groups, self.filters))
        return tf.transpose(split, (2, 0, 1, 3))

    def kernel_from_groups(self, kernel: tf.Tensor) -> tf.Tensor:
        """Inverse of `kernel_by_group`."""
        if self.groups == 1:
            return tf.squeeze(kernel, 0)
        return tf.reshape(
            tf.transpose(kernel, (1, 2, 0, 3)), (self.taps, self.channels, self.groups * self.filters)
        )

    def kernel_in_phases(self, kernel: tf.Tensor, phases: int) -> tf.Tensor:
        """`(groups, taps, channels, filters)` → `(groups, folded taps, hop·channels, phases·filters)`."""
        if phases == 1:
            return kernel
        folded, hop = self.folded_taps(phases), self.hop(phases)
        starts, rest = range(0, self.strides * phases, self.strides), folded * hop - self.taps
        laid = [tf.pad(kernel, ((0, 0), (start, rest - start), (0, 0), (0, 0))) for start in starts]
        return tf.reshape(
            tf.stack(laid, axis=3), (self.groups, folded, hop * self.channels, phases * self.filters)
        )

    def kernel_from_phases(self, kernel: tf.Tensor, phases: int) -> tf.Tensor:
        """The adjoint of `kernel_in_phases`."""
        if phases == 1:
            return kernel
        length = self.folded_taps(phases) * self.hop(phases)
        laid = tf.reshape(kernel, (self.groups, length, self.channels, phases, self.filters))
        starts = range(0, self.strides * phases, self.strides)
        return tf.add_n([laid[:, start : start + self.taps, :, i] for i, start in enumerate(starts)])

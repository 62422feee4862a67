"""Layers that follow each other: what one hands to the next stays group-major."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mono2stereo.models.grouped_conv.conv_layer import GroupedConv1D
from mono2stereo.models.grouped_conv.group_major import regroup


def outputs_in_turn(layers: Sequence[GroupedConv1D], x: tf.Tensor, *, training: bool) -> list[tf.Tensor]:
    """The same as `x = layer(x)` for one layer after the other, without taking the groups apart in between.

    Args:
        layers: Built ones.
        x: `(batch, time, channels)`.
        training: Passed to each layer.

    Returns:
        What each layer made, `(batch, frames, filters)`; in a graph those that nobody reads cost nothing.
    """
    outputs, x = [], x[tf.newaxis]
    for layer in layers:
        x = layer(x, training=training, group_major=True)
        outputs.append(regroup(x, 1)[0])
    return outputs

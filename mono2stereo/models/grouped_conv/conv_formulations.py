"""A grouped one-dimensional convolution as plain arithmetic, in the formulations quickest for its shape.

Tensors are group-major, `(groups, batch, time, channels)` with `channels` those of one group: a group is one
contiguous block, so that taking groups apart copies nothing and folding time into channels is a reshape.
Gradients are written out, because forward pass, input gradient and weight gradient are quickest in different
formulations:

- *convolution*: one plain `conv2d` per group, on images of height 1;
- *phases*: the same on several consecutive frames at once, time folded into channels and the kernel laid out
  once per phase: a few zeros in a long kernel buy channels enough to fill the processor's vectors;
- *product*: a matrix product over all taps, which spares a large kernel its reordering before every call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from mono2stereo.models.grouped_conv.group_major import Shape, fit_time, time_of

# Measured on a CPU: `python -m benchmarks.formulations`, docs/decisions.
LONG_TAPS = 16
VECTOR = 16
PRODUCT_FROM_WEIGHTS = 300_000
INPUT_PRODUCT_FROM_WEIGHTS = 500_000


@dataclass(frozen=True)
class Plan:
    """How one shape is computed.

    Attributes:
        phases: Frames at once, in forward pass and input gradient.
        weight_phases: The same in the weight gradient.
        forward_product: Whether the forward pass is a matrix product: of a single group, in one phase.
        input_product: Whether the input gradient is one: of a single group.
        weight_product: Whether the weight gradient is one.
    """

    phases: int = 1
    weight_phases: int = 1
    forward_product: bool = False
    input_product: bool = False
    weight_product: bool = False


def quickest(*, groups: int, taps: int, channels: int, filters: int, strides: int) -> Plan:
    """The quickest formulations for groups of `channels` → `filters` on a CPU.

    >>> quickest(groups=1, taps=5, channels=1024, filters=1024, strides=1).forward_product
    True
    >>> quickest(groups=16, taps=41, channels=2, filters=4, strides=2).phases
    4
    """
    if taps < LONG_TAPS:
        if groups > 1:
            return Plan()
        weights = taps * channels * filters
        product = weights >= PRODUCT_FROM_WEIGHTS
        return Plan(
            forward_product=product,
            input_product=weights >= INPUT_PRODUCT_FROM_WEIGHTS or channels == 1,
            weight_product=product,
        )

    def filling(vectors: int) -> int:
        return min(8, max(2, 2 ** math.ceil(math.log2(vectors * VECTOR / filters))))

    wide = strides == 1 and filters >= 4 * VECTOR
    return Plan(
        phases=filling(1) if min(channels, filters) < VECTOR else 1,
        weight_phases=1 if wide else filling(1 if strides > 1 else 4),
        weight_product=strides == 1 and not wide,
    )


def grouped_convolution(
    x: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor | None = None,
    *,
    strides: int = 1,
    padding: tuple[int, int] = (0, 0),
    negative_slope: float | None = None,
    plan: Plan | None = None,
) -> tf.Tensor:
    """Convolve, add a bias, apply a leaky ReLU: one fused operation where TensorFlow has it.

    Args:
        x: `(groups, batch, time, channels)`.
        kernel: `(taps, channels, groups·filters)`, Keras' layout.
        bias: `(groups·filters,)`.
        strides: Hop along time.
        padding: Zeros before and after.
        negative_slope: Of the leaky ReLU; 0 makes it a ReLU, None leaves it out.
        plan: How it is computed; by default in the quickest way.

    Returns:
        `(groups, batch, frames, filters)`, frames = (time + padding - taps) // strides + 1.
    """
    if x.shape[3] != kernel.shape[1]:  # kept together for the native operation
        y = tf.nn.conv1d(tf.pad(x[0], ((0, 0), padding, (0, 0))), kernel, strides, "VALID")
        return _activate(y, () if bias is None else (bias,), negative_slope)[None]
    shape = Shape(
        x.shape[0], kernel.shape[0], kernel.shape[1], kernel.shape[2] // x.shape[0], strides, padding
    )
    sizes = {name: getattr(shape, name) for name in ("groups", "taps", "channels", "filters", "strides")}
    chosen = plan or quickest(**sizes)

    @tf.custom_gradient
    def convolve(x: tf.Tensor, kernel: tf.Tensor, *bias: tf.Tensor) -> tuple[tf.Tensor, Any]:
        grouped = shape.kernel_by_group(kernel)
        y, unfolded = _forward(x, grouped, bias, shape, chosen, negative_slope)

        def gradients(dy: tf.Tensor) -> tuple[tf.Tensor, ...]:
            if negative_slope is not None:  # the output's sign is the input's
                dy = tf.raw_ops.LeakyReluGrad(gradients=dy, features=y, alpha=negative_slope)
            return (
                _to_x_product(dy, grouped, shape, x)
                if chosen.input_product
                else _to_x(dy, grouped, shape, x, chosen.phases),
                shape.kernel_from_groups(_to_kernel(x, dy, unfolded, shape, chosen)),
                *(tf.reshape(tf.reduce_sum(dy, axis=(1, 2)), (-1,)) for _ in bias),
            )

        return y, gradients

    return convolve(x, kernel, *([] if bias is None else [bias]))


def _each(function: Callable[..., tf.Tensor], *operands: tf.Tensor) -> tf.Tensor:
    """`function` of every group's operands, stacked again; one operation a group keeps tracing short."""
    outputs = [function(*group) for group in zip(*map(tf.unstack, operands), strict=True)]
    return tf.stack(outputs) if len(outputs) > 1 else tf.expand_dims(outputs[0], 0)


def _image(x: tf.Tensor) -> tf.Tensor:
    """`(groups, batch, time, channels)` → `(groups, batch, 1, time, channels)`."""
    return tf.expand_dims(x, 2)


def _image_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """`(groups, taps, channels, filters)` → `(groups, 1, taps, channels, filters)`."""
    return tf.expand_dims(kernel, 1)


def _activate(y: tf.Tensor, bias: tuple[tf.Tensor, ...], negative_slope: float | None) -> tf.Tensor:
    """Written so that TensorFlow fuses it with the operation before."""
    y = tf.nn.bias_add(y, *bias) if bias else y
    return y if negative_slope is None else tf.nn.leaky_relu(y, negative_slope)


def _forward(
    x: tf.Tensor,
    kernel: tf.Tensor,
    bias: tuple[tf.Tensor, ...],
    shape: Shape,
    plan: Plan,
    negative_slope: float | None,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """The output, and what of the unfolded input the weight gradient can use again."""
    frames, phases, unfolded = shape.frames(time_of(x)), plan.phases, None
    biases = [tf.tile(tf.reshape(b, (shape.groups, -1)), (1, phases)) for b in bias]
    if plan.forward_product:
        unfolded = _taps_side_by_side(shape.fold(x, 1), shape.taps, shape.strides)
        y = tf.matmul(unfolded[0], tf.reshape(kernel, (-1, shape.filters)))
        y = _activate(y, bias, negative_slope)
        return tf.reshape(y, (1, -1, frames, shape.filters)), unfolded

    def convolve(x: tf.Tensor, kernel: tf.Tensor, *bias: tf.Tensor) -> tf.Tensor:
        return _activate(tf.nn.conv2d(x, kernel, shape.stride(phases), "VALID"), bias, negative_slope)

    y = _each(
        convolve,
        _image(shape.fold(x, phases)),
        _image_kernel(shape.kernel_in_phases(kernel, phases)),
        *biases,
    )
    y = tf.reshape(y, (shape.groups, -1, -(-frames // phases) * phases, shape.filters))
    return fit_time(y, frames), None


def _taps_side_by_side(x: tf.Tensor, taps: int, strides: int) -> tf.Tensor:
    """`(groups, batch, time, channels)` → `(groups, batch·frames, taps·channels)`."""
    frames = (time_of(x) - taps) // strides + 1
    places = tf.range(frames)[:, None] * strides + np.arange(taps, dtype=np.int32)
    rows = tf.gather(x, tf.reshape(places, (-1,)), axis=2)
    return tf.reshape(rows, (x.shape[0], -1, taps * x.shape[3]))


def _to_x(dy: tf.Tensor, kernel: tf.Tensor, shape: Shape, x: tf.Tensor, phases: int) -> tf.Tensor:
    hop, time = shape.hop(phases), time_of(x)
    blocks = shape.blocks(time, phases)
    sizes = tf.stack([tf.shape(x)[1], 1, blocks, hop * shape.channels])

    def transpose(dy: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.Conv2DBackpropInput(
            input_sizes=sizes,
            filter=kernel,
            out_backprop=dy,
            strides=[1, 1, shape.stride(phases), 1],
            padding="VALID",
        )

    folded = _each(
        transpose,
        _image(shape.fold_frames(dy, phases)),
        _image_kernel(shape.kernel_in_phases(kernel, phases)),
    )
    return shape.unfold(folded, time, blocks, hop)


def _to_x_product(dy: tf.Tensor, kernel: tf.Tensor, shape: Shape, x: tf.Tensor) -> tf.Tensor:
    """A product for each hop of taps, of narrow ones together, then added where it belongs."""
    frames, hop, steps = time_of(dy), shape.strides, -(-shape.taps // shape.strides)
    rows, kernel, shares = tf.reshape(dy, (-1, shape.filters)), tf.squeeze(kernel, 0), []
    width = hop * shape.channels
    together = None
    if width < VECTOR:
        together = tf.matmul(rows, tf.reshape(kernel, (-1, shape.filters)), transpose_b=True)
    for step in range(steps):
        if together is None:
            columns = tf.reshape(kernel[step * hop : (step + 1) * hop], (-1, shape.filters))
            share = tf.matmul(rows, columns, transpose_b=True)
        else:
            share = together[:, step * width : (step + 1) * width]
        held = share.shape[1]
        around = ((0, 0), (0, 0), (step, steps - 1 - step), (0, width - held))
        shares.append(tf.pad(tf.reshape(share, (1, -1, frames, held)), around))
    return shape.unfold(tf.add_n(shares), time_of(x), frames + steps - 1, hop)


def _to_kernel(
    x: tf.Tensor, dy: tf.Tensor, unfolded: tf.Tensor | None, shape: Shape, plan: Plan
) -> tf.Tensor:
    phases = plan.weight_phases
    taps, stride = shape.folded_taps(phases), shape.stride(phases)
    channels, filters = shape.hop(phases) * shape.channels, phases * shape.filters
    dy = shape.fold_frames(dy, phases)
    if plan.weight_product:
        if unfolded is None:
            unfolded = _taps_side_by_side(shape.fold(x, phases), taps, stride)
        rows = tf.reshape(dy, (shape.groups, -1, filters))
        kernels = _each(lambda x, dy: tf.matmul(x, dy, transpose_a=True), unfolded, rows)
    else:

        def correlate(x: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
            return tf.raw_ops.Conv2DBackpropFilter(
                input=x,
                filter_sizes=[1, taps, channels, filters],
                out_backprop=dy,
                strides=[1, 1, stride, 1],
                padding="VALID",
            )

        kernels = _each(correlate, _image(shape.fold(x, phases)), _image(dy))
    return shape.kernel_from_phases(tf.reshape(kernels, (shape.groups, taps, channels, filters)), phases)

"""Each kind of generator as an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import onnx

from mono2stereo.models.complex_conv import ComplexConv1D
from mono2stereo.models.gated_bank import GatedBankGenerator
from mono2stereo.models.generator import Generator
from mono2stereo.models.generators import Conv2DGenerator, GroupedConv1DGenerator
from mono2stereo.models.onnx_graph import FrameGraph, one_at_a_time
from mono2stereo.models.receptive_field import (
    AVERAGE_SHIFTS,
    GATE_SPACING,
    LONG_SHIFTS,
    MEAN_SHIFTS,
    NOTHING,
    QUIET,
    TINY,
)


def _grouped_conv1d(generator: GroupedConv1DGenerator) -> onnx.GraphProto:
    """A bin's channels side by side, as images `(1, channels, 1, frames)`."""
    graph = FrameGraph(generator.n_bins)
    x = graph.reshape("mid", [1, 2 * generator.n_bins, 1, -1], "mid_image")
    *before, last = generator.convolutions
    for index, layer in enumerate(before):
        x = graph.convolution(x, str(index), *weights(layer), group=layer.groups)
        x = graph.add("Relu", [x], f"relu_{index}")
    graph.pairs_at_once(x, str(len(before)), *weights(last))
    return graph.finish()


def _conv2d(generator: Conv2DGenerator) -> onnx.GraphProto:
    """Real and imaginary parts as channels, `(1, 2, bins, frames)`."""
    graph, n_bins, around = FrameGraph(generator.n_bins), generator.n_bins, generator.kernel_bins // 2
    pairs = graph.reshape("mid", [1, n_bins, 2, -1], "mid_pairs")
    x = graph.add("Transpose", [pairs], "mid_image", perm=[0, 2, 1, 3])
    for index, layer in enumerate(generator.convolutions):
        weight = np.asarray(layer.kernel).transpose(3, 2, 1, 0)
        bias = np.asarray(layer.bias) if layer.use_bias else None
        x = graph.convolution(x, str(index), weight, bias, height=n_bins, pads=[around, 0, around, 0])
        if layer is not generator.convolutions[-1]:
            x = graph.add("Relu", [x], f"relu_{index}")
    x = graph.add("Transpose", [x], "side_pairs", perm=[0, 2, 1, 3])
    graph.add("Reshape", [x, graph.constant("folded", [1, 2 * n_bins, -1])], "side")
    return graph.finish()


def _gated_bank(generator: GatedBankGenerator) -> onnx.GraphProto:
    """The bank, its gates from powers `(1, bins, frames)`, and the sum."""
    graph, n_bins, filters = FrameGraph(generator.n_bins), generator.n_bins, generator.filters_per_bin
    pairs = graph.reshape("mid", [1, n_bins, 2, -1], "mid_pairs")
    powers = graph.add("ReduceSumSquare", [pairs], "powers", axes=[2], keepdims=0)
    shifts = sum(AVERAGE_SHIFTS) + sum(MEAN_SHIFTS)
    powers = graph.with_past(powers, "powers", [1, n_bins, shifts])
    averages = _mean_by_pairs(graph, powers, AVERAGE_SHIFTS, "average")
    means = _mean_by_pairs(graph, averages, MEAN_SHIFTS, "mean")
    long_means = _long_means(graph, means)
    everywhere = graph.add("ReduceMean", [long_means], "everywhere", axes=[1], keepdims=1)
    nothing = graph.constant("nothing", np.array(NOTHING, np.float32))
    share = graph.add("Mul", [everywhere, nothing], "nothing_beside")
    floor = graph.add("Add", [share, graph.constant("tiny", np.array(TINY, np.float32))], "floor")
    average = graph.cut(averages, sum(MEAN_SHIFTS), None, 2, "average")
    levels = [
        graph.add("Add", [power, floor], f"level_{index}")
        for index, power in enumerate((average, means, long_means))
    ]
    ratios = [graph.add("Div", levels[index : index + 2], f"ratio_{index}") for index in range(2)]
    images = [graph.reshape(ratio, [1, n_bins, 1, -1], f"{ratio}_image") for ratio in ratios]
    pairs = graph.add("Concat", images, "ratios", axis=2)
    above_quiet = graph.add(
        "Add", [pairs, graph.constant("quiet", np.array(QUIET, np.float32))], "above_quiet"
    )
    envelopes = graph.add("Mul", [graph.add("Log", [above_quiet], "in_logs"), "half"], "envelopes")
    gates = graph.reshape(envelopes, [1, 2 * n_bins, 1, -1], "envelopes_image")
    for index, activation in enumerate(("Relu", "Sigmoid")):
        name, layer = f"gate_{index}", generator.gate_layers[index]
        gates = graph.convolution(gates, name, *weights(layer), dilation=GATE_SPACING, group=n_bins)
        gates = graph.add(activation, [gates], f"{name}_{activation.lower()}")
    gates = graph.reshape(gates, [n_bins, filters, 1, -1], "gates")
    x = graph.reshape("mid", [1, 2 * n_bins, 1, -1], "mid_image")
    x = graph.convolution(x, "bank", *weights(generator.bank), group=n_bins)
    x = graph.reshape(x, [n_bins, filters, 2, -1], "outputs")
    x = graph.add("Mul", [x, gates], "gated")
    x = graph.reshape(x, [1, 2 * n_bins * filters, 1, -1], "gated_image")
    kernel, _ = weights(generator.sum)
    graph.pairs_at_once(x, "sum", 2 * kernel, None)  # a gate is twice its sigmoid
    return graph.finish()


def _mean_by_pairs(graph: FrameGraph, x: str, shifts: tuple[int, ...], name: str) -> str:
    half = graph.constant("half", np.array(0.5, np.float32))
    for number, shift in enumerate(shifts):
        later = graph.cut(x, shift, None, 2, f"{name}_{number}_later")
        earlier = graph.cut(x, 0, -shift, 2, f"{name}_{number}_earlier")
        x = graph.add(
            "Mul", [graph.add("Add", [later, earlier], f"{name}_{number}_sum"), half], f"{name}_{number}"
        )
    return x


def _long_means(graph: FrameGraph, means: str) -> str:
    """The means of `LONG_SHIFTS`: eight far apart, since a stream of short blocks has a long past."""
    past, step = sum(LONG_SHIFTS), LONG_SHIFTS[0]
    x = graph.with_past(means, "means", [1, graph.n_bins, past])
    parts = [
        graph.cut(x, start, start - past or None, 2, f"means_{start}") for start in range(0, past + 1, step)
    ]
    share = graph.constant("share", np.array(1 / len(parts), np.float32))
    return graph.add("Mul", [graph.add("Sum", parts, "long_sum"), share], "long_mean")


def take_weights(generator: Generator, stored: Mapping[str, np.ndarray]) -> None:
    """The inverse of a kind's graph: its constants by name, back into the layers.

    Raises:
        KeyError: a layer that the graph lacks, or a bias.
        ValueError: another shape.
    """
    for name, layer in generator.named_layers.items():
        weight = stored[f"kernel_{name}"]
        bias = stored[f"bias_{name}"] if layer.use_bias else None
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(weight.transpose(3, 2, 1, 0))
        else:
            if layer.filters == 2 * generator.n_bins:
                weight = one_at_a_time(weight, generator.n_bins)
                bias = None if bias is None else bias.reshape(generator.n_bins, -1, 2)[:, 0].reshape(-1)
            if isinstance(layer, ComplexConv1D) and name == "sum":
                weight = weight / 2
            layer.assign_kernel(weight[:, :, 0].transpose(2, 1, 0))
        if bias is not None:
            layer.bias.assign(bias)


def weights(layer: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Kernel `(out, in of a group, 1, taps)` and bias of a grouped layer."""
    bias = np.asarray(layer.bias) if layer.use_bias else None
    return np.asarray(layer.kernel).transpose(2, 1, 0)[:, :, np.newaxis], bias


GRAPHS: dict[str, Callable[[Any], onnx.GraphProto]] = {
    "grouped_conv1d": _grouped_conv1d,
    "conv2d": _conv2d,
    "gated_bank": _gated_bank,
}

"""Each kind of generator as an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import onnx

from mono2stereo.models.complex_conv import ComplexConv1D
from mono2stereo.models.gated_bank import GatedBankGenerator
from mono2stereo.models.gated_bank_graph import GatedBankGraph
from mono2stereo.models.generator import Generator
from mono2stereo.models.generators import Conv2DGenerator, GroupedConv1DGenerator
from mono2stereo.models.onnx_graph import FrameGraph, one_at_a_time


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
    constants: dict[str, np.ndarray] = {}
    for name, layer in generator.named_layers.items():
        kernel, bias = weights(layer)
        constants[f"kernel_{name}"] = kernel
        if bias is not None:
            constants[f"bias_{name}"] = bias
    constants["kernel_sum"] = 2 * constants["kernel_sum"]  # a gate is twice its sigmoid
    return GatedBankGraph(generator.n_bins, constants).finish()


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
            if weight.shape[0] > layer.filters == 2 * generator.n_bins:
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

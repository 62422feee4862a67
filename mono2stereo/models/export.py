"""Trained generator → one ONNX file that holds all that inference needs; no TensorFlow to read it.

The graph maps frames to frames, `(1, 2·n_bins, frames)`, and takes and returns each convolution's last
`kernel_frames - 1` input frames, so that a stream of any block size gives the same output as the whole file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mono2stereo.files import atomic_path
from mono2stereo.model_card import METADATA_KEY, ModelCard, sealed
from mono2stereo.models.generators import GroupedConv1DGenerator
from mono2stereo.models.mid_to_side import MidToSide

OPSET = 17


def export_onnx(
    model: MidToSide,
    path: Path,
    *,
    training: dict[str, Any] | None = None,
    natural_width: dict[str, list[float]] | None = None,
    own_width: dict[str, list[float]] | None = None,
) -> None:
    """Write `model` to `path`, whole or not at all.

    Args:
        model: The trained waveform model.
        path: Target, `*.onnx`.
        training: Facts about the run, kept in the file for people to read.
        natural_width: How wide the training recordings were, see `ModelCard`.
        own_width: How wide `model` makes them, see `ModelCard`.
    """
    graph = _graph(model)
    proto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="mono2stereo",
        ir_version=9,
    )
    generator, stft = model.generator, model.stft
    card = ModelCard(
        generator=generator.kind,
        sample_rate=model.sample_rate,
        frame_length=stft.frame_length,
        frame_step=stft.frame_step,
        fft_length=stft.fft_length,
        receptive_frames=generator.receptive_frames,
        lookahead_frames=model.lookahead_frames,
        highpass_hz=model.highpass_hz,
        training=training or {},
        natural_width=natural_width,
        own_width=own_width,
    )
    helper.set_model_props(proto, {METADATA_KEY: card.dumps()})
    onnx.checker.check_model(proto)
    with atomic_path(Path(path)) as beside:
        beside.write_bytes(sealed(proto.SerializeToString()))


def _graph(model: MidToSide) -> onnx.GraphProto:
    generator = model.generator
    grouped = isinstance(generator, GroupedConv1DGenerator)
    n_bins, past = generator.n_bins, generator.kernel_frames - 1
    nodes, initializers = [], []
    inputs = [helper.make_tensor_value_info("mid", TensorProto.FLOAT, [1, 2 * n_bins, "frames"])]
    outputs = [helper.make_tensor_value_info("side", TensorProto.FLOAT, [1, 2 * n_bins, "frames"])]

    def constant(name: str, value: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    time_axis = 2
    constant("past", np.array([-past], np.int64))
    constant("end", np.array([np.iinfo(np.int64).max], np.int64))
    constant("time", np.array([time_axis], np.int64))
    x = "mid"
    if not grouped:  # (1, 2·bins, frames) → (1, 2, frames, bins)
        constant("unfolded", np.array([1, n_bins, 2, -1], np.int64))
        nodes.append(helper.make_node("Reshape", [x, "unfolded"], ["mid_pairs"]))
        nodes.append(helper.make_node("Transpose", ["mid_pairs"], ["mid_image"], perm=[0, 2, 3, 1]))
        x = "mid_image"

    for index, layer in enumerate(generator.convolutions):
        kernel = np.asarray(layer.kernel)
        if grouped:
            channels = kernel.shape[1] * layer.groups
            weight, state_shape = kernel.transpose(2, 1, 0), [1, channels, past]
            attributes = {"group": layer.groups}
        else:
            side = generator.kernel_bins // 2
            weight, state_shape = kernel.transpose(3, 2, 0, 1), [1, kernel.shape[2], past, n_bins]
            attributes = {"pads": [0, side, 0, side]}
        state, padded = f"state_{index}", f"padded_{index}"
        inputs.append(helper.make_tensor_value_info(state, TensorProto.FLOAT, state_shape))
        outputs.append(helper.make_tensor_value_info(f"next_{state}", TensorProto.FLOAT, state_shape))
        nodes.append(helper.make_node("Concat", [state, x], [padded], axis=time_axis))
        nodes.append(helper.make_node("Slice", [padded, "past", "end", "time"], [f"next_{state}"]))
        operands = [padded, constant(f"kernel_{index}", weight)]
        if layer.use_bias:
            operands.append(constant(f"bias_{index}", np.asarray(layer.bias)))
        last = index == len(generator.convolutions) - 1
        x = "side" if last and grouped else f"conv_{index}"
        nodes.append(helper.make_node("Conv", operands, [x], **attributes))
        if not last:
            nodes.append(helper.make_node("Relu", [x], [f"relu_{index}"]))
            x = f"relu_{index}"

    if not grouped:
        constant("folded", np.array([1, 2 * n_bins, -1], np.int64))
        nodes.append(helper.make_node("Transpose", [x], ["side_pairs"], perm=[0, 3, 1, 2]))
        nodes.append(helper.make_node("Reshape", ["side_pairs", "folded"], ["side"]))
    return helper.make_graph(nodes, "mid_to_side", inputs, outputs, initializers)

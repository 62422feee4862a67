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
AT_ONCE = 8  # frames: with two channels of each, the width of a vector unit


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
    """Convolutions over images `(1, channels, height, frames)`, where the runtime has its fastest code."""
    generator = model.generator
    grouped = isinstance(generator, GroupedConv1DGenerator)
    n_bins, past = generator.n_bins, generator.kernel_frames - 1
    nodes, initializers = [], []
    inputs = [helper.make_tensor_value_info("mid", TensorProto.FLOAT, [1, 2 * n_bins, "frames"])]
    outputs = [helper.make_tensor_value_info("side", TensorProto.FLOAT, [1, 2 * n_bins, "frames"])]

    def constant(name: str, value: np.ndarray | list[int]) -> str:
        array = np.asarray(value, np.int64) if isinstance(value, list) else np.ascontiguousarray(value)
        initializers.append(numpy_helper.from_array(array, name))
        return name

    def add(kind: str, operands: list[str], result: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, operands, [result], **attributes))
        return result

    constant("past", [-past])
    constant("end", [np.iinfo(np.int64).max])
    constant("time", [3])
    if grouped:  # a bin's channels side by side, height 1
        x = add("Reshape", ["mid", constant("unfolded", [1, 2 * n_bins, 1, -1])], "mid_image")
    else:  # (1, 2 bins, frames) → (1, 2, bins, frames)
        pairs = add("Reshape", ["mid", constant("unfolded", [1, n_bins, 2, -1])], "mid_pairs")
        x = add("Transpose", [pairs], "mid_image", perm=[0, 2, 1, 3])

    last = len(generator.convolutions) - 1
    for index, layer in enumerate(generator.convolutions):
        kernel = np.asarray(layer.kernel)
        bias = np.asarray(layer.bias) if layer.use_bias else None
        if grouped:
            weight = kernel.transpose(2, 1, 0)[:, :, np.newaxis]
            state_shape = [1, weight.shape[1] * layer.groups, 1, past]
            attributes: dict[str, Any] = {"group": layer.groups}
            if index == last:
                weight = _at_once(weight, layer.groups)
                bias = None if bias is None else np.repeat(bias.reshape(-1, 2), AT_ONCE, 0).reshape(-1)
                attributes |= {"strides": [1, AT_ONCE], "pads": [0, 0, 0, AT_ONCE - 1]}
        else:
            side = generator.kernel_bins // 2
            weight = kernel.transpose(3, 2, 1, 0)
            state_shape = [1, weight.shape[1], n_bins, past]
            attributes = {"pads": [side, 0, side, 0]}
        state = f"state_{index}"
        inputs.append(helper.make_tensor_value_info(state, TensorProto.FLOAT, state_shape))
        outputs.append(helper.make_tensor_value_info(f"next_{state}", TensorProto.FLOAT, state_shape))
        padded = add("Concat", [state, x], f"padded_{index}", axis=3)
        add("Slice", [padded, "past", "end", "time"], f"next_{state}")
        operands = [padded, constant(f"kernel_{index}", weight)]
        if bias is not None:
            operands.append(constant(f"bias_{index}", bias))
        x = add("Conv", operands, f"conv_{index}", **attributes)
        if index < last:
            x = add("Relu", [x], f"relu_{index}")

    if grouped:  # (1, bins x AT_ONCE x 2, 1, frames / AT_ONCE) → (1, 2 bins, frames)
        x = add("Reshape", [x, constant("apart", [n_bins, AT_ONCE, 2, -1])], "side_apart")
        x = add("Transpose", [x], "side_in_order", perm=[0, 2, 3, 1])
        x = add("Reshape", [x, constant("folded", [1, 2 * n_bins, -1])], "side_padded")
        frames = add("Gather", [add("Shape", ["mid"], "shape"), constant("last_axis", [2])], "n_frames")
        add("Slice", [x, constant("start", [0]), frames, "last_axis"], "side")
    else:
        x = add("Transpose", [x], "side_pairs", perm=[0, 2, 1, 3])
        add("Reshape", [x, constant("folded", [1, 2 * n_bins, -1])], "side")
    return helper.make_graph(nodes, "mid_to_side", inputs, outputs, initializers)


def _at_once(weight: np.ndarray, groups: int) -> np.ndarray:
    """Make a group's two outputs of `AT_ONCE` frames in a row the channels of one stride.

    Two channels at a time leave a vector unit idle: the same layer takes eight times as long.

    Args:
        weight: `(groups * 2, inputs, 1, taps)`.
        groups: of the convolution.

    Returns:
        `(groups * AT_ONCE * 2, inputs, 1, taps + AT_ONCE - 1)`, frame by frame.
    """
    pairs = weight.reshape(groups, 1, 2, *weight.shape[1:])
    shifted = [np.pad(pairs, [(0, 0)] * 5 + [(frame, AT_ONCE - 1 - frame)]) for frame in range(AT_ONCE)]
    return np.concatenate(shifted, axis=1).reshape(-1, *weight.shape[1:3], weight.shape[3] + AT_ONCE - 1)

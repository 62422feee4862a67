"""ONNX graphs over frames, whose convolutions carry their past from block to block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

AT_ONCE = 8  # frames: with two channels of each, the width of a vector unit


class FrameGraph:
    """A graph from `mid` to `side`, `(1, 2·n_bins, frames)`, with states `(…, past frames)` in and out."""

    def __init__(self, n_bins: int) -> None:
        self.n_bins = n_bins
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, np.ndarray] = {}
        self._declared: list[onnx.ValueInfoProto] = []
        self._names = count()
        self._inputs = [self.value("mid", [1, 2 * n_bins, "frames"])]
        self._outputs = [self.value("side", [1, 2 * n_bins, "frames"])]
        self.constant("end", [np.iinfo(np.int64).max])

    def constant(self, name: str, value: np.ndarray | list[int]) -> str:
        """Keep `value` in the file; a list is one of whole numbers."""
        self._constants[name] = np.asarray(value, np.int64) if isinstance(value, list) else value
        return name

    def number(self, name: str, value: float) -> str:
        return self.constant(name, np.array(value, np.float32))

    def shape(self, constant: str) -> list[int]:
        return list(self._constants[constant].shape)

    @contextmanager
    def branch(self) -> Iterator[onnx.GraphProto]:
        """A graph of its own, which sees this one's values, for what is added in the meantime."""
        outside = self._nodes, self._declared
        self._nodes, self._declared = [], []
        graph = onnx.GraphProto(name=f"branch_{next(self._names)}")
        yield graph
        graph.node.extend(self._nodes)
        graph.value_info.extend(self._declared)
        self._nodes, self._declared = outside

    def declare(self, x: str, shape: list[int | str]) -> None:
        """Say which shape a result has, where it cannot be inferred."""
        self._declared.append(self.value(x, shape))

    def add(self, kind: str, operands: list[str], result: str = "", **attributes: Any) -> str:
        """One operation; returns the name of its result."""
        result = result or f"{kind.lower()}_{next(self._names)}"
        self._nodes.append(helper.make_node(kind, operands, [result], **attributes))
        return result

    def reshape(self, x: str, shape: list[int], result: str = "") -> str:
        return self.add("Reshape", [x, self.constant(f"shape_{shape}", shape)], result)

    def cut(self, x: str, first: int, last: int | None, axis: int, result: str = "") -> str:
        """x[first:last] along `axis`."""
        bounds = [self.constant(f"at_{first}", [first])]
        bounds.append("end" if last is None else self.constant(f"at_{last}", [last]))
        return self.add("Slice", [x, *bounds, self.constant(f"axis_{axis}", [axis])], result)

    def state(self, name: str, shape: list[int]) -> str:
        """What `next_` and its name will have been in the block before."""
        state = f"state_{name}"
        self._inputs.append(self.value(state, shape))
        self._outputs.append(self.value(f"next_{state}", shape))
        return state

    def with_past(self, x: str, name: str, shape: list[int]) -> str:
        """`x` behind the frames that came before it: a state of `shape`, its last axis the frames."""
        state, axis = self.state(name, shape), len(shape) - 1
        padded = self.add("Concat", [state, x], f"padded_{name}", axis=axis)
        self.cut(padded, -shape[-1], None, axis, f"next_{state}")
        return padded

    def convolution(
        self,
        x: str,
        name: str,
        weight: np.ndarray,
        bias: np.ndarray | None = None,
        *,
        height: int = 1,
        **attributes: Any,
    ) -> str:
        """Causal: x `(1, channels, height, frames)` with its past, weight `(out, in of a group, …, taps)`."""
        channels = weight.shape[1] * attributes.get("group", 1)
        past = attributes.pop("taps", weight.shape[3]) - 1
        x = self.with_past(x, name, [1, channels, height, past])
        operands = [x, self.constant(f"kernel_{name}", weight)]
        if bias is not None:
            operands.append(self.constant(f"bias_{name}", bias))
        return self.add("Conv", operands, f"conv_{name}", **attributes)

    def pairs_at_once(self, x: str, name: str, weight: np.ndarray, bias: np.ndarray | None) -> None:
        """The last layer, two outputs a bin, `AT_ONCE` frames at a time, and `side` from it.

        Two channels at a time leave a vector unit idle: the same layer takes eight times as long.

        Args:
            x: `(1, channels, 1, frames)`.
            name: Of the layer.
            weight: `(2·n_bins, inputs, 1, taps)`.
            bias: `(2·n_bins,)`.
        """
        n_bins, taps = self.n_bins, weight.shape[3]
        pairs = weight.reshape(n_bins, 1, 2, *weight.shape[1:])
        shifted = [np.pad(pairs, [(0, 0)] * 5 + [(frame, AT_ONCE - 1 - frame)]) for frame in range(AT_ONCE)]
        weight = np.concatenate(shifted, axis=1).reshape(-1, *weight.shape[1:3], taps + AT_ONCE - 1)
        bias = None if bias is None else np.repeat(bias.reshape(-1, 2), AT_ONCE, 0).reshape(-1)
        x = self.convolution(
            x, name, weight, bias,
            taps=taps, group=n_bins, strides=[1, AT_ONCE], pads=[0, 0, 0, AT_ONCE - 1],
        )  # fmt: skip
        # (1, bins x AT_ONCE x 2, 1, frames / AT_ONCE) → (1, 2 bins, frames)
        x = self.reshape(x, [n_bins, AT_ONCE, 2, -1], "side_apart")
        x = self.add("Transpose", [x], "side_in_order", perm=[0, 2, 3, 1])
        x = self.reshape(x, [1, 2 * n_bins, -1], "side_padded")
        frames = self.add(
            "Gather", [self.add("Shape", ["mid"], "shape"), self.constant("at_2", [2])], "n_frames"
        )
        self.add("Slice", [x, self.constant("at_0", [0]), frames, self.constant("axis_2", [2])], "side")

    def finish(self) -> onnx.GraphProto:
        constants = [
            numpy_helper.from_array(np.ascontiguousarray(value), name)
            for name, value in self._constants.items()
        ]
        return helper.make_graph(
            self._nodes, "mid_to_side", self._inputs, self._outputs, constants, value_info=self._declared
        )

    @staticmethod
    def value(name: str, shape: list[Any]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def one_at_a_time(weight: np.ndarray, n_bins: int) -> np.ndarray:
    """The weight that `pairs_at_once` was given, from the one it stored."""
    frames = weight.reshape(n_bins, AT_ONCE, 2, *weight.shape[1:])
    return frames[:, 0].reshape(2 * n_bins, *weight.shape[1:])[..., : weight.shape[3] - AT_ONCE + 1]

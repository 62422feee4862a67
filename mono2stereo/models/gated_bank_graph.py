"""The gated bank as an ONNX graph, laid out for the kernels by which onnxruntime convolves fastest.

Those want sixteen channels, or a multiple, into and out of each group: as many as a vector unit takes. So
frames, where their number is a multiple of eight, go in pairs, as channels `(bin, frame of the pair, …)` of
images `(1, channels, 1, pairs)`, and earlier pairs beside them. A live stream's few frames go the plain way,
whose kernels are a fifth as large. What is kept from block to block is small: mid, means, envelopes, and what
the filters still owe.
"""

from __future__ import annotations

from functools import reduce
from math import ceil, prod

import numpy as np
import onnx

from mono2stereo.models.onnx_graph import AT_ONCE, FrameGraph
from mono2stereo.models.receptive_field import (
    AVERAGE_SHIFTS,
    GATE_KERNELS,
    GATE_SPACING,
    LONG_SHIFTS,
    MEAN_SHIFTS,
    NOTHING,
    QUIET,
    SLOW_BINS,
    SLOW_SHIFTS,
    TINY,
)

PAIR = 2
BESIDE = 4  # with two frames, real and imaginary part, sixteen channels
DEPTHWISE = 4  # onnxruntime's depthwise convolutions take a multiple of so many channels


class GatedBankGraph(FrameGraph):
    """All of the graph, but for the filters in pairs.

    Args:
        n_bins: Of a frame.
        constants: `kernel_` and, of the gates, `bias_` of each layer by its name, kernels
            `(out, in of a group, 1, taps)`; that of `sum` twice as large, since gates here go up to one.
    """

    def __init__(self, n_bins: int, constants: dict[str, np.ndarray]) -> None:
        super().__init__(n_bins)
        for name, value in constants.items():
            self.constant(name, value)
        pairs = FiltersInPairs(self)
        bank, late = (self.shape(f"kernel_{name}")[3] - 1 for name in ("bank", "sum"))
        in_envelopes = sum(AVERAGE_SHIFTS) + sum(MEAN_SHIFTS)
        past = max(in_envelopes, bank, pairs.before)
        mid = self.with_past("mid", "mid", [1, 2 * n_bins, past])
        envelopes = self._envelopes(self.cut(mid, past - in_envelopes, None, 2))
        frames = self.add("Gather", [self.add("Shape", ["mid"]), self.constant("at_2", [2])])
        rest = self.add("Mod", [frames, self.constant("at_once", [AT_ONCE])])
        with self.branch() as plain:
            plain.output.append(self._filters(self.cut(mid, past - bank, None, 2), envelopes))
        with self.branch() as in_pairs:
            in_pairs.output.append(pairs.build(self.cut(mid, past - pairs.before, None, 2), envelopes))
        rest = self.add("Cast", [rest], to=onnx.TensorProto.BOOL)
        filtered = self.add("If", [rest], then_branch=plain, else_branch=in_pairs)
        # Filters go on behind their input's end: what they make there belongs to the next blocks.
        owed = self.state("sum", [1, 2 * n_bins, late])
        begun = self.add("Add", [self.cut(filtered, 0, late, 2), owed])
        whole = self.add("Concat", [begun, self.cut(filtered, late, None, 2)], axis=2)
        self.cut(whole, 0, -late, 2, "side")
        self.cut(whole, -late, None, 2, f"next_{owed}")

    def _envelopes(self, mid: str) -> str:
        """(1, bins, 2, frames) behind their past, as ln of powers, which are twice as large."""
        bins, channels = self.n_bins, DEPTHWISE * ceil(self.n_bins / DEPTHWISE)
        parts = self.reshape(self.add("Mul", [mid, mid]), [1, bins, 2, -1])
        more = self.constant("more_channels", [0, 0, 0, 0, 0, channels - bins, 0, 0])
        average = self._mean(self.add("Pad", [parts, more]), AVERAGE_SHIFTS, channels, rows=2)
        mean = self._mean(average, MEAN_SHIFTS, channels)
        means = self.with_past(mean, "means", [1, channels, 1, sum(LONG_SHIFTS)])
        long_mean = self._mean(means, LONG_SHIFTS, channels)
        everywhere = self.add("ReduceMean", [long_mean], axes=[1])
        nothing = self.add("Mul", [everywhere, self.number("nothing", NOTHING * channels / bins)])
        floor = self.add("Add", [nothing, self.number("tiny", TINY)])
        slow_mean = self._mean(self.cut(means, 0, SLOW_BINS, 1), SLOW_SHIFTS, SLOW_BINS)
        slow_mean = self.cut(slow_mean, sum(LONG_SHIFTS) - sum(SLOW_SHIFTS), None, 3)
        average = self.cut(average, sum(MEAN_SHIFTS), None, 3)
        now, before = (
            self.add("Concat", [low, self.cut(high, SLOW_BINS, None, 1)], axis=1)
            for low, high in ((self.cut(mean, 0, SLOW_BINS, 1), average), (slow_mean, mean))
        )
        powers = [now, before, long_mean]
        levels = self.add("Add", [self.add("Concat", powers, axis=2), floor])
        levels = self.cut(levels, 0, bins, 1)
        ratios = self.add("Div", [self.cut(levels, 0, 2, 2), self.cut(levels, 1, 3, 2)])
        envelopes = self.add("Log", [self.add("Add", [ratios, self.number("quiet", QUIET)])])
        seen = GATE_SPACING * sum(kernel - 1 for kernel in GATE_KERNELS)
        return self.with_past(envelopes, "envelopes", [1, bins, 2, seen])

    def _mean(self, x: str, shifts: tuple[int, ...], channels: int, rows: int = 1) -> str:
        """Means by pairs of x `(1, channels, rows, frames)`, of the sum of its rows."""
        halves = [np.where(np.isin(np.arange(shift + 1), (0, shift)), 0.5, 0) for shift in shifts]
        taps = reduce(np.convolve, halves)[:: shifts[0]].astype(np.float32)
        kernel = self.constant(f"taps_{sum(shifts)}", np.tile(taps, (channels, 1, rows, 1)))
        return self.add("Conv", [x, kernel], group=channels, dilations=[1, shifts[0]])

    def gate_0(self) -> str:
        """The first gates' kernel, for envelopes twice as large."""
        return self.add("Mul", ["kernel_gate_0", self.number("half", 0.5)])

    def _filters(self, mid: str, envelopes: str) -> onnx.ValueInfoProto:
        """All that the filters make of some frames of mid, behind it and the envelopes their past."""
        bins, spacing = self.n_bins, [1, GATE_SPACING]
        x = self.reshape(envelopes, [1, 2 * bins, 1, -1])
        for kernel, name, activation in (
            (self.gate_0(), "gate_0", "Relu"),
            ("kernel_gate_1", "gate_1", "Sigmoid"),
        ):
            x = self.add("Conv", [x, kernel, f"bias_{name}"], group=bins, dilations=spacing)
            x = self.add(activation, [x])
        image = self.reshape(mid, [1, 2 * bins, 1, -1])
        outputs = self.add("Conv", [image, "kernel_bank"], group=bins)
        filters = self.shape("kernel_gate_1")[0]
        gated = self.add("Mul", [self.reshape(outputs, [filters, 2, -1]), self.reshape(x, [filters, 1, -1])])
        x = self.reshape(gated, [1, 2 * filters, 1, -1])
        # (out, in, 1, taps) to (in, out, 1, taps), first lag first
        _, inputs, _, taps = self.shape("kernel_sum")
        kernel = self.reshape("kernel_sum", [bins, 2, inputs, taps])
        kernel = self.add("Transpose", [kernel], perm=[0, 2, 1, 3])
        backwards = self.constant("backwards", [-1])
        start = self.constant("before_all", [-taps - 1])
        kernel = self.add("Slice", [kernel, backwards, start, self.constant("axis_3", [3]), backwards])
        kernel = self.reshape(kernel, [bins * inputs, 2, 1, taps])
        x = self.add("ConvTranspose", [x, kernel], group=bins)
        return self.value_info(self.reshape(x, [1, 2 * bins, -1]))

    def value_info(self, x: str) -> onnx.ValueInfoProto:
        return self.value(x, [1, 2 * self.n_bins, "made"])


class FiltersInPairs:
    """The same as a graph's plain filters, of a multiple of `AT_ONCE` frames.

    Args:
        graph: has the constants.
    """

    def __init__(self, graph: GatedBankGraph) -> None:
        self.graph, self.n_bins = graph, graph.n_bins
        seen = graph.shape("kernel_bank")[3] + PAIR - 1
        self.bank_taps = ceil(seen / PAIR / BESIDE)
        self.before = PAIR * (self.bank_taps * BESIDE - 1)  # frames of the mid

    def build(self, mid: str, envelopes: str) -> onnx.ValueInfoProto:
        graph = self.graph
        gates = self._gates(self._in_pairs(envelopes))
        outputs = self._bank(self._in_pairs(mid))
        for x in (gates, outputs):  # what is declared to be of one shape is multiplied as it lies in memory
            graph.declare(x, [1, PAIR * graph.shape("kernel_bank")[0], 1, "pairs"])
        return graph.value_info(self._sum(graph.add("Mul", [outputs, gates])))

    def _in_pairs(self, x: str) -> str:
        """From `(1, bins, 2, frames)` or `(1, 2·bins, frames)` to `(bins, PAIR, 2, pairs)`."""
        parts = self.graph.reshape(x, [self.n_bins, 2, -1, PAIR])
        return self.graph.add("Transpose", [parts], perm=[0, 3, 1, 2])

    def _gates(self, envelopes: str) -> str:
        """From 0 to 1, twice: for the real and for the imaginary part of what they weigh."""
        graph, groups, spacing = self.graph, self.n_bins * PAIR, [1, GATE_SPACING // PAIR]
        x = graph.reshape(envelopes, [1, groups * 2, 1, -1])
        kernel = self._for_frames(graph.gate_0(), graph.shape("kernel_gate_0"))
        bias = self._for_frames("bias_gate_0", graph.shape("bias_gate_0"))
        x = graph.add("Relu", [graph.add("Conv", [x, kernel, bias], group=groups, dilations=spacing)])
        # Few filters: both frames of a bin are one group, for the sake of sixteen channels out.
        outputs, inputs, _, taps = graph.shape("kernel_gate_1")
        apart = [self.n_bins, 1, outputs // self.n_bins, 1, 1, inputs, 1, taps]
        same_frame = np.eye(PAIR, dtype=np.float32).reshape(1, PAIR, 1, 1, PAIR, 1, 1, 1).repeat(2, axis=3)
        kernel = graph.reshape("kernel_gate_1", apart)
        kernel = graph.add("Mul", [kernel, graph.constant("same_frame", same_frame)])
        kernel = graph.reshape(kernel, [PAIR * 2 * outputs, PAIR * inputs, 1, taps])
        bias = self._for_frames("bias_gate_1", [outputs], times=2)
        x = graph.add("Conv", [x, kernel, bias], group=self.n_bins, dilations=spacing)
        return graph.add("Sigmoid", [x])

    def _bank(self, mid: str) -> str:
        """Outputs (bin, frame, filter, part)."""
        graph = self.graph
        lags = [graph.cut(mid, lag, lag - BESIDE + 1 or None, 3) for lag in range(BESIDE)]
        x = graph.reshape(graph.add("Concat", lags, axis=1), [1, self.n_bins * BESIDE * PAIR * 2, 1, -1])
        kernel = self._for_pairs("kernel_bank", PAIR, [self.bank_taps, BESIDE], [5, 6, 3])
        return graph.add("Conv", [x, kernel], group=self.n_bins, dilations=[1, BESIDE])

    def _sum(self, gated: str) -> str:
        """All that the last filters make, to the end of what rings on, `AT_ONCE` frames at a time."""
        graph, pairs = self.graph, AT_ONCE // PAIR
        later = graph.shape("kernel_sum")[3] - 1
        before, after = ceil(later / PAIR), ceil(later / AT_ONCE)
        kernel = self._for_pairs("kernel_sum", AT_ONCE, [before + pairs], [5, 3])
        pads = [0, before, 0, after * pairs]
        filtered = graph.add("Conv", [gated, kernel], group=self.n_bins, strides=[1, pairs], pads=pads)
        filtered = graph.reshape(filtered, [self.n_bins, AT_ONCE, 2, -1])
        frames = graph.add("Transpose", [filtered], perm=[0, 2, 3, 1])
        frames = graph.reshape(frames, [1, 2 * self.n_bins, -1])
        return graph.cut(frames, 0, later - after * AT_ONCE or None, 2)

    def _for_frames(self, constant: str, shape: list[int], times: int = 1) -> str:
        """`(out, …)` for each frame of a pair, each output so many times."""
        outputs, *others = shape[0] // self.n_bins, *shape[1:]
        apart = self.graph.reshape(constant, [self.n_bins, 1, outputs, 1, *others])
        wanted = [self.n_bins, PAIR, outputs, times, *others]
        more = self.graph.add("Expand", [apart, self.graph.constant(f"shape_{wanted}", wanted)])
        return self.graph.reshape(more, [PAIR * times * shape[0], *others])

    def _for_pairs(self, kernel: str, at_once: int, pairs: list[int], into: list[int]) -> str:
        """A kernel of frames as one of pairs, `(bin · frame made · output, channels, 1, taps)`.

        Args:
            kernel: `(out, in, 1, taps)`; its time is filled up to all pairs that are seen.
            at_once: Frames.
            pairs: How many are seen: taps, and those that are channels.
            into: Which axes of (bin, frame made, output, input, *pairs, frame seen) are input channels.
        """
        graph, bins = self.graph, self.n_bins
        outputs, inputs, _, taps = graph.shape(kernel)
        apart = graph.reshape(kernel, [bins, 1, outputs // bins, inputs, taps])
        shape = [bins, at_once, outputs // bins, inputs, *pairs, PAIR]
        before = PAIR * prod(pairs) - taps
        ends = [[0] * 4 + [before - after] + [0] * 4 + [after] for after in reversed(range(at_once))]
        frames = [graph.add("Pad", [apart, graph.constant(f"pads_{end}", end)]) for end in ends]
        whole = graph.reshape(graph.add("Concat", frames, axis=1), shape)
        turned = graph.add("Transpose", [whole], perm=[0, 1, 2, *into, 4])
        return graph.reshape(turned, [at_once * outputs, -1, 1, pairs[0]])

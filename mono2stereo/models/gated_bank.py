"""A bank of complex filters per STFT bin, each weighted by a gate that follows the bin's envelope.

A rectifier of real and imaginary parts makes new lines beside every tone, since it does not follow phase.
Here the filters are complex, and what is not linear works on magnitudes alone: of a steady tone the gates are
steady, and then all is a linear filter, which adds nothing between harmonics. In each bin, x complex,
frames t:

    z_n(t) = Σ_τ w_n(τ)·x(t−τ)        y(t) = Σ_n Σ_τ v_n(τ)·g_n(t−τ)·z_n(t−τ)
    g(t) = 2·sigmoid(conv(ReLU(conv(½·ln(a(t) / m(t) + 1e-4), ½·ln(m(t) / l(t) + 1e-4)))))

a is |x|² smoothed over 22 frames, m the mean of a over 128, l that of m over 1024 (1.35 s at 760 frames a
second): attacks move gates, and so do notes that come and go. In the lowest bins m stands for a, and a mean
of m over 384 for m: what moves a bass note faster spreads it over the third octaves beside it. The gates'
convolutions take each eighth frame. |x| itself would ripple at multiples of a low note, some of which fold to
a few Hz at the frame rate. So f(e^{iφ}·x) = e^{iφ}·f(x) and f(a·x) = a·f(x) exactly. Filters that differ from
bin to bin are time-invariant only where frames overlap enough: by 75 % tones stay clean
(docs/decisions/generator.md).
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mono2stereo.models.complex_conv import ComplexConv1D
from mono2stereo.models.generator import Generator, turn
from mono2stereo.models.grouped_conv import GroupedConv1D, outputs_in_turn
from mono2stereo.models.receptive_field import (
    AVERAGE_SHIFTS,
    GATE_CHANNELS,
    GATE_KERNELS,
    GATE_SPACING,
    LONG_SHIFTS,
    MEAN_SHIFTS,
    NOTHING,
    QUIET,
    SLOW_BINS,
    SLOW_SHIFTS,
    TINY,
    output_kernel_frames,
)


class GatedBankGenerator(Generator):
    """Gated complex filters; no bin sees another, but for what is nothing beside all of them."""

    kind = "gated_bank"

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        bins, outputs = self.n_bins, self.n_bins * self.filters_per_bin
        self.bank = ComplexConv1D(outputs, self.kernel_frames, groups=bins, name="bank")
        self.bank.build((None, None, 2 * bins))
        late = output_kernel_frames(self.kernel_frames)
        self.sum = ComplexConv1D(bins, late, groups=bins, name="sum")
        self.sum.build((None, None, 2 * outputs))
        first, second = (
            GroupedConv1D(
                filters, kernel, groups=bins, dilation_rate=GATE_SPACING, negative_slope=slope, name=name
            )
            for name, filters, kernel, slope in zip(
                ("gate_0", "gate_1"), (bins * GATE_CHANNELS, outputs), GATE_KERNELS, (0.0, None), strict=True
            )
        )
        first.build((None, None, 2 * bins))
        second.build((None, None, bins * GATE_CHANNELS))
        self.gate_layers = (first, second)

    @property
    def named_layers(self) -> dict[str, keras.layers.Layer]:
        gates = {f"gate_{index}": layer for index, layer in enumerate(self.gate_layers)}
        return {"bank": self.bank, **gates, "sum": self.sum}

    def start_from_copy(self, lookahead_frames: int, phase_degrees: float = 0.0) -> None:
        """The first filter of each bin and what sums its output are one tap at the present frame."""
        for layer, tap in ((self.bank, (1.0, 0.0)), (self.sum, turn(phase_degrees)[0])):
            late = min(lookahead_frames, layer.kernel_size - 1)
            lookahead_frames -= late
            taps = np.array(layer.taps)
            of_bins = taps.reshape(layer.kernel_size, -1, self.n_bins, layer.filters // 2 // self.n_bins, 2)
            of_bins[:, 0, :, 0] = 0.0
            of_bins[layer.kernel_size - 1 - late, 0, :, 0] = tap
            layer.taps.assign(taps)

    def envelopes(self, spectrum: tf.Tensor) -> tf.Tensor:
        """What the gates see, ln: each bin's envelope beside its mean, and that mean beside a longer one.

        Returns (batch, frames - all shifts, 2 · n_bins), the two of a bin side by side.

        Arithmetic that no graph rewriting takes to a lower precision: gates must be in use what they were in
        training.
        """
        pairs = tf.reshape(spectrum, (tf.shape(spectrum)[0], -1, self.n_bins, 2))
        average = mean_by_pairs(tf.reduce_sum(tf.square(pairs), axis=-1), AVERAGE_SHIFTS)
        mean = mean_by_pairs(average, MEAN_SHIFTS)
        slow_mean = mean_by_pairs(mean[..., :SLOW_BINS], SLOW_SHIFTS)
        long_mean = mean_by_pairs(mean, LONG_SHIFTS)
        frames = tf.shape(long_mean)[1]
        average, mean, slow_mean = (x[:, -frames:] for x in (average, mean, slow_mean))
        now = tf.concat([mean[..., :SLOW_BINS], average[..., SLOW_BINS:]], axis=-1)
        before = tf.concat([slow_mean, mean[..., SLOW_BINS:]], axis=-1)
        floor = NOTHING * tf.reduce_mean(long_mean, axis=-1, keepdims=True) + TINY
        levels = [power + floor for power in (now, before, long_mean)]
        ratios = tf.stack([levels[0] / levels[1], levels[1] / levels[2]], axis=-1)
        return tf.reshape(0.5 * tf.math.log(ratios + QUIET), (-1, frames, 2 * self.n_bins))

    def gates(self, spectrum: tf.Tensor) -> tf.Tensor:
        """From 0 to 2, (batch, frames - gate_frames, n_bins · filters_per_bin)."""
        gates = outputs_in_turn(self.gate_layers, self.envelopes(spectrum), training=False)[-1]
        return 2.0 * tf.sigmoid(gates)

    def call(self, spectrum: tf.Tensor) -> tf.Tensor:
        outputs = self._filtered(spectrum)
        gates = self.gates(spectrum)[:, -tf.shape(outputs)[1] :]
        return self.sum(outputs * tf.repeat(gates, 2, axis=-1))

    def at_rest(self, spectrum: tf.Tensor) -> tf.Tensor:
        return self.sum(self._filtered(spectrum) * tf.repeat(self._gates_at_rest(), 2))

    def _gates_at_rest(self) -> tf.Tensor:
        """Of what is steady, `(n_bins · filters_per_bin,)`.

        Its envelopes are their own means, ln 1: the first layer makes its biases of them, at all times alike.
        """
        first, second = self.gate_layers
        seen = tf.reshape(tf.nn.relu(first.bias), (self.n_bins, GATE_CHANNELS, 1))
        kernel = tf.reshape(tf.reduce_sum(second.kernel, axis=0), (GATE_CHANNELS, self.n_bins, -1))
        weighed = tf.reduce_sum(seen * tf.transpose(kernel, (1, 0, 2)), axis=1)
        return 2.0 * tf.sigmoid(tf.reshape(weighed, (-1,)) + second.bias)

    def _filtered(self, spectrum: tf.Tensor) -> tf.Tensor:
        late = output_kernel_frames(self.kernel_frames) - 1
        frames = tf.shape(spectrum)[1] - self.receptive_frames + late
        return self.bank(spectrum[:, 1 - frames - self.kernel_frames :])


def mean_by_pairs(x: tf.Tensor, shifts: tuple[int, ...]) -> tf.Tensor:
    """Mean of each frame of `x`, (batch, frames, bins), and frames before it; `sum(shifts)` fewer come out.

    A running sum would lose what is quiet after what is loud.
    """
    for shift in shifts:
        x = 0.5 * (x[:, shift:] + x[:, :-shift])
    return x

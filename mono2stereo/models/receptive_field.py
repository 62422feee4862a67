"""Sizes of generators, for what knows no TensorFlow: how far they see, and what the gated bank is made of."""

from __future__ import annotations

from typing import Literal

Kind = Literal["gated_bank", "grouped_conv1d", "conv2d"]
N_LAYERS = 4  # of the published kinds

# Of the gated bank. Envelopes are slower than frames: gates see every eighth of smooth averages.
GATE_SPACING = 8
# Means by pairs, of a value and of what lies so many frames before it, over and over. Eight frames three
# times: once would leave a fifth of the ripple at twice the frequency of a bass note, and gates would follow.
AVERAGE_SHIFTS = (1, 2, 4) * 3
MEAN_SHIFTS = (8, 16, 32, 64)
SLOW_SHIFTS = (128, 256)
SLOW_BINS = 4  # whose gates see slower means
LONG_SHIFTS = (128, 256, 512)
GATE_KERNELS = (10, 5)
GATE_CHANNELS = 16
QUIET = 1e-4  # power 40 dB below its mean is silence to the gates
NOTHING = 1e-8  # power 80 dB below what all bins have in the mean is rounding, which must not move gates
TINY = 1e-30
OUTPUT_SHARE = 3  # the filters that sum a bank's outputs have a third of the taps


def output_kernel_frames(kernel_frames: int) -> int:
    """Taps of the gated bank's second filters.

    >>> output_kernel_frames(117)
    39
    """
    return -(-kernel_frames // OUTPUT_SHARE)


def gate_frames() -> int:
    """Frames before its own that a gate depends on."""
    means = sum(AVERAGE_SHIFTS) + sum(MEAN_SHIFTS) + sum(LONG_SHIFTS)
    return means + GATE_SPACING * sum(kernel - 1 for kernel in GATE_KERNELS)


def filtered_frames(kind: Kind, kernel_frames: int) -> int:
    """Frames beside its own that the filters of the signal reach: some of these can lie in the future."""
    if kind == "gated_bank":
        return kernel_frames + output_kernel_frames(kernel_frames) - 2
    return N_LAYERS * (kernel_frames - 1)


def receptive_frames(kind: Kind, kernel_frames: int) -> int:
    """Frames beside its own that a frame of the side depends on.

    >>> receptive_frames("grouped_conv1d", 40), receptive_frames("gated_bank", 117)
    (156, 1179)
    """
    if kind == "gated_bank":
        return max(kernel_frames - 1, gate_frames()) + output_kernel_frames(kernel_frames) - 1
    return filtered_frames(kind, kernel_frames)

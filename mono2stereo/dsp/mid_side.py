"""Left/right to mid/side and back, on the scale whose mid *is* the mono fold-down."""

from __future__ import annotations

import numpy as np

from mono2stereo.dsp.signals import Signal, require_pair, require_stereo


def encode(stereo: Signal) -> tuple[Signal, Signal]:
    """Split stereo into mid M = (L+R)/2 and side S = (L-R)/2.

    Args:
        stereo: (samples, 2), float32 or float64.

    Returns:
        mid and side, each (samples,), of the dtype given.

    Raises:
        AudioError: not two channels, or not floating point.

    >>> mid, side = encode(np.array([[1.0, 0.0], [0.5, 0.5]]))
    >>> mid.tolist(), side.tolist()
    ([0.5, 0.5], [0.5, 0.0])
    """
    require_stereo(stereo, "stereo")
    left, right = stereo[:, 0], stereo[:, 1]
    return (left + right) * stereo.dtype.type(0.5), (left - right) * stereo.dtype.type(0.5)


def decode(mid: Signal, side: Signal) -> Signal:
    """Join mid and side to stereo: L = M+S, R = M-S. Whatever the side, (L+R)/2 is the mid.

    Args:
        mid: (samples,).
        side: (samples,).

    Returns:
        (samples, 2).

    Raises:
        AudioError: lengths differ, or not floating point.

    >>> decode(np.array([0.5, 0.5]), np.array([0.5, 0.0])).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    require_pair(mid, side, "mid and side")
    return np.stack([mid + side, mid - side], axis=1)

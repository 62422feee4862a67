"""What every decorrelator is: mono in, side out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.signal

from mono2stereo.dsp.signals import Signal, require_mono, require_sample_rate


class Decorrelator(Protocol):
    """Makes the side channel that a mono recording lacks."""

    @property
    def name(self) -> str:
        """Name in tables and file names, parameters included."""
        ...

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        """Make the side of a mid, both (samples,) of one dtype, at the level of the mid or near it.

        Deterministic; silence gives silence.

        Raises:
            AudioError: not a floating-point waveform, or a rate that does not fit.
        """
        ...


def require_mid(mid: Signal, sample_rate: int) -> None:
    """Refuse what no decorrelator takes.

    Raises:
        AudioError: not a floating-point waveform, or a rate below 8000 Hz.
    """
    require_mono(mid, "mid", samples=1)
    require_sample_rate(sample_rate)


def filter_causally(mid: Signal, impulse_response: Signal) -> Signal:
    """Convolve (samples,) with an impulse response, keeping length and dtype; nothing sounds early.

    >>> np.allclose(filter_causally(np.array([1.0, 0, 0, 0]), np.array([0, 0.5])), [0, 0.5, 0, 0])
    True
    """
    side = scipy.signal.oaconvolve(mid.astype(np.float64), impulse_response)
    return side[: mid.shape[0]].astype(mid.dtype)

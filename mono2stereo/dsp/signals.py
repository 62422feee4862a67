"""What this package accepts as a signal: finite-rate float32 or float64 arrays of a known rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from mono2stereo.errors import AudioError

Signal = npt.NDArray[Any]
LOWEST_SAMPLE_RATE, HIGHEST_SAMPLE_RATE = 8000, 384_000


def require_mono(x: Signal, name: str, *, samples: int = 0) -> None:
    """Refuse what is not a floating-point waveform of at least `samples` samples.

    Raises:
        AudioError: `x` has another rank, another dtype, or is too short.
    """
    _require_float(x, name)
    if x.ndim != 1:
        raise AudioError(f"{name} has shape {x.shape}: one channel is needed, shape (samples,)")
    if x.shape[0] < samples:
        raise AudioError(f"{name} has {x.shape[0]} samples: at least {samples} are needed")


def require_stereo(x: Signal, name: str) -> None:
    """Refuse what is not a floating-point signal of shape (samples, 2).

    Raises:
        AudioError: `x` has another shape or dtype.
    """
    _require_float(x, name)
    if x.ndim != 2 or x.shape[1] != 2:
        raise AudioError(f"{name} has shape {x.shape}: two channels are needed, shape (samples, 2)")


def require_pair(x: Signal, y: Signal, names: str, *, samples: int = 0) -> None:
    """Refuse two signals that are not mono or not equally long.

    Raises:
        AudioError: shapes differ, or either is not a waveform of at least `samples` samples.
    """
    require_mono(x, f"the first of {names}", samples=samples)
    require_mono(y, f"the second of {names}", samples=samples)
    if x.shape != y.shape:
        raise AudioError(f"{names} have {x.shape[0]} and {y.shape[0]} samples: cut them to one length")


def require_sample_rate(sample_rate: float) -> int:
    """Refuse rates that audio does not come at, and what is no rate; returns it as an integer.

    Raises:
        AudioError: `sample_rate` is no number, no whole one, or not from 8000 to 384 000 Hz.

    >>> require_sample_rate(44100.0)
    44100
    """
    number = isinstance(sample_rate, (Real, np.number)) and not isinstance(sample_rate, bool)
    if not number or not LOWEST_SAMPLE_RATE <= sample_rate <= HIGHEST_SAMPLE_RATE or sample_rate % 1:
        raise AudioError(
            f"sample_rate = {sample_rate!r}: a whole number of at least {LOWEST_SAMPLE_RATE} Hz and at most "
            f"{HIGHEST_SAMPLE_RATE} Hz; resample first"
        )
    return int(sample_rate)


def fast_length(samples: int) -> int:
    """The next length whose Fourier transform is fast: no prime factor above 5.

    >>> fast_length(8191)
    8192
    """
    while math.gcd(samples, 30**32) != samples:
        samples += 1
    return samples


def mean_defined(rows: Sequence[Signal] | Signal) -> Signal:
    """Mean over the first axis of what is not NaN; NaN where nothing is left.

    >>> mean_defined(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
    [2.0, nan]
    """
    array = np.asarray(rows, np.float64)
    defined = ~np.isnan(array)
    with np.errstate(invalid="ignore"):
        return np.where(defined, array, 0.0).sum(axis=0) / defined.sum(axis=0)


def _require_float(x: Signal, name: str) -> None:
    if x.dtype not in (np.float32, np.float64):
        raise AudioError(f"{name} has dtype {x.dtype}: float32 or float64 is needed, full scale at 1.0")

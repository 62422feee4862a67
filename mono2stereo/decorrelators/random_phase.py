"""A short FIR filter of flat magnitude and random phase."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.fir import FirStream
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError


@dataclass(frozen=True)
class RandomPhase(Streaming):
    """Noise-like impulse response whose DFT has magnitude one and phases drawn evenly.

    Kendall, "The Decorrelation of Audio Signals and Its Impact on Spatial Imagery", CMJ 19 (1995).
    Flat at the frequencies of its own DFT only; it ripples in between.

    Args:
        duration_seconds: of the impulse response.
        seed: draws the phases.

    Raises:
        AudioError: shorter than 1 ms.

    >>> bool(np.allclose(np.abs(np.fft.rfft(RandomPhase().impulse_response(22050))), 1))
    True
    """

    duration_seconds: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.duration_seconds >= 1e-3:
            raise AudioError(f"random phase: duration_seconds = {self.duration_seconds}: at least 0.001")

    @property
    def name(self) -> str:
        return f"random-phase-{self.duration_seconds * 1e3:g}ms"

    def impulse_response(self, sample_rate: int) -> Signal:
        """Return the filter at a rate, (round(duration_seconds * sample_rate),) float64."""
        return _impulse_response(self, sample_rate)

    def stream(self, sample_rate: int) -> FirStream:
        return FirStream(self.impulse_response(sample_rate))


@lru_cache(maxsize=32)
def _impulse_response(decorrelator: RandomPhase, sample_rate: int) -> Signal:
    length = round(decorrelator.duration_seconds * sample_rate)
    phases = np.random.default_rng(decorrelator.seed).uniform(-np.pi, np.pi, length // 2 + 1)
    phases[0] = 0.0
    if length % 2 == 0:
        phases[-1] = 0.0
    response = scipy.fft.irfft(np.exp(1j * phases), length)
    response.flags.writeable = False
    return response

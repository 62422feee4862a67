"""A sparse FIR filter of plus and minus ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.fir import FirStream
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError


@dataclass(frozen=True)
class Velvet(Streaming):
    """Velvet noise: one pulse of random sign in each stretch of T_d samples, at k = round(m T_d + r (T_d-1)).

    Alary, Politis & Välimäki, "Velvet-Noise Decorrelator", DAFx-17, eqs. 3-6. Unit energy here, so that
    noise keeps its level. Decaying it softens transients and, at the published -60 dB, leaves the first
    few pulses to decide: close to a copy.

    Args:
        duration_seconds: of the impulse response.
        pulses_per_second: density, the rate over T_d.
        decay_db: how far the last pulses lie below the first; 0 for none.
        seed: draws times and signs.

    Raises:
        AudioError: no pulse, a rising envelope, or too dense for 8000 Hz.

    >>> int(np.count_nonzero(Velvet().impulse_response(44100)))
    30
    """

    duration_seconds: float = 0.03
    pulses_per_second: float = 1000.0
    decay_db: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.duration_seconds * self.pulses_per_second >= 1 or not self.pulses_per_second <= 8000:
            raise AudioError(
                f"velvet: {self.pulses_per_second:g} pulses_per_second over {self.duration_seconds:g} s: "
                "at least one pulse, at most 8000 a second"
            )
        if not self.decay_db >= 0:
            raise AudioError(f"velvet: decay_db = {self.decay_db}: from 0 up")

    @property
    def name(self) -> str:
        return f"velvet-{self.duration_seconds * 1e3:g}ms-{self.decay_db:g}dB"

    def impulse_response(self, sample_rate: int) -> Signal:
        """Return the filter at a rate, (round(duration_seconds * sample_rate),) float64, of energy one."""
        return _impulse_response(self, sample_rate)

    def stream(self, sample_rate: int) -> FirStream:
        return FirStream(self.impulse_response(sample_rate))


@lru_cache(maxsize=32)
def _impulse_response(decorrelator: Velvet, sample_rate: int) -> Signal:
    random = np.random.default_rng(decorrelator.seed)
    length = round(decorrelator.duration_seconds * sample_rate)
    spacing = sample_rate / decorrelator.pulses_per_second
    pulses = int(decorrelator.duration_seconds * decorrelator.pulses_per_second + 1e-9)
    times = np.round(np.arange(pulses) * spacing + random.random(pulses) * (spacing - 1)).astype(int)
    signs = random.choice([-1.0, 1.0], pulses)
    response = np.zeros(length)
    times = np.minimum(times, length - 1)
    response[times] = signs * 10 ** (-decorrelator.decay_db / 20 * times / length)
    response /= np.linalg.norm(response)
    response.flags.writeable = False
    return response

"""Velvet noise whose pulses are moved and scaled until it is flat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.fir import FirStream
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError

STRETCH_SHARE = 0.95  # of its stretch, where a pulse may lie
GAIN_RANGE_DB = 6.0  # around the envelope, reached after FADE_SECONDS: early pulses stay on it
FADE_SECONDS = 0.001
ITERATIONS = 100
# Above, a third octave holds so many ripples that it is flat by itself.
GRID_HZ = np.arange(10.0, 6500.0, 20.0)
CENTRES_HZ = np.geomspace(20, 5000, 60)


@dataclass(frozen=True)
class OptimizedVelvet(Streaming):
    """Velvet noise with times and gains optimised for a flat third-octave smoothed magnitude.

    Schlecht, Alary, Välimäki & Habets, "Optimized Velvet-Noise Decorrelator", DAFx-18: one pulse in each
    stretch, the first at 0 with gain 1; the others may move in their stretches and by 6 dB around the
    decaying envelope, signs stay. Minimised is the variance along log frequency of the smoothed level, by a
    quasi-Newton method within these bounds, in continuous time; pulses are then rounded to samples. The
    start is drawn from `seed`; the result follows from it, takes about a second and is kept for the process.
    Of energy one here.

    Args:
        duration_seconds: of the impulse response.
        pulses: 30 and 15 in the paper (OVN30, OVN15).
        decay_db: how far the envelope falls over the duration.
        seed: draws where the optimisation starts.

    Raises:
        AudioError: too few pulses, too dense for 8000 Hz, or a rising envelope.

    >>> response = OptimizedVelvet(pulses=15).impulse_response(48000)
    >>> len(response), int(np.count_nonzero(response))
    (1440, 15)
    """

    duration_seconds: float = 0.03
    pulses: int = 30
    decay_db: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.pulses <= 4000 * self.duration_seconds:
            raise AudioError(
                f"optimised velvet: {self.pulses} pulses within {self.duration_seconds:g} s: "
                "at least two, at most 4000 a second"
            )
        if not self.decay_db >= 0:
            raise AudioError(f"optimised velvet: decay_db = {self.decay_db}: from 0 up")

    @property
    def name(self) -> str:
        return f"optimized-velvet-{self.pulses}x{self.duration_seconds * 1e3:g}ms-{self.decay_db:g}dB"

    def impulse_response(self, sample_rate: int) -> Signal:
        """Return the filter at a rate, (round(duration_seconds * sample_rate),) float64, of energy one."""
        times, gains = optimise(self)
        response = np.zeros(round(self.duration_seconds * sample_rate))
        np.add.at(response, np.round(times * sample_rate).astype(int), gains)  # at 8000 Hz two may meet
        return response / np.linalg.norm(response)

    def stream(self, sample_rate: int) -> FirStream:
        return FirStream(self.impulse_response(sample_rate))


@lru_cache(maxsize=32)
def optimise(settings: OptimizedVelvet) -> tuple[Signal, Signal]:
    """Return times in seconds and gains of the pulses, each (pulses,)."""
    random, pulses = np.random.default_rng(settings.seed), settings.pulses
    stretch = settings.duration_seconds / pulses
    earliest = np.arange(pulses) * stretch
    latest = earliest + STRETCH_SHARE * stretch
    times = random.uniform(earliest, latest)
    times[0] = latest[0] = 0.0
    signs = random.choice([-1.0, 1.0], pulses)
    signs[0] = 1.0
    envelope_db = -settings.decay_db * times / settings.duration_seconds
    leeway_db = GAIN_RANGE_DB * np.minimum(1, times / FADE_SECONDS)
    start, *ends = (
        signs * 10 ** (level_db / 20)
        for level_db in (envelope_db, envelope_db - leeway_db, envelope_db + leeway_db)
    )
    optimum = scipy.optimize.minimize(
        _unevenness,
        np.concatenate([times / stretch, start]),
        (stretch, _smoothing()),
        jac=True,
        method="L-BFGS-B",
        bounds=np.concatenate(
            [np.stack([earliest, latest], axis=1) / stretch, np.sort(np.stack(ends, axis=1), axis=1)]
        ),
        options={"maxiter": ITERATIONS},
    ).x
    return optimum[:pulses] * stretch, optimum[pulses:]


def _smoothing() -> Signal:
    """Gaussians a third of an octave wide, (centres, grid), each of sum one."""
    deviations_hz = CENTRES_HZ / 3 / np.pi
    bells = np.exp(-0.5 * ((GRID_HZ - CENTRES_HZ[:, np.newaxis]) / deviations_hz[:, np.newaxis]) ** 2)
    return bells / bells.sum(axis=1, keepdims=True)


def _unevenness(pulses: Signal, stretch: float, smoothing: Signal) -> tuple[float, Signal]:
    """Variance of the smoothed level in dB², and its gradient; pulses are times / stretch, then gains."""
    times, gains = np.split(pulses, 2)
    turns = 2 * np.pi * stretch * GRID_HZ
    real, imag = np.cos(np.outer(turns, times)), -np.sin(np.outer(turns, times))
    response_real, response_imag = real @ gains, imag @ gains
    power = smoothing @ (response_real**2 + response_imag**2)
    levels_db = 10 * np.log10(power)
    off_db = levels_db - levels_db.mean()
    by_power = smoothing.T @ (off_db / power) * (2 * 10 / np.log(10) / len(power))
    by_real, by_imag = 2 * by_power * response_real, 2 * by_power * response_imag
    by_gains = by_real @ real + by_imag @ imag
    by_times = gains * ((turns * by_real) @ imag - (turns * by_imag) @ real)
    return float(np.mean(off_db**2)), np.concatenate([by_times, by_gains])

"""What a method adds to steady sounds: tones, and saws whose harmonics leave gaps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mono2stereo.dsp.distortion import between_harmonics_db, outside_critical_band_db
from mono2stereo.dsp.signals import Signal
from mono2stereo.measures.signal_analysis import SignalAnalysis

TONES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
SAWS_HZ = (110.0, 220.0, 440.0, 880.0)
SECONDS = 1.0
SETTLES_SECONDS = 1.0
LEVEL = 0.1  # of full scale
NEAR_TOP = 0.9  # of Nyquist: no tone above it

Purity = dict[str, dict[float, float]]


def purity(side_of: Callable[[Signal], Signal | None], sample_rate: int) -> Purity:
    """Probe a method.

    Each sound goes on for a second before the second that is measured.

    Args:
        side_of: (samples,) float32 → the side, or None where there is none.
        sample_rate: Hz.

    Returns:
        By frequency in Hz, dB, NaN where there is no side: `distortion` (what of a tone's side lies outside
        the tone's critical band, re all of the side), `out_of_band` (the same, re the tone) and
        `between_harmonics` (what of a saw's side lies between its harmonics, re the saw).
    """
    figures: Purity = {"distortion": {}, "out_of_band": {}, "between_harmonics": {}}
    for hz in (hz for hz in TONES_HZ if hz < NEAR_TOP * sample_rate / 2):
        mid, side = _settled(side_of, steady_tone(hz, sample_rate), sample_rate)
        silent = SignalAnalysis(side, sample_rate).silent
        figures["distortion"][hz] = np.nan if silent else outside_critical_band_db(side, hz, sample_rate)
        figures["out_of_band"][hz] = outside_critical_band_db(side, hz, sample_rate, reference=mid)
    for hz in SAWS_HZ:
        mid, side = _settled(side_of, saw(hz, sample_rate), sample_rate)
        figures["between_harmonics"][hz] = between_harmonics_db(
            estimate=side, reference=mid, fundamental_hz=hz, sample_rate=sample_rate
        )
    return figures


def steady_tone(hz: float, sample_rate: int) -> Signal:
    """A sine at a tenth of full scale, (samples,) float32, for settling and measuring."""
    return (LEVEL * np.sin(2 * np.pi * hz * _time(sample_rate))).astype(np.float32)


def saw(hz: float, sample_rate: int) -> Signal:
    """The same as a saw: every harmonic k below 0.9 of Nyquist at 1/k."""
    harmonics = np.arange(1, int(NEAR_TOP * sample_rate / 2 / hz) + 1)
    waves = [np.sin(2 * np.pi * k * hz * _time(sample_rate)) / k for k in harmonics]
    return (LEVEL * np.sum(waves, axis=0)).astype(np.float32)


def _time(sample_rate: int) -> Signal:
    return np.arange(round((SETTLES_SECONDS + SECONDS) * sample_rate)) / sample_rate


def _settled(
    side_of: Callable[[Signal], Signal | None], mid: Signal, sample_rate: int
) -> tuple[Signal, Signal]:
    side = side_of(mid)
    heard = slice(round(SETTLES_SECONDS * sample_rate), None)
    return mid[heard], np.full_like(mid, np.nan)[heard] if side is None else side[heard]

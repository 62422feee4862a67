"""What a system adds to a steady tone where hearing does not put it to the tone's account."""

from __future__ import annotations

import numpy as np
import scipy.fft

from mono2stereo.dsp.signals import Signal, require_mono, require_sample_rate
from mono2stereo.errors import AudioError

LEAST_DB = -120.0
KAISER_BETA = 20.0  # side lobes below -150 dB, main lobe within 7 bins


def critical_bandwidth_hz(hz: float) -> float:
    """Width of the critical band around `hz`, Hz (Zwicker & Terhardt, JASA 68(5), 1980).

    >>> round(critical_bandwidth_hz(1000))
    162
    """
    return float(25 + 75 * (1 + 1.4 * (hz / 1000) ** 2) ** 0.69)


def outside_critical_band_db(x: Signal, tone_hz: float, sample_rate: int) -> float:
    """Energy outside the critical band centred on `tone_hz` against all energy of `x`, dB, from -120 up.

    A linear, time-invariant system leaves a tone a tone and reads -120; sidebands, harmonics, modulation and
    noise read more. The spectrum is one Kaiser-windowed transform of the whole signal, so a tone that starts
    or stops in it counts as distorted.

    Args:
        x: (samples,), what came out of the system for the tone, settled, at least half a second.
        tone_hz: the tone.
        sample_rate: Hz.

    Returns:
        dB; NaN for silence.

    Raises:
        AudioError: too short, or a tone above the Nyquist frequency.

    >>> time = np.arange(22050) / 22050
    >>> outside_critical_band_db(np.sin(2 * np.pi * 997 * time), 997, 22050)
    -120.0
    """
    require_sample_rate(sample_rate)
    require_mono(x, "x", samples=sample_rate // 2)
    if not 0 < tone_hz < sample_rate / 2:
        raise AudioError(f"tone_hz = {tone_hz}: between 0 and {sample_rate / 2:g}, half of sample_rate")
    power = np.abs(scipy.fft.rfft(x.astype(np.float64) * np.kaiser(len(x), KAISER_BETA))) ** 2
    total = power.sum()
    if not total > 0:
        return float("nan")
    frequencies = scipy.fft.rfftfreq(len(x), 1 / sample_rate)
    outside = power[np.abs(frequencies - tone_hz) > critical_bandwidth_hz(tone_hz) / 2].sum()
    return float(max(10 * np.log10(max(outside / total, 1e-30)), LEAST_DB))

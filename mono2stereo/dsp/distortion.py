"""What a system adds to a steady tone where hearing does not put it to the tone's account."""

from __future__ import annotations

import numpy as np
import scipy

from mono2stereo.dsp.signals import Signal, require_mono, require_sample_rate
from mono2stereo.errors import AudioError

LEAST_DB = -120.0
NEAR_HZ = 21.0  # of a harmonic, as of the mid's cells for `dsp.haze`
KAISER_BETA = 20.0  # side lobes below -150 dB, main lobe within 7 bins


def critical_bandwidth_hz(hz: float) -> float:
    """Width of the critical band around `hz`, Hz (Zwicker & Terhardt, JASA 68(5), 1980).

    >>> round(critical_bandwidth_hz(1000))
    162
    """
    return float(25 + 75 * (1 + 1.4 * (hz / 1000) ** 2) ** 0.69)


def outside_critical_band_db(
    x: Signal, tone_hz: float, sample_rate: int, *, reference: Signal | None = None
) -> float:
    """Energy outside the critical band centred on `tone_hz` against all energy of `x`, dB, from -120 up.

    A linear, time-invariant system leaves a tone a tone and reads -120; sidebands, harmonics, modulation and
    noise read more. The spectrum is one Kaiser-windowed transform of the whole signal, so a tone that starts
    or stops in it counts as distorted.

    Args:
        x: (samples,), what came out of the system for the tone, settled, at least half a second.
        tone_hz: the tone.
        sample_rate: Hz.
        reference: (samples,), whose energy counts instead of that of `x`, such as what went in: a tone that
            falls into a notch of the system is no distortion.

    Returns:
        dB; NaN for silence.

    Raises:
        AudioError: too short, or a tone above the Nyquist frequency.

    >>> time = np.arange(22050) / 22050
    >>> outside_critical_band_db(np.sin(2 * np.pi * 997 * time), 997, 22050)
    -120.0
    """
    _require(x, tone_hz, "tone_hz", sample_rate)
    hz, power = _spectrum(x, sample_rate)
    total = power.sum() if reference is None else _spectrum(reference, sample_rate)[1].sum()
    return _ratio_db(power[np.abs(hz - tone_hz) > critical_bandwidth_hz(tone_hz) / 2].sum(), total)


def between_harmonics_db(
    *, estimate: Signal, reference: Signal, fundamental_hz: float, sample_rate: int
) -> float:
    """Energy farther than 21 Hz from every harmonic against all energy of `reference`, dB, from -120 up.

    What is nearer is slow movement of a harmonic, which `dsp.movement` judges.

    Args:
        estimate: (samples,), what came out of a system for a harmonic complex, settled, at least half a
            second.
        reference: (samples,), what went in.
        fundamental_hz: of the complex.
        sample_rate: Hz.

    Returns:
        dB; NaN for a silent reference.

    Raises:
        AudioError: too short, or a fundamental above the Nyquist frequency.

    >>> time = np.arange(22050) / 22050
    >>> mid, new = (np.sin(2 * np.pi * hz * time) for hz in (440, 500))
    >>> round(between_harmonics_db(estimate=mid + 0.1 * new, reference=mid, fundamental_hz=220,
    ...                            sample_rate=22050), 3)
    -20.0
    """
    _require(estimate, fundamental_hz, "fundamental_hz", sample_rate)
    hz, power = _spectrum(estimate, sample_rate)
    harmonics = fundamental_hz * np.maximum(np.round(hz / fundamental_hz), 1)
    between = power[np.abs(hz - harmonics) > NEAR_HZ].sum()
    return _ratio_db(between, _spectrum(reference, sample_rate)[1].sum())


def _require(x: Signal, hz: float, name: str, sample_rate: int) -> None:
    require_sample_rate(sample_rate)
    require_mono(x, "x", samples=sample_rate // 2)
    if not 0 < hz < sample_rate / 2:
        raise AudioError(f"{name} = {hz}: between 0 and {sample_rate / 2:g}, half of sample_rate")


def _spectrum(x: Signal, sample_rate: int) -> tuple[Signal, Signal]:
    """Frequencies in Hz and powers, (bins,) each."""
    power = np.abs(scipy.fft.rfft(x.astype(np.float64) * np.kaiser(len(x), KAISER_BETA))) ** 2
    return scipy.fft.rfftfreq(len(x), 1 / sample_rate), power


def _ratio_db(part: float, total: float) -> float:
    return float(max(10 * np.log10(max(part / total, 1e-30)), LEAST_DB)) if total > 0 else float("nan")

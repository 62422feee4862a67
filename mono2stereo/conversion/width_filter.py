"""Filters that give a side its width: no pre-echo, no ripple."""

from __future__ import annotations

import numpy as np

from mono2stereo.dsp.signals import Signal, fast_length

FILTER_SECONDS = 0.2
FLOOR_DB = -120.0


def minimum_phase_filter(gain_db: Signal, sample_rate: int) -> Signal:
    """Impulse response of a gain given on a dense grid: starts at once, dies out within 0.2 s.

    Folded cepstrum (Oppenheim & Schafer, Discrete-Time Signal Processing, 13.5).

    Args:
        gain_db: from 0 Hz to Nyquist at `grid_hz(sample_rate)`.
        sample_rate: Hz.

    Returns:
        (taps,) float64.
    """
    half = len(gain_db) - 1
    cepstrum = np.fft.irfft(np.log(10) / 20 * np.maximum(gain_db, FLOOR_DB))
    cepstrum[1:half] *= 2
    cepstrum[half + 1 :] = 0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))
    taps = round(FILTER_SECONDS * sample_rate)
    fade = np.cos(np.linspace(0, np.pi / 2, taps // 4)) ** 2
    response = response[:taps]
    response[-len(fade) :] *= fade
    return response


def grid_hz(sample_rate: int) -> Signal:
    """Frequencies from 0 to Nyquist, at most 0.6 Hz apart: room for the response to die out."""
    fft_length = fast_length(round(8 * FILTER_SECONDS * sample_rate))
    return np.linspace(0, sample_rate / 2, fft_length // 2 + 1)


def highpass_gain_db(frequency_hz: Signal, cutoff_hz: float) -> Signal:
    """Fourth-order Butterworth: 3 dB down at `cutoff_hz`, 24 dB an octave below; nothing for 0 Hz."""
    if not cutoff_hz:
        return np.zeros(len(frequency_hz))
    ratio = cutoff_hz / np.maximum(frequency_hz, 1e-3)
    return -10 * np.log10(1 + ratio**8)

"""The side above the network's Nyquist frequency: the mid's own high band, decorrelated.

It follows the mid's envelope since it is made from it, and adds up with the network's side without notch or
bump: the two do not correlate, so their powers add, and the filters' powers add to one.
"""

from __future__ import annotations

import numpy as np

from mono2stereo.decorrelators.erb_delay import ErbDelay
from mono2stereo.dsp.signals import Signal, fast_length
from mono2stereo.dsp.streaming_resampler import kernel_half_seconds, lowpass_kernel

DECORRELATOR = ErbDelay(max_delay_seconds=0.012)


def highband_filter(
    gain_db: Signal, frequency_hz: Signal, crossover_hz: tuple[float, float], sample_rate: int
) -> Signal:
    """Impulse response from mid to the side's high band.

    Args:
        gain_db: side against mid that is wanted, at `frequency_hz`.
        frequency_hz: rising.
        crossover_hz: the network's side is whole up to the first and gone from the second.
        sample_rate: Hz.

    Returns:
        (taps,) float64; begins with silence as long as half the network's crossover filter.
    """
    delays = DECORRELATOR.impulse_response(sample_rate)
    half = int(kernel_half_seconds(*crossover_hz) * sample_rate) + 1
    kernel = lowpass_kernel(np.arange(-half, half + 1) / sample_rate, *crossover_hz) / sample_rate
    length = len(delays) + 4 * half
    fft_length = fast_length(2 * length)
    bins_hz = np.arange(fft_length // 2 + 1) * sample_rate / fft_length
    low = np.minimum(np.abs(np.fft.rfft(kernel, fft_length)), 1.0)
    gain = np.sqrt(1 - low**2) * 10 ** (np.interp(bins_hz, frequency_hz, gain_db) / 20)
    gain[bins_hz < crossover_hz[0]] = 0
    centred = np.fft.rfft(delays, fft_length) * gain * np.exp(-4j * np.pi * half * bins_hz / sample_rate)
    return np.fft.irfft(centred, fft_length)[:length] * np.append(np.ones(length - half), np.zeros(half))

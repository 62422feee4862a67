"""A random delay for each critical band."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.fir import FirStream
from mono2stereo.dsp.erb import erb_number
from mono2stereo.dsp.signals import Signal, fast_length
from mono2stereo.errors import AudioError


@dataclass(frozen=True)
class ErbDelay(Streaming):
    """Delays each critical band by a time of its own, drawn evenly from 0 to `max_delay_seconds`.

    Boueri & Kyriakakis, "Audio Signal Decorrelation Based on a Critical Band Approach", AES 117 (2004).
    Bands are one ERB wide (Glasberg & Moore 1990, eq. 4). A filter bank would cancel where neighbours of
    different delay overlap; here the delays are one filter's group delay instead, drawn at the bands'
    centres and running straight between them, so the magnitude stays flat.

    Args:
        max_delay_seconds: longest delay of a band.
        seed: draws the delays.

    Raises:
        AudioError: no delay.

    >>> ErbDelay().side(np.eye(1, 4096)[0], 22050).shape
    (4096,)
    """

    max_delay_seconds: float = 0.025
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.max_delay_seconds > 0:
            raise AudioError(f"ERB delay: max_delay_seconds = {self.max_delay_seconds}: above 0")

    @property
    def name(self) -> str:
        return f"erb-delay-{self.max_delay_seconds * 1e3:g}ms"

    def impulse_response(self, sample_rate: int) -> Signal:
        """Return the filter at a rate, (round((max_delay_seconds + 0.03) * sample_rate),) float64."""
        return _impulse_response(self, sample_rate)

    def stream(self, sample_rate: int) -> FirStream:
        return FirStream(self.impulse_response(sample_rate))


@lru_cache(maxsize=32)
def _impulse_response(decorrelator: ErbDelay, sample_rate: int) -> Signal:
    length = round((decorrelator.max_delay_seconds + 0.03) * sample_rate)
    # Long enough that the tails of narrow low bands, cut off below, do not wrap into the delays.
    fft_length = fast_length(4 * length + sample_rate // 2)
    bins_hz = np.arange(fft_length // 2 + 1) * sample_rate / fft_length
    # Drawn for all audible bands, so that a band's delay is the same at every rate.
    delays = np.random.default_rng(decorrelator.seed).uniform(0, decorrelator.max_delay_seconds, 64)
    delays_seconds = np.interp(erb_number(bins_hz), np.arange(64) + 0.5, delays)
    phases = -2 * np.pi * np.cumsum(delays_seconds) * sample_rate / fft_length
    phases -= phases[0]
    phases *= np.round(phases[-1] / np.pi) * np.pi / phases[-1]  # real at Nyquist too
    response = np.fft.irfft(np.exp(1j * phases), fft_length)[:length]
    response.flags.writeable = False
    return response

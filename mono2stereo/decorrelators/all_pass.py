"""A cascade of biquad all-passes whose poles crowd where the ear's filters are narrow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from mono2stereo.decorrelators.base import RecursiveStream, Streaming, settle
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError

TOP_HZ = 24000.0
# The mean group delay's share of the longest one; the rest is room for the poles' ripple.
MEAN_SHARE = 0.6


@dataclass(frozen=True)
class AllPass(Streaming):
    """Second-order all-passes in series with random poles: flat, delays scattered along the ERB scale.

    Kermit-Canfield & Abel, "Signal Decorrelation Using Perceptually Informed Allpass Filters", DAFx-16:
    random pole magnitudes, pole angles warped to the ERB scale, delays short enough to fuse. A pole pair's
    group delay has an area of one (s Hz), so the number of pairs per hertz *is* the mean group delay: here it
    falls as the ERB (Glasberg & Moore 1990, eq. 3) grows and, where that would be too long, is held. Poles
    are placed in hertz and the same at every rate; those above Nyquist drop out.

    Args:
        sections: up to 24 kHz.
        max_delay_seconds: no frequency is later than this.
        seed: draws frequencies and bandwidths of the poles.

    Raises:
        AudioError: too few for 8000 Hz, or more than fit below `max_delay_seconds`.

    >>> response = AllPass().side(np.eye(1, 2**16)[0], 48000)
    >>> bool(np.abs(np.abs(np.fft.rfft(response)) - 1).max() < 1e-6)
    True
    """

    sections: int = 200
    max_delay_seconds: float = 0.03
    seed: int = 0

    def __post_init__(self) -> None:
        most = int(0.99 * MEAN_SHARE * self.max_delay_seconds * TOP_HZ)
        if not 10 <= self.sections <= most:
            raise AudioError(
                f"all-pass: {self.sections} sections within {self.max_delay_seconds:g} s: "
                f"at least 10, at most {most}"
            )

    @property
    def name(self) -> str:
        return f"all-pass-{self.sections}x{self.max_delay_seconds * 1e3:g}ms"

    def sos(self, sample_rate: int) -> Signal:
        """Return the biquads at a rate, (sections below Nyquist, 6) as SciPy takes them."""
        return _sos(self, sample_rate).copy()  # SciPy wants it writeable

    def stream(self, sample_rate: int) -> SosStream:
        return SosStream(self.sos(sample_rate))


class SosStream(RecursiveStream):
    """Biquads in series at work.

    Args:
        sos: (sections, 6).
    """

    def __init__(self, sos: Signal) -> None:
        self._sos, self._state = sos, np.zeros((len(sos), 2))

    def _filter(self, mid: Signal) -> Signal:
        side, state = scipy.signal.sosfilt(self._sos, mid, zi=self._state)
        self._state = settle(state)
        return side


@lru_cache(maxsize=32)
def _sos(decorrelator: AllPass, sample_rate: int) -> Signal:
    sections, most = decorrelator.sections, MEAN_SHARE * decorrelator.max_delay_seconds
    hz = np.linspace(0, TOP_HZ, 2**13 + 1)
    erb_hz = 24.7 * (4.37e-3 * hz + 1)

    def density(scale: float) -> Signal:  # sections per Hz
        return np.minimum(most, scale / erb_hz)

    def missing(scale: float) -> float:
        return float(sections - scipy.integrate.trapezoid(density(scale), hz))

    scale = scipy.optimize.brentq(missing, 0, most * erb_hz[-1], xtol=1e-9)
    random = np.random.default_rng(decorrelator.seed)
    counts = np.append(0, scipy.integrate.cumulative_trapezoid(density(scale), hz))  # sections below each hz
    places = (np.arange(sections) + random.random(sections)) * counts[-1] / sections
    centres_hz = np.interp(places, counts, hz)
    bandwidths_hz = random.uniform(1, 2, sections) / np.interp(centres_hz, hz, density(scale))
    heard = centres_hz < sample_rate / 2
    poles = np.exp(np.pi / sample_rate * (2j * centres_hz - bandwidths_hz))[heard]
    denominators = np.stack([np.ones(len(poles)), -2 * poles.real, np.abs(poles) ** 2], axis=1)
    return np.concatenate([denominators[:, ::-1], denominators], axis=1)

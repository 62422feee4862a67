"""Each critical band's phase wanders by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.dsp.erb import erb_number
from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import AudioError

FRAME_SECONDS = 1024 / 22050
OVERLAP = 4  # frames that cover a sample
OSCILLATORS = 3  # a band's: enough that its path does not repeat
BANDS = 64  # ERB wide, up to and beyond what is audible, so that a band's path is the same at every rate
BLOCK_FRAMES = 256  # worked on at once; bounds the memory


@dataclass(frozen=True)
class TurnedPhases(Streaming):
    """Turns the phases of the short-time spectrum along smooth random paths, one per critical band.

    Dynamic decorrelation: Kendall, "The Decorrelation of Audio Signals and Its Impact on Spatial Imagery",
    CMJ 19 (1995); by sub-bands: Potard & Burnett, "Decorrelation Techniques for the Rendering of Apparent
    Sound Source Width in 3D Audio Displays", DAFx-04. Bands are one ERB wide (Glasberg & Moore 1990, eq. 4);
    a path is a sum of three sines between half and one and a half times `rate_hz`, and between the bands'
    centres phases run straight. Frames of 46 ms at 75 % overlap, within which attacks smear, ahead too.
    Latency: a frame less one sample.

    Args:
        depth_radians: root mean square of a band's phase.
        rate_hz: how fast it wanders.
        seed: draws the paths.

    Raises:
        AudioError: no depth or no movement.

    >>> TurnedPhases().stream(22050).latency_samples
    1023
    """

    depth_radians: float = 3.0
    rate_hz: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.depth_radians > 0 and self.rate_hz > 0):
            raise AudioError(
                f"turned phases: depth_radians = {self.depth_radians}, rate_hz = {self.rate_hz}: both above 0"
            )

    @property
    def name(self) -> str:
        return f"turned-phases-{self.depth_radians:g}rad-{self.rate_hz:g}hz"

    def stream(self, sample_rate: int) -> TurnedPhasesStream:
        return TurnedPhasesStream(self, sample_rate)

    def phases(self, seconds: Signal, bins_hz: Signal) -> Signal:
        """Radians by which the bins are turned at these times, (times, bins)."""
        random = np.random.default_rng(self.seed)
        rates = self.rate_hz * random.uniform(0.5, 1.5, (OSCILLATORS, BANDS, 1))
        starts = random.uniform(0, 1, (OSCILLATORS, BANDS, 1))
        paths = np.sin(2 * np.pi * (rates * seconds + starts)).sum(axis=0) * np.sqrt(2 / OSCILLATORS)
        place = erb_number(bins_hz) - 0.5
        lower = np.clip(place.astype(int), 0, BANDS - 2)
        share = np.clip(place - lower, 0, 1)[:, np.newaxis]
        return self.depth_radians * (paths[lower] * (1 - share) + paths[lower + 1] * share).T


class TurnedPhasesStream:
    """The decorrelator at work.

    Args:
        settings: depth, rate, seed.
        sample_rate: Hz.
    """

    def __init__(self, settings: TurnedPhases, sample_rate: int) -> None:
        self._step = round(FRAME_SECONDS * sample_rate / OVERLAP)
        length = OVERLAP * self._step
        self._settings, self._stft, self._rate = settings, Stft(length, self._step, length), sample_rate
        self._bins_hz = np.arange(self._stft.n_bins) * sample_rate / length
        self.latency_samples = length - 1
        self._waiting = np.zeros(length - self._step)
        self._tail = np.zeros(length - self._step)
        self._made = np.zeros(self._step - 1)
        self._clock = 0  # frames since the start

    def process(self, mid: Signal) -> Signal:
        waiting = np.concatenate([self._waiting, mid.astype(np.float64)])
        overlap = len(self._tail)
        frames = (len(waiting) - overlap) // self._step
        pieces = [
            waiting[first * self._step : min(first + BLOCK_FRAMES, frames) * self._step + overlap]
            for first in range(0, frames, BLOCK_FRAMES)
        ]
        ready = np.concatenate([self._made, *map(self._side, pieces)])
        self._waiting = waiting[frames * self._step :]
        side, self._made = ready[: len(mid)], ready[len(mid) :]
        return side.astype(mid.dtype)

    def _side(self, mid: Signal) -> Signal:
        """Whole frames of the mid → the samples that they complete."""
        spectrum = self._stft.analyse(mid)
        middles = self._clock + np.arange(len(spectrum)) - OVERLAP / 2 + 1
        seconds = middles * self._step / self._rate
        spectrum *= np.exp(1j * self._settings.phases(seconds, self._bins_hz))
        self._clock += len(spectrum)
        side = self._stft.synthesise(spectrum)
        side[: len(self._tail)] += self._tail
        done = len(spectrum) * self._step
        self._tail = side[done:]
        return side[:done]

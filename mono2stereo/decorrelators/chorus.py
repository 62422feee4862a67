"""Several voices, each as late as it likes at the moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.modulated_delay import MovingTaps, require_moving
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError


@dataclass(frozen=True)
class Chorus(Streaming):
    """S = the sum of `voices` delayed mids whose delays swing by sines of evenly spaced phases.

    Dattorro, "Effect Design, Part 2: Delay-Line Modulation and Chorus", JAES 45 (1997), for the moving delay;
    voices that share it at phases of their own as in K. Foltman's Calf MultiChorus. Such a chorus adds other
    voices on the left than on the right, which changes the mid; here they are the side alone, every other one
    of opposite sign, as those of left and right are in it.

    Args:
        voices: how many.
        delay_seconds: the shortest delay, at least 0.45 ms.
        depth_seconds: how much longer it becomes.
        rate_hz: how often a second.

    Raises:
        AudioError: no voice, too short a delay, or no movement.

    >>> Chorus().side(np.eye(1, 2000)[0], 22050).shape
    (2000,)
    """

    voices: int = 3
    delay_seconds: float = 5e-3
    depth_seconds: float = 3e-3
    rate_hz: float = 0.5

    def __post_init__(self) -> None:
        if not self.voices >= 1:
            raise AudioError(f"chorus: voices = {self.voices}: at least 1")
        require_moving("chorus", self.delay_seconds, self.depth_seconds, self.rate_hz)

    @property
    def name(self) -> str:
        return f"chorus-{self.voices}x{self.depth_seconds * 1e3:g}ms-{self.rate_hz:g}hz"

    def stream(self, sample_rate: int) -> MovingTaps:
        delays = [partial(self._delay_seconds, voice) for voice in range(self.voices)]
        gains = [(-1) ** voice / np.sqrt(self.voices) for voice in range(self.voices)]
        return MovingTaps(delays, gains, self.delay_seconds + self.depth_seconds, sample_rate)

    def _delay_seconds(self, voice: int, seconds: Signal) -> Signal:
        swing = np.sin(2 * np.pi * (self.rate_hz * seconds + voice / self.voices))
        return self.delay_seconds + self.depth_seconds * (1 + swing) / 2

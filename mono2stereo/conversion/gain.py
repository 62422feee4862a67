"""The one gain of a file: what peaks, loudness and the user leave of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.true_peak import TruePeak

# BS.1770 true peak. An encoder overshoots what it is given; EBU R 128 s1 leaves it one decibel.
CEILING = 1.0
LOSSY_CEILING = 10 ** (-1 / 20)
# Of the input, the new mid and the side, each heard on both channels.
INPUT, OUTPUT = np.array([2.0, 0.0, 0.0]), np.array([0.0, 2.0, 2.0])


@dataclass(frozen=True)
class Gain:
    """A gain in hundredths of a decibel, so that what is printed is what was applied.

    Attributes:
        db: Decibels.
        why: Empty where nothing asked for it.
    """

    db: float = 0.0
    why: str = ""

    @property
    def factor(self) -> float:
        return 10 ** (self.db / 20)

    def __str__(self) -> str:
        return f"g = {self.factor:.6g} ({self.db:+.2f} dB{', ' if self.why else ''}{self.why})"


class Meter:
    """Watches mid and side go by.

    Args:
        sample_rate: Hz.
        loudness: Whether to measure it too.
    """

    def __init__(self, sample_rate: int, *, loudness: bool) -> None:
        self._peak = TruePeak(2)
        self._loudness = None
        if loudness:
            from mono2stereo.dsp.loudness import LoudnessMeter  # SciPy takes its time

            self._loudness = LoudnessMeter(sample_rate, 3)

    def add(self, source: Signal, mid: Signal, side: Signal) -> None:
        """Take the next samples of what was read and of what is made, each (n,)."""
        self._peak.add(np.stack([mid + side, mid - side]).T)
        if self._loudness:
            self._loudness.add(np.stack([source, mid, side], axis=1))

    @property
    def true_peak(self) -> float:
        return self._peak.peak

    def gain(self, ceiling: float) -> Gain:
        """What brings the output to the input's loudness, where that is measured, and below `ceiling`."""
        gain = Gain()
        if self._loudness:
            before, after = self._loudness.lufs(INPUT), self._loudness.lufs(OUTPUT)
            if math.isfinite(before) and math.isfinite(after):
                gain = Gain(round(before - after, 2) + 0.0, "loudness")
            else:
                gain = Gain(0.0, "too short or too quiet for a loudness")
        highest = _amplitude_db(ceiling / self._peak.peak) if self._peak.peak else math.inf
        return gain if gain.db <= highest else Gain(math.floor(highest * 100) / 100, "true peak")


def true_peak_db(peak: float) -> float:
    """A linear peak in dBTP; -inf for silence."""
    return _amplitude_db(peak) if peak else -math.inf


def _amplitude_db(ratio: float) -> float:
    return 20 * math.log10(ratio)

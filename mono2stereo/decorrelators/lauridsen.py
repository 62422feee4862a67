"""The oldest pseudo-stereo: the side is the mid, delayed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.fir import FirStream
from mono2stereo.errors import AudioError


@dataclass(frozen=True)
class Lauridsen(Streaming):
    """Complementary comb filters left and right: S = the mid, `delay_seconds` later.

    Lauridsen (1954), after Schroeder, "An Artificial Stereophonic Effect Obtained from a Single Audio
    Signal", JAES 6 (1958). Flat, and an echo as soon as the delay is long.

    Args:
        delay_seconds: rounded to whole samples.

    Raises:
        AudioError: no delay.

    >>> Lauridsen(delay_seconds=2 / 8000).side(np.array([1.0, 0.5, 0.0, 0.0]), 8000).tolist()
    [0.0, 0.0, 1.0, 0.5]
    """

    delay_seconds: float = 0.0104

    def __post_init__(self) -> None:
        if not self.delay_seconds > 0:
            raise AudioError(f"lauridsen: delay_seconds = {self.delay_seconds}: above 0")

    @property
    def name(self) -> str:
        return f"lauridsen-{self.delay_seconds * 1e3:g}ms"

    def stream(self, sample_rate: int) -> FirStream:
        return FirStream(np.append(np.zeros(max(1, round(self.delay_seconds * sample_rate))), 1.0))

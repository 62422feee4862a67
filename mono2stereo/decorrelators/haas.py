"""The precedence effect as pseudo-stereo: one channel is late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.fir import FirStream
from mono2stereo.errors import AudioError


@dataclass(frozen=True)
class Haas(Streaming):
    """Mono → left and right: L is the recording, R the recording `delay_seconds` later.

    Haas, "Über den Einfluss eines Einfachechos auf die Hörsamkeit von Sprache", Acustica 1 (1951): up to some
    35 ms a delayed copy is heard as width towards the earlier side, not as an echo. The one method here that
    changes the mid: folded down, L and R are a comb filter.

    Args:
        delay_seconds: of the right channel, rounded to whole samples.

    Raises:
        AudioError: no delay.

    >>> haas, mid = Haas(delay_seconds=1 / 8000), np.array([0.0, 1.0, 0.0])
    >>> side, folded = haas.side(mid, 8000), haas.fold_down(mid, 8000)
    >>> (folded + side).tolist(), (folded - side).tolist()
    ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    """

    delay_seconds: float = 0.02
    changes_mid = True

    def __post_init__(self) -> None:
        if not self.delay_seconds > 0:
            raise AudioError(f"haas: delay_seconds = {self.delay_seconds}: above 0")

    @property
    def name(self) -> str:
        return f"haas-{self.delay_seconds * 1e3:g}ms"

    def stream(self, sample_rate: int) -> FirStream:
        """Make (L - R) / 2."""
        return self._stream(sample_rate, -0.5)

    def fold_down_stream(self, sample_rate: int) -> FirStream:
        """Make (L + R) / 2."""
        return self._stream(sample_rate, 0.5)

    def _stream(self, sample_rate: int, late: float) -> FirStream:
        delay = max(1, round(self.delay_seconds * sample_rate))
        return FirStream(np.concatenate([[0.5], np.zeros(delay - 1), [late]]), steady=True)

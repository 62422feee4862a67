"""Which mid two channels are given: their mean, or the one that is there."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from mono2stereo.dsp.signals import Signal

Channel = Literal["", "left", "right"]
STEREO_ABOVE = 1e-6  # energy of side against mid: -60 dB
SILENT_BELOW = 1e-5  # energy of one channel against the other, or of mid against side: -50 dB
CANCELLED_DB = 10.0


class FoldDown:
    """Makes one channel of two, and says what was done.

    Args:
        asked: The channel to take; empty for the mean, or for what `choose` finds.

    Attributes:
        taken: The channel that is taken; empty for the mean.
    """

    def __init__(self, asked: Channel = "") -> None:
        self.asked, self.taken = asked, asked
        self.restart()

    def restart(self) -> None:
        """The sound begins again."""
        self._left = self._right = self._mid = self._side = 0.0  # energies

    def mid(self, block: Signal) -> Signal:
        """(n, 1) or (n, 2) → (n,)."""
        if block.shape[1] == 1:
            return block[:, 0]
        left, right = block.T
        mid, side = (left + right) / 2, (left - right) / 2
        self._left += float(np.square(left).sum())
        self._right += float(np.square(right).sum())
        self._mid += float(mid @ mid)
        self._side += float(side @ side)
        return mid if not self.taken else block[:, ("left", "right").index(self.taken)].copy()

    def choose(self) -> None:
        """Once all was heard: take the one channel that is there, or one of two that cancel each other."""
        if not self.asked and self._side:
            cancel = self._mid < SILENT_BELOW * self._side
            self.taken = _other(self.silent) if self.silent else "left" if cancel else ""

    @property
    def silent(self) -> Channel:
        """The channel that is silent where the other is not."""
        if self._left < SILENT_BELOW * self._right:
            return "left"
        return "right" if self._right < SILENT_BELOW * self._left else ""

    @property
    def is_stereo(self) -> bool:
        """Whether two channels sounded, and differed."""
        return not self.silent and self._side > STEREO_ABOVE * self._mid

    @property
    def notice(self) -> str:
        """What was done to two channels."""
        if self.asked:
            return f"has two channels; the {self.asked} one was taken"
        if self.silent:
            kept = _other(self.silent)
            what = f"the {kept} one was taken" if self.taken else f"6 dB are lost; --from-{kept} keeps them"
            return f"its {self.silent} channel is silent; {what}"
        if self.taken:
            return f"its channels cancel each other; the {self.taken} one was taken"
        if not self.is_stereo:
            return "has the same signal on both channels"
        before = (self._left + self._right) / 2
        if self._mid * 10 ** (CANCELLED_DB / 10) < before:
            lost = f"{10 * math.log10(before / self._mid):.1f} dB of it" if self._mid else "all of it"
            return f"is stereo; folding it down cancels {lost}; --from-left or --from-right keeps one channel"
        return "is stereo; folded down"


def _other(channel: Channel) -> Channel:
    return "right" if channel == "left" else "left"

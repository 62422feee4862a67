"""Stereo from a mono signal that comes in blocks, as a sound card or a network delivers it."""

from __future__ import annotations

import numpy as np

from mono2stereo.conversion.limiter import SideLimiter
from mono2stereo.decorrelators.base import SideStream
from mono2stereo.dsp.mid_side import decode
from mono2stereo.dsp.signals import Signal, require_mono
from mono2stereo.errors import AudioError


class StereoStream:
    """A widened signal, block by block; make one with `mono2stereo.stream`.

    Its mid is the input, `latency_samples` later, whatever the limiter does. Push the last sample that
    many times to get the end.

    Args:
        side: makes the side.
        limiter: holds the side where left or right would pass the ceiling; None for none.
    """

    def __init__(self, side: SideStream, limiter: SideLimiter | None) -> None:
        self._side = side
        self._limiter = limiter
        waits = limiter.latency_samples if limiter else 0
        self.latency_samples = side.latency_samples + waits
        self._mid = np.zeros(self.latency_samples)
        self._waits = waits

    def process(self, block: Signal) -> Signal:
        """Take the next samples, any number, and return as many of the stereo signal.

        Args:
            block: (n,), float32 or float64.

        Returns:
            (n, 2) of the same dtype.

        Raises:
            AudioError: another shape or dtype, or values that are not finite.
        """
        block = np.asarray(block)
        require_mono(block, "block")
        if not np.all(np.isfinite(block)):
            raise AudioError("block holds values that are not finite; the stream goes on without it")
        mid = np.concatenate([self._mid, block])
        self._mid = mid[len(block) :].copy()
        side = self._side.process(block)
        if self._limiter and len(block):
            side = self._limiter.process(mid[self._waits : self._waits + len(block)], side)
        return decode(mid[: len(block)].astype(block.dtype), side)

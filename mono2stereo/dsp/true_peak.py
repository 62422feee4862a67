"""True peak after ITU-R BS.1770-4, Annex 2: the largest value between the samples, too."""

from __future__ import annotations

import numpy as np

from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.windows import running, times, windows

# Table of Annex 2: an interpolator of four phases; the last two are the first two backwards.
_FIRST = "0.0017089843750 0.0109863281250 -0.0196533203125 0.0332031250000 -0.0594482421875 0.1373291015625 "
_FIRST += "0.9721679687500 -0.1022949218750 0.0476074218750 -0.0266113281250 0.0148925781250 -0.0083007812500"
_SECOND = (
    "-0.0291748046875 0.0292968750000 -0.0517578125000 0.0891113281250 -0.1665039062500 0.4650878906250 "
)
_SECOND += (
    "0.7797851562500 -0.2003173828125 0.1015625000000 -0.0582275390625 0.0330810546875 -0.0189208984375"
)
_HALF = np.array([_FIRST.split(), _SECOND.split()], np.float64)
PHASES = np.concatenate([_HALF, _HALF[::-1, ::-1]])
TAPS = PHASES.shape[1]
# One product of matrices interpolates `ROW` samples, ten times as fast as four short convolutions.
ROW = 16
MOST = 1.001 * np.abs(PHASES).sum(axis=1).max()  # of what lies between samples, by the loudest of them
_MATRIX = np.zeros((ROW + TAPS - 1, 4 * ROW), np.float32)
for _sample in range(ROW):
    _MATRIX[_sample : _sample + TAPS, 4 * _sample : 4 * _sample + 4] = PHASES[:, ::-1].T


class TruePeak:
    """Meter that is fed block by block; what it reads does not depend on where the blocks are cut.

    Args:
        channels: of the blocks.

    >>> meter = TruePeak(1)
    >>> meter.add(np.sin(np.pi / 2 * np.arange(400) + np.pi / 4)[:, None])  # no sample beyond 0.71
    >>> bool(0.98 < meter.peak < 1.02)
    True
    """

    def __init__(self, channels: int) -> None:
        self.peak = 0.0
        self._past = np.zeros((channels, TAPS - 1), np.float32)

    def add(self, block: Signal) -> None:
        """Take the next samples, (n, channels)."""
        if not len(block):
            return
        self.peak = max(self.peak, float(block.max()), -float(block.min()))
        padding = np.zeros((block.shape[1], -len(block) % ROW), np.float32)
        joined = np.concatenate([self._past, block.T.astype(np.float32), padding], axis=1)
        self._past = joined[:, len(block) : len(block) + TAPS - 1]
        for channel in joined:
            rows = windows(channel, len(_MATRIX), ROW)
            # Most rows are too quiet for a new peak.
            loudest = running(np.maximum, np.abs(channel), len(_MATRIX))[::ROW]
            hopeful = np.flatnonzero(MOST * loudest > self.peak)
            between = times(rows[hopeful], _MATRIX)
            if len(rows) - 1 in hopeful[-1:]:  # values made from the padding belong to the next block
                between[-1, 4 * (len(block) - ROW * len(rows) + ROW) :] = 0
            self.peak = max(self.peak, float(between.max(initial=0)), -float(between.min(initial=0)))

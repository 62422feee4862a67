"""Equivalent rectangular bandwidths: how finely hearing resolves frequency (Glasberg & Moore 1990)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mono2stereo.dsp.signals import Signal


def erb_number(hz: ArrayLike) -> Signal:
    """How many bands one ERB wide lie below frequencies, any shape (eq. 4).

    >>> erb_number(np.array([0.0, 1000.0])).round(2).tolist()
    [0.0, 15.62]
    """
    return 21.4 * np.log10(1 + 0.00437 * np.asarray(hz, np.float64))


def erb_width_hz(hz: ArrayLike) -> Signal:
    """Width of the band around frequencies, any shape (eq. 3).

    >>> erb_width_hz(np.array([100.0, 1000.0])).round(1).tolist()
    [35.5, 132.6]
    """
    return 24.7 * (1 + 0.00437 * np.asarray(hz, np.float64))


def erb_centres_hz(sample_rate: float, lowest: int) -> Signal:
    """Middles of the bands of `erb_bands`, (bands,), on the ERB scale.

    >>> erb_centres_hz(22050, 2)[[0, -1]].round().tolist()
    [71.0, 10204.0]
    """
    bands = np.arange(lowest, int(erb_number(sample_rate / 2)))
    return (10 ** ((bands + 0.5) / 21.4) - 1) / 0.00437


def erb_bands(fft_length: int, sample_rate: float, lowest: int) -> Signal:
    """Sums bins into bands one ERB wide, (bins, bands) of zeros and ones; a bin is in one band or none.

    Args:
        fft_length: samples.
        sample_rate: Hz.
        lowest: whole ERB number at which the first band begins; the last one ends below Nyquist.

    >>> erb_bands(1024, 22050, 2).shape
    (513, 34)
    """
    number = np.floor(erb_number(np.fft.rfftfreq(fft_length, 1 / sample_rate)))
    bands = lowest + np.arange(len(erb_centres_hz(sample_rate, lowest)))
    return (number[:, np.newaxis] == bands).astype(np.float64)

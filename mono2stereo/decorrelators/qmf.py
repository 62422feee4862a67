"""The filter banks of MPEG-4 parametric stereo: a complex QMF bank, and its lowest bands split further."""

from __future__ import annotations

import numpy as np

from mono2stereo.dsp.signals import Signal

# Prototype: weights of cosines over its ten hops, by least squares on a flat sum of the bands' powers (weight
# 100) and the stop band from 1.1 band widths on. It has the length of the standard's table of 640 values and,
# within 2 % of its peak, the shape.
_PROTOTYPE = (1.0, 0.99219456, 0.8711701, 0.49115354, 0.12621279, 0.00946861)
OVERLAP = 10  # hops in a prototype

# Prototypes of the splits, ISO/IEC 14496-3:2009, table 8.37: QMF band 0 in eight, bands 1 and 2 in two.
# fmt: off
_SPLIT_BY_8 = (0.00746082949812, 0.02270420949825, 0.04546865930473, 0.07266113929591, 0.09885108575264,
               0.11793710567217, 0.125)
# fmt: on
_SPLIT_BY_2 = (0.0, 0.01899487526049, 0.0, -0.07293139167538, 0.0, 0.30596630545168, 0.5)
SPLIT_DELAY = 6  # slots
SPLIT_BANDS = (6, 2, 2)  # of QMF bands 0, 1 and 2


class QmfBank:
    """Splits a signal into bands of equal width, each a complex signal at one value per hop; and back.

    ISO/IEC 14496-3:2009, 4.6.18.4 (the filter bank of SBR), sampled at twice the critical rate, so that bands
    may be changed without audible aliasing. What comes back is `delay` hops late.

    Args:
        n_bands: also the hop, in samples.

    >>> bank, x = QmfBank(16), np.random.default_rng(0).standard_normal(64 * 16)
    >>> y = bank.synthesise(bank.analyse(x))
    >>> float(np.abs(y[9 * 16 :] - x[: -9 * 16]).max()) < 1e-3
    True
    """

    delay = OVERLAP - 1

    def __init__(self, n_bands: int) -> None:
        length = OVERLAP * n_bands
        n = np.arange(length) - (length - 1) / 2
        window = sum(
            (2 if order else 1) * weight * np.cos(2 * np.pi * order * n / length)
            for order, weight in enumerate(_PROTOTYPE)
        )
        # Modulation repeats with the sign turned after two hops; the signs go into the window.
        signs = np.repeat((-1.0) ** np.arange(OVERLAP // 2), 2 * n_bands)
        self._window = signs * window / np.linalg.norm(window)
        angles = np.pi / n_bands * np.outer(n[: 2 * n_bands], np.arange(n_bands) + 0.5)
        self._modulation = np.exp(1j * angles)
        self._heard = np.zeros(length - n_bands)
        self._begun = np.zeros(length - n_bands)
        self.n_bands = n_bands

    def analyse(self, x: Signal) -> Signal:
        """Go on with (slots * n_bands,) samples, real → (slots, n_bands) complex."""
        joined = np.concatenate([self._heard, x])
        self._heard = joined[len(x) :]
        frames = np.lib.stride_tricks.sliding_window_view(joined, len(self._window))[:: self.n_bands, ::-1]
        folded = (frames * self._window).reshape(len(frames), -1, 2 * self.n_bands).sum(axis=1)
        return folded @ self._modulation

    def synthesise(self, bands: Signal) -> Signal:
        """Go on with (slots, n_bands) complex → (slots * n_bands,) samples, real."""
        turned = bands.real @ self._modulation.real.T - bands.imag @ self._modulation.imag.T
        frames = np.tile(turned, OVERLAP // 2) * self._window
        hops = np.zeros((len(frames) + OVERLAP - 1, self.n_bands))
        hops[: OVERLAP - 1] = self._begun.reshape(-1, self.n_bands)
        for late in range(OVERLAP):
            hops[late : late + len(frames)] += frames.reshape(-1, OVERLAP, self.n_bands)[:, late]
        self._begun = hops[len(frames) :].reshape(-1)
        return hops[: len(frames)].reshape(-1)


class LowBandSplit:
    """Splits the three lowest QMF bands into ten: what the ear resolves there.

    ISO/IEC 14496-3:2009, 8.6.4.3, for 20 stereo bands. Bands come in the order of the standard: two below
    0 Hz (what leaks there), four and two pairs above it, then the other QMF bands. All are `SPLIT_DELAY`
    slots late.

    Args:
        n_bands: of the QMF bank, above 3.
    """

    def __init__(self, n_bands: int) -> None:
        self._past = np.zeros((2 * SPLIT_DELAY, n_bands), complex)
        by_8, by_2 = (np.append(half, half[-2::-1]) for half in (_SPLIT_BY_8, _SPLIT_BY_2))
        taps = np.arange(13) - SPLIT_DELAY
        eight = by_8 * np.exp(2j * np.pi / 8 * np.outer(np.arange(8) + 0.5, taps))
        two = by_2 * np.exp(2j * np.pi / 2 * np.outer(np.arange(2), taps))
        # In odd QMF bands frequencies run backwards.
        six = [eight[6], eight[7], eight[0], eight[1], eight[2] + eight[5], eight[3] + eight[4]]
        self._filters = [np.array(six), two[::-1], two]

    def split(self, bands: Signal) -> Signal:
        """Go on with (slots, n_bands) → (slots, n_bands + 7)."""
        joined = np.concatenate([self._past, bands])
        self._past = joined[len(bands) :]
        frames = np.lib.stride_tricks.sliding_window_view(joined[:, :3], 13, axis=0)[..., ::-1]
        low = [frames[:, band] @ filters.T for band, filters in enumerate(self._filters)]
        return np.concatenate([*low, joined[SPLIT_DELAY:-SPLIT_DELAY, 3:]], axis=1)


def merge_low_bands(bands: Signal) -> Signal:
    """Undo `LowBandSplit`: (slots, n_bands + 7) → (slots, n_bands)."""
    return np.concatenate([np.add.reduceat(bands[:, :10], (0, 6, 8), axis=1), bands[:, 10:]], axis=1)

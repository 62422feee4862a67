"""Convolution with impulse responses of any length, of a signal that comes in blocks of any length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mono2stereo.dsp.signals import Signal, fast_length
from mono2stereo.dsp.windows import by_columns, windows

DIRECT_SAMPLES = 256  # in shorter blocks sums are faster than transforms
FRESH_SAMPLES = 1 << 15  # at most, of a transform: a core's cache holds it
ROW = 32  # of taps


class FirStream:
    """Convolution of each signal with its impulse response, and the sum of them; nothing sounds early.

    Args:
        impulse_responses: (taps,) each.
        steady: as if the first sample had always been there: an offset does not begin with a thump.

    >>> stream = FirStream(np.array([0, 0.5]))
    >>> blocks = [stream.process(np.array([1.0])), stream.process(np.zeros(2))]
    >>> np.allclose(np.concatenate(blocks), [0, 0.5, 0])
    True
    """

    latency_samples = 0

    def __init__(self, *impulse_responses: Signal, steady: bool = False) -> None:
        self._responses, self._unbegun = impulse_responses, steady
        self._rows = [-(-len(taps) // ROW) for taps in impulse_responses]
        self._past = max(self._rows) * ROW - 1
        self._held, self._end = np.zeros((len(self._rows), self._past)), self._past
        self._longest = fast_length(self._past + max(FRESH_SAMPLES, self._past))
        self._spectra: dict[int, list[Signal]] = {}
        rows = np.concatenate(
            [np.pad(taps, (0, -len(taps) % ROW)).reshape(-1, ROW)[::-1] for taps in impulse_responses]
        )
        self._taps = {dtype: rows.astype(dtype) for dtype in "fd"}  # of a signal's precision

    def process(self, *signals: Signal) -> Signal:
        """Take the next samples of each signal, (n,), and return as many, of the first one's dtype."""
        samples, dtype = len(signals[0]), signals[0].dtype
        if not samples:
            return signals[0].copy()
        self._held = self._held.astype(dtype, copy=False)
        if self._unbegun:
            self._held[:] = [signal[:1] for signal in signals]
            self._unbegun = False
        heard = self._behind_past(signals, samples)
        filtered = self._by_rows(heard) if samples <= DIRECT_SAMPLES else self._by_transforms(heard)
        return filtered.astype(dtype, copy=False)

    def _behind_past(self, signals: Sequence[Signal], samples: int) -> Signal:
        """The signals and what was before them, (signals, past + samples)."""
        if self._end + samples > self._held.shape[1]:
            past = self._held[:, self._end - self._past : self._end]
            # For short blocks, which move nothing.
            room = np.empty((len(past), max(samples, self._past)), past.dtype)
            self._held, self._end = np.concatenate([past, room], axis=1), self._past
        self._held[:, self._end : self._end + samples] = signals
        self._end += samples
        return self._held[:, self._end - self._past - samples : self._end]

    def _by_rows(self, heard: Signal) -> Signal:
        """Each row of `ROW` taps meets what was heard so much earlier: all products, then their diagonals."""
        samples = heard.shape[1] - self._past
        width = samples + ROW - 1
        seen = [windows(signal, width, ROW)[-rows:] for signal, rows in zip(heard, self._rows, strict=True)]
        products = by_columns(self._taps[heard.dtype.char], np.concatenate(seen))
        # Tap r of a row meets for output s the column s - r + ROW - 1.
        return windows(products.reshape(-1)[ROW - 1 :], samples, width - 1)[:ROW].sum(axis=0)

    def _by_transforms(self, heard: Signal) -> Signal:
        """Overlap-save: what wraps around is as long as the past."""
        past, samples = self._past, heard.shape[1] - self._past
        size = min(1 << (past + samples - 1).bit_length(), self._longest)
        if size not in self._spectra:
            self._spectra[size] = [np.fft.rfft(taps, size) for taps in self._responses]
        filtered = np.empty(samples)
        for start in range(0, samples, size - past):
            total: Signal | float = 0.0
            for signal, response in zip(heard, self._spectra[size], strict=True):
                # In double precision what it leaves in silence is below any sample format's last bit.
                spectrum = np.fft.rfft(signal[start : start + size].astype(float, copy=False), size)
                spectrum *= response
                total += spectrum
            filtered[start : start + size - past] = np.fft.irfft(total, size)[past:][: samples - start]
        return filtered

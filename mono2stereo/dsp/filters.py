"""Filters that training and inference must share to the last coefficient."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.windows import times, windows
from mono2stereo.errors import AudioError

ROW = 64  # samples that are filtered by one product of matrices
PIECE_SAMPLES = 1 << 14  # a core's cache holds all that is made of them
NOTHING = 1e-20


def highpass_sos(cutoff_hz: float, sample_rate: int) -> Signal:
    """Fourth-order Butterworth high-pass as second-order sections, (2, 6).

    It keeps the side free of the mean and the bass no loss on mel bands sees.

    Args:
        cutoff_hz: where it is 3 dB down.
        sample_rate: Hz.

    Raises:
        AudioError: `cutoff_hz` not between 0 and Nyquist.

    >>> highpass_sos(50.0, 22050).shape
    (2, 6)
    """
    if not 0 < cutoff_hz < sample_rate / 2:
        raise AudioError(f"cutoff_hz = {cutoff_hz}: between 0 and {sample_rate / 2:g}, half of sample_rate")
    return _butterworth(4, cutoff_hz, sample_rate)


def dc_blocker_sos(sample_rate: int, cutoff_hz: float = 5.0) -> Signal:
    """First-order high-pass as one second-order section, (1, 6): of a constant nothing passes.

    At the default it takes 0.04 dB of what lies at 50 Hz.

    Args:
        sample_rate: Hz.
        cutoff_hz: where it is 3 dB down.

    >>> float(dc_blocker_sos(22050)[0, :3].sum())
    0.0
    """
    return _butterworth(1, cutoff_hz, sample_rate)


def _butterworth(order: int, cutoff_hz: float, sample_rate: int) -> Signal:
    """High-pass by the bilinear transform (Oppenheim & Schafer, Discrete-Time Signal Processing, 7.2)."""
    k = np.tan(np.pi * cutoff_hz / sample_rate)
    if order == 1:
        return np.array([[1, -1, 0, 1 + k, k - 1, 0]]) / (1 + k)
    damping = 2 * k * np.sin(np.pi * (np.arange(order // 2) + 0.5) / order)[:, np.newaxis]
    ones = np.ones_like(damping)
    sos = np.hstack([ones, -2 * ones, ones, 1 + damping + k * k, 2 * (k * k - ones), 1 - damping + k * k])
    return sos / sos[:, 3:4]


def impulse_response(sos: Signal, floor_db: float = -140.0) -> Signal:
    """Response of second-order sections to an impulse, cut where it stays below `floor_db`.

    Training applies the high-pass by convolution with it, inference recursively: the same filter twice.

    Args:
        sos: (sections, 6), stable.
        floor_db: relative to the largest tap.

    Returns:
        (taps,) float64.

    >>> taps = impulse_response(highpass_sos(50.0, 22050))
    >>> 500 < len(taps) < 5000
    True
    """
    n = 1024
    while True:
        impulse = np.zeros(n)
        impulse[0] = 1.0
        taps = SosFilter(sos).process(impulse)
        above = np.flatnonzero(np.abs(taps) > np.abs(taps).max() * 10 ** (floor_db / 20))
        if above[-1] < n // 2:
            return taps[: above[-1] + 1]
        n *= 2


class SosFilter:
    """Second-order sections in series on a signal that comes in blocks, where they are cut changes nothing.

    A row of samples at a time is a product with the matrix of the impulse response; what rings on from row to
    row is the state of direct form II transposed, as in SciPy's `sosfilt`.

    Args:
        sos: (sections, 6), few of them.

    >>> hold = SosFilter(np.array([[1.0, 0, 0, 1, -0.5, 0]]))
    >>> [hold.process(x).tolist() for x in (np.ones(2), np.zeros(1))]
    [[1.0, 1.5], [0.75]]
    """

    def __init__(self, sos: Signal) -> None:
        self.state = np.zeros(2 * len(sos))
        self._within, self._onwards, self._ringing, self._powers = _row_matrices(sos.tobytes())

    def process(self, x: Signal) -> Signal:
        """Take the next samples, (n,), and return as many, of the same dtype."""
        if len(x) <= PIECE_SAMPLES:
            return self._piece(x)
        starts = range(0, len(x), PIECE_SAMPLES)
        return np.concatenate([self._piece(x[start : start + PIECE_SAMPLES]) for start in starts])

    def _piece(self, x: Signal) -> Signal:
        samples = x.astype(np.float64, copy=False)
        rows = (len(x) - 1) // ROW
        filtered = [self._rows(samples[: rows * ROW].reshape(rows, ROW))] if rows > 0 else []
        last = samples[max(rows, 0) * ROW :]
        rest = len(last)
        filtered.append(last @ self._within[:rest, :rest] + self.state @ self._ringing[:, :rest])
        state = self.state @ self._powers[rest] + last @ self._onwards[ROW - rest :]
        # What rings on for ever would end as denormal numbers, a hundred times as slow.
        self.state = state if np.abs(state).max() > NOTHING else np.zeros_like(state)
        return (np.concatenate(filtered) if rows > 0 else filtered[0]).astype(x.dtype, copy=False)

    def _rows(self, x: Signal) -> Signal:
        # The states before each row and after the last: what all rows before left, by doubling.
        states = np.vstack([self.state, x @ self._onwards])
        hop, power = 1, self._powers[ROW]
        while hop < len(states):
            states[hop:] += states[:-hop] @ power
            hop, power = 2 * hop, power @ power
        self.state = states[-1]
        return (times(x, self._within) + states[:-1] @ self._ringing).reshape(-1)


@lru_cache(maxsize=16)
def _row_matrices(sos: bytes) -> tuple[Signal, Signal, Signal, Signal]:
    """What a row of samples, and a state, do to the row's output and to the state after it.

    Returns:
        within: (ROW, ROW), input to output.
        onwards: (ROW, states), input to the state after it.
        ringing: (states, ROW), state to output.
        powers: (ROW + 1, states, states), state to the state so many samples later.
    """
    sections = np.frombuffer(sos).reshape(-1, 6)
    n = 2 * len(sections)
    held = np.vstack([np.eye(n), np.zeros(n)])  # each state alone, and an impulse
    signal = np.append(np.zeros(n), 1.0)
    outputs, states = [], [held.copy()]
    for _ in range(ROW):
        for index, (b0, b1, b2, _, a1, a2) in enumerate(sections):
            first, second = held[:, 2 * index], held[:, 2 * index + 1]
            out = b0 * signal + first
            first[:], second[:] = b1 * signal - a1 * out + second, b2 * signal - a2 * out
            signal = out
        outputs.append(signal)
        states.append(held.copy())
        signal = np.zeros(n + 1)
    by_time, later = np.array(outputs), np.array(states)
    response = np.concatenate([np.zeros(ROW - 1), by_time[:, n]])
    return (
        windows(response, ROW)[::-1].copy(),
        later[:0:-1, n].copy(),
        by_time[:, :n].T.copy(),
        later[:, :n].copy(),
    )

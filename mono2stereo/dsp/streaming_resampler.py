"""Change of the sample rate block by block, with a filter of stated bandwidth and a known delay.

soxr's own streams hand out what they have when they have it, up to 0.1 s late; what is heard live needs a
short delay that is known beforehand.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd

import numpy as np

from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.windows import times, windows
from mono2stereo.errors import AudioError

STOPBAND_DB = 100.0
LONGEST_PERIOD_SECONDS = 0.1  # after which outputs lie between inputs as before; files wait so long
PIECE_OUTPUTS = 32
PHASES = 1024
FEW = 4  # phases, each of which is one product
ROW_NUMBERS = 1 << 17  # of windows and taps that are multiplied at once: a core's cache holds them


def lowpass_kernel(seconds: Signal, pass_hz: float, stop_hz: float) -> Signal:
    """Windowed sinc as a function of time, 100 dB down from `stop_hz` on, of integral one.

    Kaiser's window and his formula for its length (Oppenheim & Schafer, Discrete-Time Signal Processing,
    7.5.3).

    Args:
        seconds: where it is wanted, any shape; zero beyond `kernel_half_seconds`.
        pass_hz: flat up to here.
        stop_hz: nothing passes from here on.
    """
    beta = 0.1102 * (STOPBAND_DB - 8.7)
    kernel = np.zeros(np.shape(seconds))
    inside = np.abs(seconds) < kernel_half_seconds(pass_hz, stop_hz)
    at = seconds[inside]
    window = np.i0(beta * np.sqrt(1 - (at / kernel_half_seconds(pass_hz, stop_hz)) ** 2))
    kernel[inside] = np.sinc((pass_hz + stop_hz) * at) * window * (pass_hz + stop_hz) / np.i0(beta)
    return kernel


def kernel_half_seconds(pass_hz: float, stop_hz: float) -> float:
    """How far `lowpass_kernel` reaches to either side."""
    return (STOPBAND_DB - 7.95) / (2.285 * 4 * np.pi * (stop_hz - pass_hz))


class StreamResampler:
    """Resamples a signal that comes in blocks; where they are cut changes nothing but rounding.

    Output m belongs to the time m / to_rate exactly, at any rate and after any time: linear phase, and what
    the filter waits for is counted in `delay_samples`.

    Args:
        from_rate: Hz.
        to_rate: Hz.
        pass_hz: flat up to here.
        stop_hz: 100 dB down from here on; what lies above half of either rate folds back.
        prompt: hand out each sample as soon as it can be known; otherwise whole blocks, a few
            milliseconds later, by one product with a matrix, ten times as fast.

    Raises:
        AudioError: a rate is not positive, or the band has no width.

    >>> resampler = StreamResampler(44100, 22050, pass_hz=9000, stop_hz=11000)
    >>> len(resampler.process(np.zeros(44100, np.float32))) >= 22050 - resampler.delay_samples / 2
    True
    """

    def __init__(
        self, from_rate: int, to_rate: int, *, pass_hz: float, stop_hz: float, prompt: bool = False
    ) -> None:
        if from_rate <= 0 or to_rate <= 0 or not 0 < pass_hz < stop_hz:
            raise AudioError(
                f"resample {from_rate} to {to_rate} Hz, {pass_hz:g} to {stop_hz:g} Hz: positive and rising"
            )
        common = gcd(from_rate, to_rate)
        self._down, self._up = from_rate // common, to_rate // common
        half = self._half = ceil(kernel_half_seconds(pass_hz, stop_hz) * from_rate) + 1
        band = (from_rate, pass_hz, stop_hz, half)
        self._pieces: list[tuple[int, Signal]] = []
        if prompt or common * LONGEST_PERIOD_SECONDS < 1:
            self._table = _phase_table(min(self._up, PHASES), *band)
            self.delay_samples = half
        else:
            periods = ceil(PIECE_OUTPUTS / self._up)
            self._step = periods * self._down
            self._pieces = _block_matrices(periods * self._up, self._down / self._up, *band)
            self.delay_samples = half + self._step - 1
        self._held = np.zeros(half, np.float32)  # from input sample `first` - half on
        self._first = 0
        self._made = 0

    def process(self, x: Signal) -> Signal:
        """Take the next samples, any number, and return all that is known by then, float32."""
        self._held = np.concatenate([self._held, x.astype(np.float32, copy=False)])
        return self._by_block() if self._pieces else self._by_row()

    def _by_block(self) -> Signal:
        blocks = max(0, (len(self._held) - 2 * self._half) // self._step)
        if not blocks:
            return np.zeros(0, np.float32)
        outputs = []
        for start, matrix in self._pieces:
            outputs.append(times(windows(self._held[start:], len(matrix), self._step)[:blocks], matrix))
        self._held = self._held[blocks * self._step :].copy()
        return np.concatenate(outputs, axis=1).reshape(-1)

    def _by_row(self) -> Signal:
        # Output m needs input up to floor(m down / up) + half.
        known = self._first + len(self._held) - 2 * self._half
        last = -(-known * self._up // self._down) if known > 0 else 0
        if last <= self._made:
            return np.zeros(0, np.float32)
        rows = max(1, ROW_NUMBERS // (2 * self._half))
        outputs = [self._rows(first, min(first + rows, last)) for first in range(self._made, last, rows)]
        self._made = last
        drop = last * self._down // self._up - self._first
        self._held, self._first = self._held[drop:].copy(), self._first + drop
        return np.concatenate(outputs)

    def _rows(self, first: int, last: int) -> Signal:
        """Outputs from `first` to before `last`: a window of the input by a row of the table for each."""
        if self._up <= FEW:
            return self._by_phase(first, last)
        whole, rest = np.divmod(np.arange(first, last) * self._down, self._up)
        inputs = windows(self._held, 2 * self._half)[whole - self._first]
        phases = len(self._table) - 1
        phase, between = np.divmod(rest * phases, self._up)
        outputs = np.einsum("ij,ij->i", inputs, self._table[phase])
        if phases < self._up:
            share = (between / self._up).astype(np.float32)
            outputs += share * (np.einsum("ij,ij->i", inputs, self._table[phase + 1]) - outputs)
        return outputs

    def _by_phase(self, first: int, last: int) -> Signal:
        outputs = np.empty(last - first, np.float32)
        for number in range(min(self._up, len(outputs))):
            whole, phase = divmod((first + number) * self._down, self._up)
            inputs = windows(self._held[whole - self._first :], 2 * self._half, self._down)
            same = outputs[number :: self._up]
            same[:] = times(inputs[: len(same)], self._table[phase, :, np.newaxis])[:, 0]
        return outputs


@lru_cache(maxsize=16)
def _block_matrices(
    outputs: int, ratio: float, rate: int, pass_hz: float, stop_hz: float, half: int
) -> list[tuple[int, Signal]]:
    """Make the matrices that map a block's inputs, from `half` before it on, to its outputs, a few at a time.

    Returns:
        The first input of each, and the matrix (inputs, outputs of the piece).
    """
    pieces = []
    for places in np.array_split(np.arange(outputs) * ratio, ceil(outputs / PIECE_OUTPUTS)):
        start = int(places[0])
        inputs = np.arange(start, int(places[-1]) + 2 * half + 1)
        offsets = places - (inputs - half)[:, np.newaxis]
        matrix = (lowpass_kernel(offsets / rate, pass_hz, stop_hz) / rate).astype(np.float32)
        pieces.append((start, matrix))
    return pieces


@lru_cache(maxsize=16)
def _phase_table(phases: int, rate: int, pass_hz: float, stop_hz: float, half: int) -> Signal:
    """(phases + 1, 2 half): taps for an output that lies phase / phases after the sample at index `half`."""
    offsets = np.arange(phases + 1)[:, np.newaxis] / phases - (np.arange(2 * half) - half)
    return (lowpass_kernel(offsets / rate, pass_hz, stop_hz) / rate).astype(np.float32)

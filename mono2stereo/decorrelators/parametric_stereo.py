"""The decorrelator of HE-AAC v2, with its transient ducker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from mono2stereo.decorrelators.base import Streaming, settle
from mono2stereo.decorrelators.qmf import OVERLAP, SPLIT_DELAY, LowBandSplit, QmfBank, merge_low_bands
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError

# ISO/IEC 14496-3:2009, 8.6.4.5, for 20 stereo bands; k counts the bands of qmf.LowBandSplit.
LINK_DELAYS = (3, 4, 5)  # d(m), table 8.39, slots
LINK_GAINS = tuple(np.exp(-delay / 7) for delay in LINK_DELAYS)  # a(m), table 8.39
LINK_FRACTIONS = (0.43, 0.75, 0.347)  # q(m), table 8.42, slots
PRE_DELAY, PRE_FRACTION = 2, 0.39  # slots
DECAY_CUTOFF, DECAY_SLOPE = 10, 0.05  # from this k on the links' gain falls
ALL_PASS_BANDS = 30  # above: plain delays
LONG_DELAY, LONG_DELAY_BANDS, SHORT_DELAY = 14, 42, 1  # slots; up to this k; above it
CENTRES = np.array([-3, -1, 1, 3, 5, 7, 10, 14, 18, 22]) / 8  # f_center(k), table 8.40, QMF band widths
# b(k), table 8.48; all above belong to the last one.
STEREO_BANDS = np.repeat([1, 0, *range(19)], [*(1,) * 16, 2, 3, 4, 5, 12])
PEAK_DECAY, SMOOTHING, TRANSIENT_IMPACT = 0.76592833836465, 0.25, 1.5  # 8.6.4.5.3, per slot

BLOCK_SLOTS = 1024  # worked on at once; bounds the memory


@dataclass(frozen=True)
class ParametricStereo(Streaming):
    """What HE-AAC v2 decoders make the missing channel from: sub-band all-passes, ducked after transients.

    ISO/IEC 14496-3:2009, subpart 8, 8.6.4.5 (baseline, 20 stereo bands); Purnhagen, "Low Complexity
    Parametric Stereo Coding in MPEG-4", DAFx-04. A bank of 64 complex bands, the lowest three split once
    more; up to about 8.5 kHz three all-pass links in series per band, above it a delay of 14 slots, above
    13 kHz of 1 slot. Where a stereo band's power has fallen well below its recent peak, its output is turned
    down: no tail after an attack.

    The standard's numbers are for some 48 kHz. Here the number of bands doubles with the rate, and halves
    with it, so that a slot always lasts 1.3 to 2.7 ms. Latency: 16 slots less one sample, 21 ms at 48 kHz.

    Args:
        stretch: multiplies all delays; 1 is the standard's.
        ducker: False leaves the transient ducker out.

    Raises:
        AudioError: a stretch that leaves no delay or is out of hand.

    >>> ParametricStereo().stream(48000).latency_samples
    1023
    """

    stretch: float = 1.0
    ducker: bool = True

    def __post_init__(self) -> None:
        if not 0.25 <= self.stretch <= 32:
            raise AudioError(f"parametric stereo: stretch = {self.stretch}: from 0.25 to 32")

    @property
    def name(self) -> str:
        return f"ps-x{self.stretch:g}" + ("" if self.ducker else "-unducked")

    def stream(self, sample_rate: int) -> ParametricStereoStream:
        return ParametricStereoStream(self, n_bands(sample_rate))


def n_bands(sample_rate: int) -> int:
    """Return the number of QMF bands at a rate: 64 above 24 and up to 48 kHz, as in the standard.

    >>> [n_bands(rate) for rate in (8000, 22050, 24001, 44100, 48000, 96000, 192000)]
    [16, 32, 64, 64, 64, 128, 256]
    """
    return int(64 * 2.0 ** np.ceil(np.log2(sample_rate / 48000)))


class ParametricStereoStream:
    """The decorrelator at work.

    Args:
        settings: stretch, ducker.
        n_bands: of the QMF bank.
    """

    def __init__(self, settings: ParametricStereo, n_bands: int) -> None:
        self.latency_samples = (OVERLAP + SPLIT_DELAY) * n_bands - 1
        self._bank, self._split = QmfBank(n_bands), LowBandSplit(n_bands)
        self._decorrelate = SubbandDecorrelator(n_bands + 7, settings.stretch)
        self._duck = Ducker(n_bands + 7) if settings.ducker else None
        self._waiting = np.zeros(0)
        self._made = np.zeros(n_bands - 1)

    def process(self, mid: Signal) -> Signal:
        waiting, hop = np.concatenate([self._waiting, mid.astype(np.float64)]), self._bank.n_bands
        starts = range(0, len(waiting) - hop + 1, hop * BLOCK_SLOTS)
        ends = [*starts[1:], len(waiting) // hop * hop]
        sides = [self._made, *(self._side(waiting[a:b]) for a, b in zip(starts, ends, strict=False))]
        self._waiting = waiting[ends[-1] :]
        side, self._made = np.split(np.concatenate(sides), [len(mid)])
        return side.astype(mid.dtype)

    def _side(self, mid: Signal) -> Signal:
        """Whole slots of the mid → as many of the side."""
        direct = self._split.split(self._bank.analyse(mid))
        diffuse = self._decorrelate(direct)
        if self._duck:
            diffuse *= self._duck(direct)
        return self._bank.synthesise(merge_low_bands(diffuse))


class SubbandDecorrelator:
    """All-pass links and delays on (slots, bands) complex.

    Args:
        bands: of qmf.LowBandSplit.
        stretch: multiplies delays.
    """

    def __init__(self, bands: int, stretch: float) -> None:
        slots = {delay: max(1, round(delay * stretch)) for delay in (1, 2, 3, 4, 5, 14)}
        self._delays = [
            (slice(ALL_PASS_BANDS, LONG_DELAY_BANDS), slots[LONG_DELAY]),
            (slice(LONG_DELAY_BANDS, bands), slots[SHORT_DELAY]),
        ]
        self._past = np.zeros((slots[LONG_DELAY], bands), complex)
        self._filters = []
        for k in range(min(bands, ALL_PASS_BANDS)):
            centre = CENTRES[k] if k < len(CENTRES) else k - len(CENTRES) + 3.5
            slope = min(1.0, max(0.0, 1 - DECAY_SLOPE * (k - DECAY_CUTOFF)))
            above = np.zeros(slots[PRE_DELAY] + 1, complex)
            above[-1] = np.exp(-1j * np.pi * PRE_FRACTION * centre)
            below = np.ones(1, complex)
            for delay, gain, fraction in zip(LINK_DELAYS, LINK_GAINS, LINK_FRACTIONS, strict=True):
                turn = np.exp(-1j * np.pi * fraction * centre)
                gap = np.zeros(slots[delay] - 1)
                above = np.convolve(above, np.concatenate([[-gain * slope], gap, [turn]]))
                below = np.convolve(below, np.concatenate([[1.0], gap, [-gain * slope * turn]]))
            self._filters.append((above, below))
        self._states = [np.zeros(len(above) - 1, complex) for above, _ in self._filters]

    def __call__(self, direct: Signal) -> Signal:
        diffuse = np.empty_like(direct)
        for k, (above, below) in enumerate(self._filters):
            diffuse[:, k], self._states[k] = scipy.signal.lfilter(
                above, below, direct[:, k], zi=settle(self._states[k])
            )
        joined = np.concatenate([self._past, direct])
        for delayed, delay in self._delays:
            first = len(self._past) - delay
            diffuse[:, delayed] = joined[first : first + len(direct), delayed]
        self._past = joined[len(direct) :]
        return diffuse


class Ducker:
    """Gain (slots, bands) from the power of the direct signal, 0 to 1: low after a transient.

    Args:
        bands: of qmf.LowBandSplit.
    """

    def __init__(self, bands: int) -> None:
        last = STEREO_BANDS.max() + 1
        self._stereo_bands = np.append(STEREO_BANDS, np.full(bands, last))[:bands]
        self._sums = np.eye(last + 1)[self._stereo_bands]
        self._peak = np.zeros(last + 1)
        self._smooth = np.zeros((2, 1, last + 1))  # states: of the power, of the peak's lead over it

    def __call__(self, direct: Signal) -> Signal:
        power = np.square(direct.real) @ self._sums + np.square(direct.imag) @ self._sums
        peaks = np.empty_like(power)
        self._peak = settle(self._peak)
        for slot, now in enumerate(power):
            self._peak = np.maximum(PEAK_DECAY * self._peak, now, out=peaks[slot])
        smooth, lead = self._smoothed(0, power), self._smoothed(1, peaks - power)
        gain = np.ones_like(smooth)
        np.divide(smooth, TRANSIENT_IMPACT * lead, out=gain, where=smooth < TRANSIENT_IMPACT * lead)
        return gain[:, self._stereo_bands]

    def _smoothed(self, which: int, x: Signal) -> Signal:
        y, self._smooth[which] = scipy.signal.lfilter(
            [SMOOTHING], [1.0, SMOOTHING - 1.0], x, axis=0, zi=settle(self._smooth[which])
        )
        return y

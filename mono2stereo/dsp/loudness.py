"""Programme loudness after ITU-R BS.1770-4."""

from __future__ import annotations

import numpy as np
import scipy

from mono2stereo.dsp.signals import Signal, require_mono, require_sample_rate, require_stereo

_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0


def integrated_lufs(x: Signal, sample_rate: int) -> float:
    """Measure integrated loudness: K-weighting, 400 ms blocks at 75 % overlap, two gates (Annex 1).

    Args:
        x: (samples,) or (samples, 2), at least 400 ms. One channel counts once: the same signal on two
            channels is 3 LU louder.
        sample_rate: Hz, from 8000 up.

    Returns:
        LUFS; -inf when no block passes the absolute gate of -70 LUFS.

    Raises:
        AudioError: too short, another shape, or not floating point.

    >>> sine = np.sin(2 * np.pi * 997 * np.arange(2 * 48000) / 48000)
    >>> round(integrated_lufs(sine, 48000), 2)
    -3.01
    """
    require_sample_rate(sample_rate)
    if x.ndim == 2:
        require_stereo(x, "x")
    else:
        require_mono(x, "x")
    block = round(0.4 * sample_rate)
    require_mono(x.reshape(x.shape[0], -1)[:, 0], "x", samples=block)
    weighted = scipy.signal.sosfilt(k_weighting_sos(sample_rate), x.astype(np.float64), axis=0)
    energy = np.square(weighted).reshape(x.shape[0], -1).sum(axis=1)
    cumulative = np.concatenate([[0.0], np.cumsum(energy)])
    step = 0.1 * sample_rate
    starts = np.round(np.arange(1 + round((x.shape[0] - block) / step)) * step).astype(int)
    starts = starts[starts + block <= x.shape[0]]
    return _gated((cumulative[starts + block] - cumulative[starts]) / block)


class LoudnessMeter:
    """Integrated loudness of mixtures of uncorrelated signals, fed block by block, in bounded memory.

    Args:
        sample_rate: Hz, from 8000 up.
        signals: how many.

    >>> meter = LoudnessMeter(48000, 1)
    >>> meter.add(np.sin(2 * np.pi * 997 * np.arange(2 * 48000) / 48000)[:, None])
    >>> round(meter.lufs(np.array([1.0])), 2)
    -3.01
    """

    def __init__(self, sample_rate: int, signals: int) -> None:
        require_sample_rate(sample_rate)
        self._step = 0.1 * sample_rate
        self._sos = k_weighting_sos(sample_rate)
        self._state = np.zeros((len(self._sos), 2, signals))
        self._samples = 0
        self._energy = np.zeros(signals)
        self._marks = [np.zeros(signals)]  # the energy up to each tenth of a second

    def add(self, block: Signal) -> None:
        """Take the next samples, (n, signals)."""
        if not len(block):
            return
        weighted, self._state = scipy.signal.sosfilt(self._sos, block, axis=0, zi=self._state)
        energy = self._energy + np.cumsum(np.square(weighted), axis=0)
        while (mark := round(len(self._marks) * self._step)) <= self._samples + len(block):
            self._marks.append(energy[mark - self._samples - 1])
        self._samples += len(block)
        self._energy = energy[-1]

    def lufs(self, weights: Signal) -> float:
        """Loudness of all the signals played at once, the energy of each times its weight, (signals,).

        Returns:
            LUFS; -inf when no 400 ms pass the absolute gate of -70 LUFS, or there are none.
        """
        energy = np.array(self._marks) @ weights
        return _gated((energy[4:] - energy[:-4]) / (4 * self._step))


def _gated(power: Signal) -> float:
    power = power[power > _power(_ABSOLUTE_GATE_LUFS)]
    if not power.size:
        return float("-inf")
    return _lufs(power[power > _power(_lufs(power.mean()) + _RELATIVE_GATE_LU)].mean())


def k_weighting_sos(sample_rate: int) -> Signal:
    """K-weighting as two second-order sections, (2, 6): a high shelf, then a high-pass.

    The standard tabulates 48 kHz only; these are the analogue prototypes behind its tables, warped to any
    rate (De Man 2014), and equal them at 48 kHz.
    """
    shelf_gain = 10 ** (3.999843853973347 / 20)
    middle_gain = shelf_gain**0.4996667741545416
    k, q = np.tan(np.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    shelf = [
        shelf_gain + middle_gain * k / q + k * k,
        2 * (k * k - shelf_gain),
        shelf_gain - middle_gain * k / q + k * k,
        *_denominator(k, q),
    ]
    shelf_scale = 1 + k / q + k * k
    k, q = np.tan(np.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    sos = np.array([np.array(shelf) / shelf_scale, [1.0, -2.0, 1.0, *_denominator(k, q)]])
    sos[1, 3:] /= 1 + k / q + k * k
    return sos


def _denominator(k: float, q: float) -> tuple[float, float, float]:
    return 1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k


def _lufs(power: float) -> float:
    return float(-0.691 + 10 * np.log10(power))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))

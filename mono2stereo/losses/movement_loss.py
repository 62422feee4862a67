"""How left and right move against the mid, held to how they move in recordings: neither a swirl nor still.

Figures and their definition are those of `mono2stereo.dsp.movement`, the NumPy twin.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from mono2stereo.dsp.movement import FLOOR_DB, MODULATION_HZ, SIDE_DB, erb_matrix, frames_of
from mono2stereo.losses.spectra import Spectra, power

INAUDIBLE_DB = 0.1  # added to figures and targets: what moves by less counts as still


class MovementLoss:
    """Mean over batch and figures of |ln(figure / target)|.

    Args:
        sample_rate: In Hz.
        targets: What each of the six figures should be, dB, over the same length of signal; None for those
            that do not count.
    """

    def __init__(self, *, sample_rate: int, targets: Sequence[float | None]) -> None:
        dtype = keras.backend.floatx()
        self._stft = frames_of(sample_rate)
        self._step_seconds = self._stft.frame_step / sample_rate
        self._bands = tf.constant(erb_matrix(sample_rate), dtype)
        counted = np.array([target is not None for target in targets])
        self._shares = tf.constant(counted / counted.sum(), dtype)
        self._targets = tf.constant([target or 0.0 for target in targets], dtype)

    def __call__(self, *, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        """Scalar, nepers; 0 for a side that moves as the targets say."""
        figures = self.figures(estimate=estimate, reference=reference)
        away = tf.abs(tf.math.log((figures + INAUDIBLE_DB) / (self._targets + INAUDIBLE_DB)))
        return tf.reduce_sum(self._shares * tf.reduce_mean(away, axis=0))

    def figures(self, *, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        """`(batch, 6)`, dB; 0 in ranges of modulation that the signals are too short for."""
        of_mid = self._stft_of(reference)
        of_side = self._stft_of(estimate) * _gain(mid=reference.waveform, side=estimate.waveform)
        powers = [power(x) @ self._bands for x in (of_mid, of_mid + of_side, of_mid - of_side)]
        floor = 10 ** (FLOOR_DB / 10) * tf.reduce_max(powers[0], axis=(1, 2), keepdims=True) + 1e-20
        mid, left, right = (_decibel(tf.maximum(x, floor)) for x in powers)
        counts = tf.cast(powers[0] > floor, mid.dtype)
        modulation = [self._modulation(side - mid, counts) for side in (left, right)]
        squares = tf.reduce_sum(tf.square(_centred(left - right, counts)), axis=1)
        spread = _mean_over_bands(squares[..., tf.newaxis], counts)
        both = counts[:, 1:] * counts[:, :-1]
        steps = tf.abs((left - right)[:, 1:] - (left - right)[:, :-1])
        change = _sum(steps * both) / tf.maximum(_sum(both), 1.0)
        return tf.concat([0.5 * tf.add_n(modulation), spread, change[:, tf.newaxis]], axis=1)

    def _stft_of(self, signal: Spectra) -> tf.Tensor:
        return signal.stft(self._stft.frame_length, self._stft.frame_step, self._stft.fft_length)

    def _modulation(self, levels_db: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
        """`(batch, frames, bands)` → `(batch, 4)`: what each range of modulation holds."""
        frames = levels_db.shape[1]
        hz = np.fft.rfftfreq(frames, self._step_seconds)
        ranges = [(hz > 0) & (hz >= low) & (hz < high) for low, high in MODULATION_HZ]
        by_time = tf.transpose(_centred(levels_db, counts), (0, 2, 1))
        sums = tf.constant(2 / frames * np.stack(ranges, axis=1), by_time.dtype)
        return _mean_over_bands(power(tf.signal.rfft(by_time)) @ sums, counts)


def _gain(*, mid: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
    """What brings the side to its level re the mid, `(batch, 1, 1)`, complex; at most 80 dB."""
    energies = [tf.reduce_mean(tf.square(x), axis=1) for x in (mid, side)]
    ratio = energies[0] / (energies[1] + 1e-8 * energies[0] + 1e-20)
    gain = 10 ** (SIDE_DB / 20) * tf.sqrt(ratio + 1e-20)
    return tf.complex(gain, tf.zeros_like(gain))[:, tf.newaxis, tf.newaxis]


def _decibel(x: tf.Tensor) -> tf.Tensor:
    return 10 / np.log(10) * tf.math.log(x)


def _centred(levels_db: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Less each band's mean over the cells that count; 0 in the others."""
    cells = tf.reduce_sum(counts, axis=1, keepdims=True)
    mean = tf.reduce_sum(levels_db * counts, axis=1, keepdims=True) / tf.maximum(cells, 1.0)
    return (levels_db - mean) * counts


def _mean_over_bands(squares: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Roots of each band's sums of squares, `(batch, bands, sums)`, over its cells; their means, by cells."""
    cells = tf.reduce_sum(counts, axis=1)[..., tf.newaxis]
    roots = tf.sqrt(squares * cells + 1e-6)  # finite gradient where nothing moves
    return tf.reduce_sum(roots, axis=1) / tf.maximum(tf.reduce_sum(cells, axis=1), 1.0)


def _sum(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(x, axis=(1, 2))

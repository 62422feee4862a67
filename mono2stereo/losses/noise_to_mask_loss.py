"""What the side has where the mid has nothing near: haze between harmonics, sidebands, smeared notes.

Eighty mel bands do not tell a tone from noise around it, and a network that must be incoherent with a steady
tone finds sidebands. The mask is simpler than those of audio coders: the mid's largest cell nearby. After the
noise-to-mask ratio of ITU-R BS.1387.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.losses.spectra import Spectra, power

FRAME_LENGTH = 4096
NEAR_FRAMES = 3  # the mask's width: a frame before and after,
NEAR_BINS = 9  # and ±21 Hz at 22.05 kHz, four bins: the main lobe of a Hann window is two wide


class NoiseToMaskLoss:
    """Mean over batch, frames and mel bands of max(0, ½·ln(side power / largest mid power near)), by cell.

    Args:
        sample_rate: Hz.
        n_mels: Bands that count alike, from 0 Hz to Nyquist.
        floor_db: Added to both, relative to the mid's loudest cell: what is as quiet does not count.
    """

    def __init__(self, *, sample_rate: int, n_mels: int, floor_db: float) -> None:
        weights = mel_filterbank(sample_rate, FRAME_LENGTH, n_mels)
        weights = weights / weights.sum(axis=1, keepdims=True) / n_mels
        self._weights = tf.constant(weights.sum(axis=0), keras.backend.floatx())
        self._floor = 10 ** (floor_db / 10)

    def __call__(self, *, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        """Scalar, nepers; 0 for a side that stays below the mid."""
        x, y = (power(signal.stft(FRAME_LENGTH, FRAME_LENGTH // 4)) for signal in (reference, estimate))
        floor = self._floor * tf.reduce_max(x, axis=(1, 2), keepdims=True) + 1e-20
        mask = tf.nn.max_pool2d(x[..., tf.newaxis], (NEAR_FRAMES, NEAR_BINS), strides=1, padding="SAME")
        above = tf.nn.relu(0.5 * tf.math.log((y + floor) / (mask[..., 0] + floor)))
        return tf.reduce_mean(tf.linalg.matvec(above, self._weights))

"""Log-mel L1: holds the side's timbre to the mid's (HiFi-GAN, eq. 3, on log-magnitude mel spectra)."""

from __future__ import annotations

import keras
import tensorflow as tf

from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.losses.spectra import Spectra, power


class MelLoss:
    """Mean absolute difference of natural-log mel magnitudes, over batch, frames and bands.

    Slaney scale and norm from 0 Hz to Nyquist.

    Args:
        sample_rate: In Hz.
        n_mels: Bands.
        frame_length: In samples.
        frame_step: In samples.
        floor: Magnitude below which differences do not count.
    """

    def __init__(
        self, *, sample_rate: int, n_mels: int, frame_length: int, frame_step: int, floor: float
    ) -> None:
        self.frame_length = frame_length
        self.frame_step = frame_step
        self.floor = floor
        self._weights = tf.constant(
            mel_filterbank(sample_rate, frame_length, n_mels).T, keras.backend.floatx()
        )

    def log_mel(self, signal: Spectra) -> tf.Tensor:
        """`(batch, frames, n_mels)`."""
        magnitude = tf.sqrt(power(signal.stft(self.frame_length, self.frame_step)) + 1e-20)
        return tf.math.log(tf.maximum(tf.matmul(magnitude, self._weights), self.floor))

    def __call__(self, *, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        """Scalar, nepers; 0 for equal signals."""
        return tf.reduce_mean(tf.abs(self.log_mel(estimate) - self.log_mel(reference)))

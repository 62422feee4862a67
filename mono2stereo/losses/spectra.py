"""Short-time spectra of one signal, each computed once however many terms ask for it, and mel bands."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from librosa.filters import mel


class Spectra:
    """Waveforms `(batch, samples)` and their STFTs on demand.

    Lives within one step; not kept between steps.
    """

    def __init__(self, waveform: tf.Tensor) -> None:
        self.waveform = waveform
        self._stfts: dict[tuple[int, int, int], tf.Tensor] = {}

    def stft(self, frame_length: int, frame_step: int, fft_length: int | None = None) -> tf.Tensor:
        """Periodic Hann, no padding: complex `(batch, frames, fft_length // 2 + 1)`; as long as a frame."""
        key = (frame_length, frame_step, fft_length or frame_length)
        if key not in self._stfts:
            self._stfts[key] = tf.signal.stft(self.waveform, *key)
        return self._stfts[key]


def mel_filterbank(sample_rate: int, fft_length: int, n_mels: int) -> np.ndarray:
    """Slaney's bands, (n_mels, fft_length // 2 + 1) float64; `dsp.mel` makes the same without librosa."""
    return mel(sr=sample_rate, n_fft=fft_length, n_mels=n_mels, dtype=np.float64)


def power(spectrum: tf.Tensor) -> tf.Tensor:
    """|X|², without the square root whose gradient is infinite at zero."""
    return tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))

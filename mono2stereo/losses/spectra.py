"""Short-time spectra of one signal, each computed once however many loss terms ask for it."""

from __future__ import annotations

import tensorflow as tf


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


def power(spectrum: tf.Tensor) -> tf.Tensor:
    """|X|², without the square root whose gradient is infinite at zero."""
    return tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))

"""Short-time spectra of one signal, each computed once however many terms ask for it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from mono2stereo.errors import TrainingError


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
            window = tf.constant(np.hanning(frame_length + 1)[:-1], self.waveform.dtype)
            frames = framed(self.waveform, frame_length, frame_step)
            self._stfts[key] = tf.signal.rfft(frames * window, [key[2]])
        return self._stfts[key]


def framed(waveform: tf.Tensor, length: int, step: int) -> tf.Tensor:
    """`(batch, samples)` → `(batch, frames, length)`, without padding; samples must be static.

    As `tf.signal.frame`, with half the graph to trace, and a gradient that is quicker.

    Raises:
        TrainingError: not one frame.
    """
    samples = waveform.shape[-1]
    if samples < length:
        raise TrainingError(f"frames of {length} samples in a crop of {samples}; lengthen train.crop_samples")
    n_frames, overlap, part = 1 + (samples - length) // step, -(-length // step), math.gcd(length, step)
    span = (n_frames - 1) * step + length
    places = np.arange(n_frames)[:, None] * (step // part) + np.arange(length // part)

    @tf.custom_gradient
    def gathered(waveform: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        parts = tf.reshape(waveform[:, :span], (-1, span // part, part))
        frames = tf.gather(parts, places.astype(np.int32).ravel(), axis=1)

        def overlap_add(upstream: tf.Tensor) -> tf.Tensor:
            whole = tf.pad(upstream, ((0, 0), (0, 0), (0, overlap * step - length)))
            hops = [
                tf.pad(hop, ((0, 0), (late, overlap - 1 - late), (0, 0)))
                for late, hop in enumerate(tf.split(whole, overlap, axis=-1))
            ]
            added = tf.reshape(tf.add_n(hops), (-1, (n_frames + overlap - 1) * step))[:, :span]
            return tf.pad(added, ((0, 0), (0, samples - span)))

        return tf.reshape(frames, (-1, n_frames, length)), overlap_add

    return gathered(waveform)


def power(spectrum: tf.Tensor) -> tf.Tensor:
    """|X|², without the square root whose gradient is infinite at zero."""

    @tf.custom_gradient
    def squared(spectrum: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        real, imag = tf.math.real(spectrum), tf.math.imag(spectrum)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            twice = 2 * upstream
            return tf.complex(twice * real, twice * imag)

        return tf.square(real) + tf.square(imag), gradient

    return squared(spectrum)

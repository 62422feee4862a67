"""Mel-band coherence between mid and side: pushes the side away from the mid."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.losses.spectra import Spectra, power

MIN_FRAMES = 16


class CoherenceLoss:
    """Mean over windows of how coherent the side is with the mid, above a floor for each.

    Args:
        sample_rate: In Hz.
        n_mels: Bands from 0 Hz to Nyquist.
        frame_lengths: Windows in samples.
        floors: One per window, or one per window and band.
        shortfall: What being below a floor costs, as a share of what being above it does.
    """

    def __init__(
        self,
        *,
        sample_rate: int,
        n_mels: int,
        frame_lengths: Sequence[int],
        floors: Sequence[float | Sequence[float]],
        shortfall: float = 0.0,
    ) -> None:
        self._windows = [
            WindowCoherence(
                sample_rate=sample_rate, frame_length=length, n_mels=n_mels, floor=floor, shortfall=shortfall
            )
            for length, floor in zip(frame_lengths, floors, strict=True)
        ]

    def __call__(self, *, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        """Scalar in 0…1."""
        windows = [window(estimate=estimate, reference=reference) for window in self._windows]
        return tf.add_n(windows) / len(windows)


class WindowCoherence:
    """Mean over batch and mel bands of Σ_k W |Σ_l X·conj(Y)| / Σ_k W √(Σ_l|X|² · Σ_l|Y|²), above a floor.

    1 for a copy at any level or sign, about 1.2/√frames for independent signals. The conjugate matters:
    without it a copy scores next to nothing. See `mono2stereo.dsp.coherence` for the NumPy twin.

    Args:
        sample_rate: In Hz.
        frame_length: Window in samples; the step is a quarter of it.
        n_mels: Bands from 0 Hz to Nyquist.
        floor: Coherence below which less earns nothing, such as that of real recordings' own sides: one
            for all bands or one for each.
        shortfall: What being below the floor costs, as a share of what being above it does.
    """

    def __init__(
        self,
        *,
        sample_rate: int,
        frame_length: int,
        n_mels: int,
        floor: float | Sequence[float] = 0.0,
        shortfall: float = 0.0,
    ) -> None:
        self.frame_length = frame_length
        self.shortfall = shortfall
        weights = mel_filterbank(sample_rate, frame_length, n_mels)
        bands = weights.any(axis=1)  # a short window leaves some low bands without a bin
        self._weights = tf.constant(weights[bands].T, keras.backend.floatx())
        self._floor = tf.constant(np.broadcast_to(floor, n_mels)[bands], keras.backend.floatx())

    def __call__(self, *, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        """Scalar in 0…1. Raises ValueError where fewer than 16 frames make any signals look coherent."""
        step = self.frame_length // 4
        x, y = reference.stft(self.frame_length, step), estimate.stft(self.frame_length, step)
        if x.shape[1] < MIN_FRAMES:
            raise ValueError(f"coherence over {x.shape[1]} frames of {self.frame_length}; needs {MIN_FRAMES}")
        cross = tf.reduce_sum(x * tf.math.conj(y), axis=1)
        energies = tf.reduce_sum(power(x), axis=1) * tf.reduce_sum(power(y), axis=1)
        tiny = 1e-20  # keeps silence at 0/tiny and its gradient finite
        numerator = tf.matmul(tf.sqrt(power(cross) + tiny), self._weights)
        denominator = tf.matmul(tf.sqrt(energies + tiny), self._weights)
        above = numerator / denominator - self._floor
        return tf.reduce_mean(tf.nn.relu(above) + self.shortfall * tf.nn.relu(-above))

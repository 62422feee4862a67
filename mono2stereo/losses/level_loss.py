"""Long-term level per band from DC to Nyquist: closes what log-mel L1 leaves open.

No mel band weighs DC, the last fades towards Nyquist, and L1 on log-mel fits a median, so that long-term
levels drift by several dB (see docs/method.md).
"""

from __future__ import annotations

import tensorflow as tf

from mono2stereo.dsp.bands import third_octave_matrix
from mono2stereo.losses.spectra import Spectra, power

SMOOTH = 1e-12  # at 0 a root has no gradient
WIDEST_BIN_HZ = 3.0  # a third octave at 63 Hz is 15 Hz wide, and may lie between two notes


class LevelLoss:
    """Root of the mean square over bands of ½·ln(side energy / mid energy), energies summed over a clip.

    What is heard is the one band between two notes that is far too loud, not the many that are nearly right.

    Args:
        sample_rate: In Hz; frames are as long as bins of 2 to 3 Hz take, or as a shorter clip is.
        floor_db: Added to both, relative to the mid's loudest band: empty bands do not count.
    """

    def __init__(self, *, sample_rate: int, floor_db: float) -> None:
        self._frame_length = 1 << int(sample_rate / WIDEST_BIN_HZ).bit_length()
        self._floor = 10 ** (floor_db / 10)

    def __call__(self, *, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        """Scalar, nepers; 0 for equal long-term spectra."""
        length = min(self._frame_length, reference.waveform.shape[-1])
        bands = tf.constant(third_octave_matrix(length), reference.waveform.dtype)
        x, y = (
            tf.reduce_mean(power(signal.stft(length, length // 4)), axis=1) @ bands
            for signal in (reference, estimate)
        )
        floor = self._floor * tf.reduce_max(x, axis=-1, keepdims=True) + 1e-20
        difference = 0.5 * tf.math.log((y + floor) / (x + floor))
        return tf.reduce_mean(tf.sqrt(tf.reduce_mean(tf.square(difference), axis=-1) + SMOOTH))

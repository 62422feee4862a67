"""The level of held tones, which music hardly ever lets be heard alone.

Gates rest while a tone is held, and its side is the tone through a linear filter. Trained on music alone the
response of this filter is left to chance: 8 dB below the mid in the mean, with notches of 30 dB
(docs/decisions/generator.md), so that some notes of an organ are wide and others in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mono2stereo.losses.spectra import power

TONES_PER_OCTAVE = 24
FINEST_HZ = 1.0
SILENT = 1e-6  # power re the impulse's: 60 dB down is gone


class HeldLoss:
    """Mean over tones of |½·ln(side power / mid power)|, from the response to an impulse.

    Args:
        sample_rate: In Hz.
        range_hz: The lowest tone and the highest, 24 to the octave.
    """

    def __init__(self, *, sample_rate: int, range_hz: Sequence[float]) -> None:
        low, high = range_hz
        self._hz = low * 2 ** (np.arange(1 + int(TONES_PER_OCTAVE * np.log2(high / low))) / TONES_PER_OCTAVE)
        self._sample_rate = sample_rate

    def __call__(self, *, response: tf.Tensor, impulse: tf.Tensor) -> tf.Tensor:
        """Scalar, nepers, 0 for an all-pass: side and mid `(1, samples)`, through the same high-pass."""
        size = 1 << int(max(response.shape[1], self._sample_rate / FINEST_HZ)).bit_length()
        bins = np.round(self._hz * size / self._sample_rate).astype(int)
        side, mid = (
            tf.gather(power(tf.signal.rfft(signal, [size])), bins, axis=1) for signal in (response, impulse)
        )
        return 0.5 * tf.reduce_mean(tf.abs(tf.math.log((side + SILENT) / (mid + SILENT))))

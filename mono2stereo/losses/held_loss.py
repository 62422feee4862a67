"""What held tones become, which music hardly ever lets be heard alone: their level, and images beside them.

Gates rest while a tone is held, and its side is the tone through a linear filter. Trained on music alone the
response of this filter is left to chance: 7 dB below the mid in the mean, with notches of 20 dB and more
(docs/decisions/generator.md), so that some notes of an organ are wide and others in the middle. And where
filters differ from bin to bin a tone has images a frame rate away, where no other term hears them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mono2stereo.losses.spectra import power

FINEST_HZ = 2.0  # finer than the response can tell apart: else there are notches between the tones asked for
SILENT = 1e-6  # power re the impulse's: 60 dB down is gone
NOTHING = 1e-10  # of images


class HeldLoss:
    """How far the sides of held tones, told by impulses, are from their mids' level and from being tones.

    The mean over pitches of how far |½·ln(side power / mid power)| exceeds a tolerance, and that of how far
    ½·ln(power of all images there / mid power) exceeds a limit.

    Args:
        sample_rate: In Hz.
        range_hz: The lowest pitch and the highest; every octave between counts alike.
        tolerance_db: What costs nothing either way.
        images_db: Re the mid's level; what costs nothing of images.
    """

    def __init__(
        self, *, sample_rate: int, range_hz: Sequence[float], tolerance_db: float, images_db: float
    ) -> None:
        self._sample_rate, self._range_hz = sample_rate, range_hz
        self._tolerance, self._images = (db * np.log(10) / 20 for db in (tolerance_db, images_db))

    def __call__(self, *, response: tf.Tensor, impulse: tf.Tensor) -> tf.Tensor:
        """Scalar, nepers, 0 for an all-pass.

        Args:
            response: Sides of impulses at several places of a frame step, `(places, samples)`, each from as
                long before its impulse.
            impulse: Their mid, `(1, samples)`, through the same high-pass.
        """
        size = 1 << int(max(response.shape[1], self._sample_rate / FINEST_HZ)).bit_length()
        first, last = (round(hz * size / self._sample_rate) for hz in self._range_hz)
        sides, mid = (tf.signal.rfft(x, [size])[:, first : last + 1] for x in (response, impulse))
        side = tf.reduce_mean(sides, axis=0, keepdims=True)
        images = tf.reduce_mean(power(sides - side), axis=0, keepdims=True)
        away = 0.5 * tf.abs(tf.math.log((power(side) + SILENT) / (power(mid) + SILENT)))
        beside = 0.5 * tf.math.log((images + NOTHING) / (power(mid) + SILENT))
        by_octave = 1 / np.arange(first, last + 1)
        shares = tf.constant(by_octave / by_octave.sum(), away.dtype)
        return tf.reduce_sum(
            shares * (tf.nn.relu(away - self._tolerance) + tf.nn.relu(beside - self._images))
        )

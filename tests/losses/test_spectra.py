"""Powers of STFTs against TensorFlow's own, gradients included."""

import numpy as np
import pytest
import tensorflow as tf

from mono2stereo.errors import TrainingError
from mono2stereo.losses.spectra import Spectra, power


@pytest.mark.parametrize("lengths", [(64, 16, 64), (48, 20, 64), (30, 7, 30), (16, 16, 16), (16, 24, 16)])
def test_powers_of_stfts_are_tensorflows_and_so_are_their_gradients(lengths):
    waveform = tf.constant(np.random.default_rng(0).standard_normal((3, 301)), tf.float32)

    def theirs() -> tf.Tensor:
        spectrum = tf.signal.stft(waveform, *lengths)
        return tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))

    found = []
    for powers_of in (lambda: power(Spectra(waveform).stft(*lengths)), theirs):
        with tf.GradientTape() as tape:
            tape.watch(waveform)
            powers = powers_of()
            value = tf.reduce_sum(powers * tf.random.stateless_uniform(powers.shape, (1, 2)))
        found.append((powers, tape.gradient(value, waveform)))
    for mine, reference in zip(*found, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-4, atol=1e-3)


def test_a_crop_shorter_than_a_frame_is_refused_in_a_line():
    with pytest.raises(TrainingError, match="frames of 302 samples in a crop of 301"):
        Spectra(tf.zeros((1, 301))).stft(302, 75)

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from mono2stereo.losses.adversarial import adversarial_loss, discriminator_loss, feature_matching_loss


def test_losses_are_patchwise_least_squares():
    """Answers 0 and 2 average to 1, yet are wrong everywhere: squared before the mean."""
    outputs = [(tf.constant([[0.0, 2.0]]), [tf.constant([[0.0, 2.0]])])] * 8
    assert float(adversarial_loss(outputs)) == pytest.approx(1.0)
    perfect_real = [(tf.ones((1, 3)), [tf.ones((1, 3))])] * 8
    perfect_fake = [(tf.zeros((1, 3)), [tf.zeros((1, 3))])] * 8
    assert float(discriminator_loss(real=perfect_real, fake=perfect_fake)) == 0.0
    assert float(feature_matching_loss(real=perfect_real, fake=perfect_fake)) == pytest.approx(1.0)


def test_feature_matching_pulls_the_generated_alone():
    """Real is the target; every map and branch counts alike, whatever its size."""
    real, fake = tf.Variable([[1.0, 1.0]]), tf.Variable([[0.0, 3.0]])
    with tf.GradientTape(persistent=True) as tape:
        loss = feature_matching_loss(
            real=[(real, [real, tf.zeros((9, 9))]), (real, [real])],
            fake=[(fake, [fake, tf.ones((9, 9))]), (fake, [fake])],
        )
    assert float(loss) == pytest.approx(((1.5 + 1.0) / 2 + 1.5) / 2)
    assert tape.gradient(loss, real) is None
    np.testing.assert_allclose(tape.gradient(loss, fake), [[-0.375, 0.375]])


def test_branches_count_alike_and_real_is_what_should_be_one():
    outputs = [(tf.constant([[value]]), []) for value in (1.0, 3.0)]
    zeros = [(tf.zeros((1, 1)), [])] * 2
    assert float(adversarial_loss(outputs)) == 2.0
    assert float(discriminator_loss(real=outputs, fake=zeros)) == 2.0
    assert float(discriminator_loss(real=zeros, fake=outputs)) == 6.0

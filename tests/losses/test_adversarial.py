"""Values worked out by hand: two branches of unlike sizes, each of which counts the same."""

from __future__ import annotations

import pytest
import tensorflow as tf

from mono2stereo.losses.adversarial import adversarial_loss, discriminator_loss, feature_matching_loss

REAL = [
    (tf.constant([[1.0, 3.0]]), [tf.constant([[5.0]]), tf.constant([[1.0, 2.0]])]),
    (tf.constant([[0.0]]), [tf.constant([[4.0]])]),
]
FAKE = [
    (tf.constant([[2.0, 0.0]]), [tf.constant([[2.0]]), tf.constant([[2.0, 4.0]])]),
    (tf.constant([[3.0]]), [tf.constant([[2.0]])]),
]


def test_discriminators_learn_1_for_real_and_0_for_fake():
    first, second = (0 + 4) / 2 + (4 + 0) / 2, 1 + 9
    assert float(discriminator_loss(real=REAL, fake=FAKE)) == pytest.approx((first + second) / 2)


def test_the_generator_learns_to_be_taken_for_real():
    assert float(adversarial_loss(FAKE)) == pytest.approx(((1 + 1) / 2 + 4) / 2)


def test_feature_maps_are_compared_map_by_map_and_real_stands_still():
    fake, real = ([tf.Variable(maps) for _, branch in kind for maps in branch] for kind in (FAKE, REAL))
    with tf.GradientTape() as tape:
        value = feature_matching_loss(
            real=[(0, real[:2]), (0, real[2:])], fake=[(0, fake[:2]), (0, fake[2:])]
        )
    assert float(value) == pytest.approx(((3 + (1 + 2) / 2) / 2 + 2) / 2)
    gradients = tape.gradient(value, [*real, *fake])
    assert gradients[:3] == [None] * 3
    assert [gradient.numpy().ravel().tolist() for gradient in gradients[3:]] == [
        [-0.25],
        [0.125, 0.125],
        [-0.5],
    ]

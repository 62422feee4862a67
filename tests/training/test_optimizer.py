from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from mono2stereo.training.optimizer import AdamW


def test_equals_keras_adamw_through_a_decaying_learning_rate():
    """A second implementation as oracle; with gradients of ordinary size epsilon's place does not matter."""
    start = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    ours, theirs = keras.Variable(start), keras.Variable(start)
    optimizer = AdamW([ours], learning_rate=0.01, decay_rate=0.5, decay_every=3, weight_decay=0.1)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.5, staircase=True)
    oracle = keras.optimizers.AdamW(schedule, beta_1=0.8, beta_2=0.99, epsilon=1e-8, weight_decay=0.1)
    oracle.build([theirs])
    apply = tf.function(lambda gradient: optimizer.apply([gradient]))
    for number in range(8):
        assert float(optimizer.learning_rate) == pytest.approx(0.01 * 0.5 ** (number // 3))
        gradient = tf.random.stateless_normal((5, 7), (number, 0))
        apply(gradient)
        oracle.apply([gradient], [theirs])
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_state_is_all_a_resumed_run_needs():
    optimizer = AdamW([keras.Variable([1.0, 2.0])], learning_rate=0.1)
    optimizer.apply([tf.constant([1.0, -1.0])])
    iteration, mean, square = optimizer.variables
    assert int(iteration) == 1
    np.testing.assert_allclose(mean, [0.2, -0.2], rtol=1e-6)
    np.testing.assert_allclose(square, [0.01, 0.01], rtol=1e-6)

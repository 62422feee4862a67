from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.models import grouped_conv
from mono2stereo.models.grouped_conv import GroupedConv1D, grouped_conv1d


@settings(max_examples=60, deadline=None)
@given(
    groups=st.sampled_from([1, 2, 3, 5]),
    channels=st.integers(1, 3),
    filters=st.sampled_from([1, 2, 3, 8, 9, 33]),
    taps=st.integers(1, 9),
    strides=st.integers(1, 4),
    extra=st.integers(0, 20),
)
def test_equals_keras_grouped_convolution(groups, channels, filters, taps, strides, extra):
    """Values and both gradients, over all ways of computing it."""
    random = np.random.default_rng(groups * 1000 + taps)
    x = tf.constant(random.normal(size=(2, taps + extra, groups * channels)).astype(np.float32))
    kernel = tf.constant(random.normal(size=(taps, channels, groups * filters)).astype(np.float32))
    ways = [
        lambda: keras.ops.conv(x, kernel, strides, "valid"),  # as keras.layers.Conv1D(groups=groups) does
        lambda: grouped_conv1d(x, kernel, strides=strides, groups=groups),
    ]
    if groups == strides == 1:  # what large kernels use
        ways.append(lambda: grouped_conv._conv1d_as_matmul(x, kernel))
    expected, *results = (_with_gradients(way, x, kernel) for way in ways)
    for result in results:
        np.testing.assert_allclose(result[0], expected[0], rtol=1e-4, atol=1e-5)
        for ours, keras_own in zip(result[1:], expected[1:], strict=True):
            np.testing.assert_allclose(ours, keras_own, rtol=1e-3, atol=1e-4)


def _with_gradients(convolve, x, kernel):
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = convolve()
        weighted = tf.reduce_sum(y * tf.reshape(tf.range(tf.size(y), dtype=tf.float32) % 7, tf.shape(y)))
    return y, *tape.gradient(weighted, [x, kernel])


@pytest.mark.parametrize("padding", [0, 2, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_layer_equals_keras_conv1d_with_the_same_padding(padding, strides):
    x = tf.random.stateless_normal((2, 23, 6), (1, 2))
    ours = GroupedConv1D(12, 5, strides=strides, groups=3, padding=padding)
    theirs = keras.layers.Conv1D(12, 5, strides=strides, groups=3)
    padded = tf.pad(x, ((0, 0), (padding, padding), (0, 0)))
    ours.build(x.shape)
    theirs.build(padded.shape)
    theirs.kernel.assign(ours.kernel)
    ours.bias.assign(np.arange(12.0))
    theirs.bias.assign(np.arange(12.0))
    np.testing.assert_allclose(ours(x), theirs(padded), rtol=1e-4, atol=1e-5)


def built(**options) -> GroupedConv1D:
    layer = GroupedConv1D(8, 5, groups=2, **options)
    layer.build((None, None, 6))
    return layer


def test_weight_norm_starts_at_the_raw_kernel_and_scales_with_its_gain():
    layer = built(normalization="weight")
    np.testing.assert_allclose(layer.effective_kernel(), layer.kernel, rtol=1e-5)
    layer.kernel.assign(layer.kernel * 7.0)  # the direction alone counts
    layer.gain.assign(np.full(8, 3.0, np.float32))
    norms = np.linalg.norm(np.reshape(layer.effective_kernel(), (-1, 8)), axis=0)
    np.testing.assert_allclose(norms, 3.0, rtol=1e-5)


def test_spectral_norm_approaches_one_under_training_calls_only():
    layer = built(normalization="spectral")
    layer.kernel.assign(layer.kernel * 10.0)
    x = tf.random.normal((1, 9, 6), seed=1)
    before = np.array(layer.u)
    layer(x, training=False)
    np.testing.assert_array_equal(layer.u, before)
    for _ in range(30):
        layer(x, training=True)
    matrix = np.reshape(layer.effective_kernel(), (-1, 8))
    assert np.linalg.norm(matrix, 2) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("normalization", [None, "weight", "spectral"])
def test_layer_contract(normalization, tmp_path):
    """Serialise, build, run, save, load: the same output."""
    inputs = keras.Input((40, 6))
    model = keras.Model(
        inputs, GroupedConv1D(8, 5, strides=2, groups=2, padding=2, normalization=normalization)(inputs)
    )
    x = tf.random.normal((3, 40, 6), seed=2)
    model.save(tmp_path / "layer.keras")
    again = keras.models.load_model(tmp_path / "layer.keras")
    assert model(x).shape == (3, 20, 8)
    np.testing.assert_array_equal(model(x), again(x))


def test_refuses_channels_that_groups_do_not_divide():
    with pytest.raises(ValueError, match="no multiple of groups"):
        GroupedConv1D(8, 5, groups=3)
    with pytest.raises(ValueError, match="channels = 5"):
        GroupedConv1D(8, 5, groups=2).build((None, None, 5))

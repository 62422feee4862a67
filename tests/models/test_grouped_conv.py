from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mono2stereo.models.grouped_conv import GroupedConv1D, outputs_in_turn
from mono2stereo.models.grouped_conv.conv_formulations import Plan, grouped_convolution, quickest
from mono2stereo.models.grouped_conv.group_major import regroup


@st.composite
def shapes(draw):
    """Shapes, and a way to compute each pass that they allow."""
    groups = draw(st.sampled_from([1, 2, 3, 5]))
    drawn = {
        "groups": groups,
        "channels": draw(st.sampled_from([1, 2, 3, 17])),
        "filters": draw(st.sampled_from([1, 2, 3, 9, 33])),
        "taps": draw(st.sampled_from([1, 2, 5, 16, 23])),
        "strides": draw(st.integers(1, 4)),
    }
    chosen = Plan(
        phases=draw(st.sampled_from([1, 2, 8])),
        weight_phases=draw(st.sampled_from([1, 2, 4])),
        input_product=groups == 1 and draw(st.booleans()),
        weight_product=draw(st.booleans()),
    )
    if groups == 1 and draw(st.booleans()):
        chosen = replace(chosen, forward_product=True, weight_phases=1)
    padding = draw(st.tuples(st.integers(0, 9), st.integers(0, 9)))
    return drawn, padding, draw(st.integers(0, 20)), draw(st.sampled_from([quickest(**drawn), chosen]))


@settings(max_examples=120, deadline=None)
@given(shapes(), st.sampled_from([None, 0.0, 0.1]), st.booleans())
def test_equals_keras_grouped_convolution(drawn, negative_slope, use_bias):
    """Value and all gradients, whatever the shape and the way each pass is computed."""
    shape, padding, extra, plan = drawn
    groups, channels, filters, taps, strides = shape.values()
    random = np.random.default_rng(taps)
    x, kernel, bias = (
        tf.constant(random.normal(size=size).astype(np.float32))
        for size in (
            (2, taps + extra, groups * channels),
            (taps, channels, groups * filters),
            groups * filters,
        )
    )

    def expected():  # as keras.layers.Conv1D(groups=groups) does
        padded = tf.pad(x, ((0, 0), padding, (0, 0)))
        y = keras.ops.conv(padded, kernel, strides, "valid") + (bias if use_bias else 0.0)
        return y if negative_slope is None else tf.nn.leaky_relu(y, negative_slope)

    def ours():
        y = grouped_convolution(
            regroup(x[tf.newaxis], groups),
            kernel,
            bias if use_bias else None,
            strides=strides,
            padding=padding,
            negative_slope=negative_slope,
            plan=plan,
        )
        return regroup(y, 1)[0]

    variables = [x, kernel, *([bias] if use_bias else [])]
    for result, wanted in zip(
        _with_gradients(ours, variables), _with_gradients(expected, variables), strict=True
    ):
        np.testing.assert_allclose(result, wanted, rtol=1e-3, atol=1e-3)


def _with_gradients(convolve, variables):
    with tf.GradientTape() as tape:
        tape.watch(variables)
        y = convolve()
        weighted = tf.reduce_mean(y * tf.reshape(tf.range(tf.size(y), dtype=tf.float32) % 7, tf.shape(y)))
    return y, *tape.gradient(weighted, variables)


@settings(max_examples=40, deadline=None)
@given(
    padding=st.sampled_from(["valid", "same", "causal"]),
    strides=st.integers(1, 3),
    dilation_rate=st.integers(1, 3),
    taps=st.integers(1, 6),
    time=st.integers(18, 30),
    known=st.booleans(),
)
def test_layer_equals_keras_conv1d(padding, strides, dilation_rate, taps, time, known):
    """Everything that Conv1D takes, with the length known while tracing and not."""
    assume(strides == 1 or dilation_rate == 1)  # Keras refuses both
    options = {
        "filters": 6, "kernel_size": taps, "strides": strides, "groups": 3, "padding": padding,
        "dilation_rate": dilation_rate,
    }  # fmt: skip
    x = tf.random.stateless_normal((2, time, 6), (1, taps))
    ours, theirs = GroupedConv1D(**options), keras.layers.Conv1D(**options)
    for layer in (ours, theirs):
        layer.build(x.shape)
    theirs.kernel.assign(ours.kernel)
    for layer in (ours, theirs):
        layer.bias.assign(np.arange(6.0))
    call = ours if known else tf.function(ours, input_signature=[tf.TensorSpec((None, None, 6))])
    np.testing.assert_allclose(call(x), theirs(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("padding", [0, 2, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_a_number_pads_both_sides(padding, strides):
    x = tf.random.stateless_normal((2, 23, 6), (1, 2))
    ours = GroupedConv1D(12, 5, strides=strides, groups=3, padding=padding)
    theirs = keras.layers.Conv1D(12, 5, strides=strides, groups=3)
    padded = tf.pad(x, ((0, 0), (padding, padding), (0, 0)))
    ours.build(x.shape)
    theirs.build(padded.shape)
    theirs.kernel.assign(ours.kernel)
    np.testing.assert_allclose(ours(x), theirs(padded), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("normalization", [None, "weight", "spectral"])
@pytest.mark.parametrize("time", [6, 400])
def test_scaled_output_and_scaled_kernel_are_the_same(normalization, time):
    """Short inputs scale the output, long ones the kernel; bias and activation follow either way."""
    layer = built(normalization=normalization, negative_slope=0.1)
    layer.kernel.assign(layer.kernel * 3.0)
    layer.bias.assign(np.arange(8.0))
    x = tf.random.stateless_normal((1, time, 6), (3, 4))

    def plain():
        return tf.nn.leaky_relu(keras.ops.conv(x, effective_kernel(layer), 1, "valid") + layer.bias, 0.1)

    variables = [variable.value for variable in layer.trainable_variables]
    for ours, wanted in zip(
        _with_gradients(lambda: layer(x), variables), _with_gradients(plain, variables), strict=True
    ):
        np.testing.assert_allclose(ours, wanted, rtol=1e-3, atol=1e-4)


def test_groups_kept_together_for_a_gpu_give_the_same():
    x = tf.random.stateless_normal((2, 9, 6), (1, 2))
    kernel, bias = tf.random.stateless_normal((3, 2, 12), (3, 4)), tf.range(12.0)
    options = {"strides": 2, "padding": (1, 1), "negative_slope": 0.1}
    together = grouped_convolution(x[tf.newaxis], kernel, bias, **options)
    apart = grouped_convolution(regroup(x[tf.newaxis], 3), kernel, bias, **options)
    np.testing.assert_allclose(together, regroup(apart, 1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("now", "then"), [(1, 6), (6, 1), (2, 6), (6, 2), (2, 3), (3, 3)])
def test_regrouping_keeps_the_channels_in_order(now, then):
    x = tf.random.stateless_normal((2, 5, 12), (5, 6))
    again = regroup(regroup(regroup(x[tf.newaxis], now), then), 1)[0]
    np.testing.assert_array_equal(again, x)


@pytest.mark.parametrize("groups", [(2, 4), (1, 4), (4, 1)])
def test_layers_in_turn_give_what_each_gives_by_itself(groups):
    first, second = (GroupedConv1D(8, 3, groups=n, padding=1, normalization="weight") for n in groups)
    x = tf.random.stateless_normal((2, 9, 4), (7, 8))
    first.build((None, None, 4))
    second.build((None, None, 8))
    outputs = outputs_in_turn([first, second], x, training=False)
    for output, expected in zip(outputs, [first(x), second(first(x))], strict=True):
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


def effective_kernel(layer: GroupedConv1D) -> tf.Tensor:
    """The normalised kernel that the layer is equal to, `(taps, channels/groups, filters)`."""
    scale = layer.scale()
    return tf.convert_to_tensor(layer.kernel) * (1.0 if scale is None else scale)


def built(**options) -> GroupedConv1D:
    layer = GroupedConv1D(8, 5, groups=2, **options)
    layer.build((None, None, 6))
    return layer


def test_weight_norm_starts_at_the_raw_kernel_and_scales_with_its_gain():
    layer = built(normalization="weight")
    np.testing.assert_allclose(effective_kernel(layer), layer.kernel, rtol=1e-5)
    layer.kernel.assign(layer.kernel * 7.0)  # the direction alone counts
    layer.gain.assign(np.full(8, 3.0, np.float32))
    norms = np.linalg.norm(np.reshape(effective_kernel(layer), (-1, 8)), axis=0)
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
    matrix = np.reshape(effective_kernel(layer), (-1, 8))
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

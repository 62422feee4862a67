from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from mono2stereo.models.discriminator_tables import BRANCHES, SCALE_LAYERS, scaled_layers
from mono2stereo.models.discriminators import Discriminator, PeriodBranch, ScaleBranch
from mono2stereo.models.mid_to_side import n_parameters


def test_full_width_parameter_counts_are_the_published_ones():
    assert n_parameters(PeriodBranch(2, width=1.0, signals=1)) == 8_218_433
    assert n_parameters(ScaleBranch(0, width=1.0, signals=1)) == 9_870_209
    assert n_parameters(ScaleBranch(2, width=1.0, signals=1)) == 9_870_209


def test_filters_at_a_width_are_multiples_of_4_and_groups_divide_them():
    sizes = [size for _, *size in scaled_layers(SCALE_LAYERS, width=0.15)]
    filters = [20, 20, 40, 76, 152, 152, 152, 1]
    groups = [1, 4, 4, 4, 4, 8, 1, 1]
    assert sizes == [list(size) for size in zip([1, *filters[:-1]], filters, groups, strict=True)]


@pytest.mark.parametrize("period", [2, 3, 5, 7, 11])
@pytest.mark.parametrize("samples", [330, 331, 2310])
def test_period_folding_reflects_only_what_is_missing(period, samples):
    branch = PeriodBranch(period, width=1 / 32, signals=1)
    x = np.arange(samples, dtype=np.float32)
    columns = np.asarray(branch.fold(tf.constant(x[None, :, None])))[..., 0]
    unfolded = columns.T.reshape(-1)
    np.testing.assert_array_equal(unfolded[:samples], x)
    reflected = np.pad(x, (0, -samples % period), mode="reflect")
    np.testing.assert_array_equal(unfolded, reflected)


def test_average_pooling_pads_both_sides():
    pooled = ScaleBranch(1, width=1 / 32, signals=1).fold(tf.ones((1, 16, 1)))
    assert pooled.shape[1] == 9  # Keras' "same" gives 8
    np.testing.assert_allclose(np.asarray(pooled)[0, [0, 1, -1], 0], [0.5, 1.0, 0.5])


@pytest.mark.parametrize("sees_mid", [False, True])
@pytest.mark.parametrize("sees_left_right", [False, True])
def test_what_stands_beside_the_side(sees_mid, sees_left_right):
    discriminator = Discriminator(
        width=1 / 128, sees_mid=sees_mid, sees_left_right=sees_left_right, branches=["period_2"]
    )
    (branch,) = discriminator.branches
    seen = []
    branch.fold = lambda x: seen.append(np.asarray(x)) or type(branch).fold(branch, x)
    side, mid = np.random.default_rng(0).normal(size=(2, 1, 400)).astype(np.float32)
    discriminator(tf.constant(side), tf.constant(mid))
    expected = [side, *([mid] if sees_mid else []), *([mid + side, mid - side] if sees_left_right else [])]
    np.testing.assert_array_equal(seen[0], np.stack(expected, axis=-1))


@pytest.mark.parametrize("sees", [{}, {"sees_mid": True}, {"sees_left_right": True}])
def test_every_branch_answers_with_logits_and_maps_and_teaches(sees):
    """No branch's gradient towards the waveform vanishes, the one-channel last layer included."""
    discriminator = Discriminator(width=1 / 16, **sees)
    side = tf.random.normal((2, 4096), seed=3) * 0.1
    mid = tf.random.normal((2, 4096), seed=4) * 0.1
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(side)
        outputs = discriminator(side, mid)
        losses = [tf.reduce_mean(tf.square(logits - 1.0)) for logits, _ in outputs]
    assert len(outputs) == len(BRANCHES) == 8
    for name, loss, (logits, maps), branch in zip(
        BRANCHES, losses, outputs, discriminator.branches, strict=True
    ):
        assert logits.shape[0] == 2, name
        columns = getattr(branch, "period", 1)
        assert [(x.shape[0], x.shape[2]) for x in maps] == [
            (2 * columns, layer.filters) for layer in branch.convolutions
        ], name
        assert float(tf.norm(tape.gradient(loss, side))) > 1e-7, name
        for weight, gradient in zip(
            branch.trainable_weights, tape.gradient(loss, branch.trainable_weights), strict=True
        ):
            assert float(tf.norm(gradient)) > 0, f"{name}: {weight.path}"
    logits = np.concatenate([np.asarray(logits).ravel() for logits, _ in outputs])
    assert len(np.unique(np.abs(logits))) > len(logits) / 2  # not the ±1 of normalised activations

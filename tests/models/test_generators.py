from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import scipy.signal
import tensorflow as tf

from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.dsp.filters import dc_blocker_sos, highpass_sos
from mono2stereo.dsp.stft import Stft
from mono2stereo.model_card import ModelCard
from mono2stereo.models.export import export_onnx
from mono2stereo.models.generators import GENERATORS
from mono2stereo.models.mid_to_side import MidToSide, complex_to_real, n_parameters, real_to_complex

STFT = Stft(116, 58, 128)


def model(kind="grouped_conv1d", *, filters=4, kernel=5, use_bias=False, lookahead=0) -> MidToSide:
    generator = GENERATORS[kind](
        n_bins=STFT.n_bins, filters_per_bin=filters, kernel_frames=kernel, use_bias=use_bias
    )
    made = MidToSide(generator, stft=STFT, sample_rate=22050, lookahead_frames=lookahead)
    if use_bias:
        for weight in made.trainable_variables:
            if weight.name == "bias":
                weight.assign(np.random.default_rng(5).normal(size=weight.shape) * 0.05)
    return made


def test_parameter_counts_are_the_published_ones():
    assert n_parameters(model(filters=16, kernel=40, use_bias=True)) == 1_500_850
    assert n_parameters(model(filters=16, kernel=40)) == 1_497_600


def test_published_clip_yields_the_published_frames():
    made = model(filters=1, kernel=40)
    spectrum = tf.signal.stft(tf.zeros((1, 75400)), 116, 58, 128)
    assert spectrum.shape[1] == 1299
    assert made.generator(complex_to_real(spectrum)).shape == (1, 1143, 130)
    span = made.span(75400)
    assert span.stop - span.start >= 66120


def test_interleaving_puts_a_bins_real_and_imaginary_parts_side_by_side():
    spectrum = tf.complex([[1.0, 2.0, 5.0]], [[3.0, 4.0, 6.0]])
    np.testing.assert_array_equal(complex_to_real(spectrum), [[1, 3, 2, 4, 5, 6]])
    # Imaginary parts at the ends are bass at Nyquist to a GPU's inverse transform, and nothing to a CPU's.
    np.testing.assert_array_equal(real_to_complex(complex_to_real(spectrum)), [[1, 2 + 4j, 5]])


def test_grouped_generator_keeps_bins_apart():
    made = model()
    x = np.random.default_rng(0).normal(size=(1, 40, 130)).astype(np.float32)
    y = x.copy()
    y[..., 2 * 7 : 2 * 7 + 2] += 1.0
    changed = np.abs(np.asarray(made.generator(x)) - np.asarray(made.generator(y))).max(axis=(0, 1)) > 0
    assert set(np.flatnonzero(changed)) <= {14, 15}
    assert changed.any()


@pytest.mark.parametrize("kind", GENERATORS)
def test_without_biases_level_does_not_matter_and_silence_stays_silence(kind):
    made = model(kind)
    mid = tf.random.normal((1, 58 * 1300), seed=1) * 0.1
    np.testing.assert_allclose(made(mid * 8.0), made(mid) * 8.0, rtol=1e-3, atol=1e-5)
    assert not np.any(made(tf.zeros((1, 58 * 1300))))


def test_highpass_is_the_recursive_filter_that_inference_runs():
    from scipy.signal import sosfilt

    made = model()
    x = np.random.default_rng(2).normal(size=(2, 6000)).astype(np.float32)
    expected = sosfilt(highpass_sos(50.0, 22050), x, axis=-1)
    np.testing.assert_allclose(made.highpass(tf.constant(x)), expected, atol=1e-4)


@pytest.mark.parametrize("lookahead", [0, 6])
def test_span_lines_up_with_the_input(lookahead):
    """A network that copies the frame it stands for gives back the (high-passed) mid itself."""
    made = model(filters=2, kernel=5, lookahead=lookahead)
    copy_frame = 16 - lookahead  # of the 17 frames seen
    taps = [min(4, max(0, copy_frame - 4 * i)) for i in range(4)]
    for layer, tap in zip(made.generator.convolutions, taps, strict=True):
        kernel = np.zeros(layer.kernel.shape, np.float32)
        for output in range(kernel.shape[-1]):
            kernel[tap, output % 2 % kernel.shape[1], output] = 1.0
        layer.kernel.assign(kernel)
        layer.negative_slope = None
    mid = np.random.default_rng(3).normal(size=(1, 58 * 100)).astype(np.float32)
    side = np.asarray(made(tf.constant(mid)))[0]
    expected = np.asarray(made.highpass(tf.constant(mid[:, made.span(mid.shape[1])])))[0]
    np.testing.assert_allclose(side, expected, atol=1e-4)


@pytest.mark.parametrize("lookahead", [0, 6])
@pytest.mark.parametrize("kind", GENERATORS)
def test_a_start_from_the_copy_is_the_mid_and_something_else(kind, lookahead):
    made = model(kind, filters=8, kernel=9, lookahead=lookahead)
    mid = np.random.default_rng(3).normal(size=(1, 58 * 1300)).astype(np.float32)
    expected = np.asarray(made.highpass(tf.constant(mid[:, made.span(mid.shape[1])])))[0]

    def resemblance() -> float:
        return float(np.corrcoef(np.asarray(made(tf.constant(mid)))[0], expected)[0, 1])

    assert abs(resemblance()) < 0.2
    made.generator.start_from_copy(lookahead)
    assert resemblance() > 0.5


@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("lookahead", [0, 5])
@pytest.mark.parametrize("kind", GENERATORS)
def test_exported_model_equals_the_trained_network(kind, lookahead, use_bias, tmp_path):
    """What is deployed is what was trained: to 1e-4, with states carried from block to block.

    The deployed one takes the direct current from what it hears; so does this test for the trained one.
    """
    made = model(kind, use_bias=use_bias, lookahead=lookahead)
    export_onnx(made, tmp_path / "generator.onnx", training={"step": 7})
    deployed = NeuralDecorrelator.load(tmp_path / "generator.onnx")
    assert deployed.card.training == {"step": 7}
    mid = (np.random.default_rng(4).normal(size=58 * 1500) * 0.1).astype(np.float32)
    side = deployed.side(mid, 22050)
    # The network trained on clips: silence before and after, its high-pass from the first sample on.
    before = made.generator.receptive_frames * 58 + 58
    after = lookahead * 58 + 58
    heard = scipy.signal.sosfilt(dc_blocker_sos(22050), np.pad(mid, (before, after)))
    network = np.asarray(made(tf.constant(heard[None], tf.float32)))[0]
    offset = before - made.span(before + len(mid) + after).start
    network = network[offset : offset + len(side)]
    if use_bias or lookahead:
        # The clip's high-pass starts earlier, on what the network makes before the mid begins.
        side, network = side[2000:], network[2000:]
    assert np.abs(side - network).max() <= 1e-4 * np.abs(network).max()


def test_the_models_card_carries_the_width_and_old_cards_have_none(tmp_path):
    curve = {"frequency_hz": [31.5, 20000.0], "side_to_mid_db": [-9.0, -3.0]}
    own = {**curve, "side_to_mid_db": [-2.0, 1.0]}
    export_onnx(model("grouped_conv1d"), tmp_path / "generator.onnx", natural_width=curve, own_width=own)
    assert onnx.load(tmp_path / "generator.onnx").ir_version == 9  # what runtimes of 2023 read
    card = NeuralDecorrelator.load(tmp_path / "generator.onnx").card
    assert (card.natural_width, card.own_width) == (curve, own)
    before = json.loads(card.dumps())
    del before["natural_width"]  # as files written before widths were known
    assert ModelCard.loads(json.dumps(before)) == replace(card, natural_width=None)


def test_export_refuses_nothing_and_loading_refuses_strangers(tmp_path):
    from mono2stereo.errors import ModelError

    with pytest.raises(ModelError, match="no such model file"):
        NeuralDecorrelator.load(tmp_path / "absent.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="no readable ONNX file"):
        NeuralDecorrelator.load(tmp_path / "broken.onnx")

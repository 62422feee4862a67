from __future__ import annotations

import numpy as np
import onnx
import pytest
import tensorflow as tf

from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import ModelError
from mono2stereo.models.export import export_onnx
from mono2stereo.models.generators import GENERATORS
from mono2stereo.models.mid_to_side import MidToSide
from mono2stereo.models.warm_start import start_from_model


def model(
    kind="gated_bank", *, filters=4, kernel=9, use_bias=False, rate=22050, step=29, length=116, beta=0.0
) -> MidToSide:
    generator = GENERATORS[kind](n_bins=65, filters_per_bin=filters, kernel_frames=kernel, use_bias=use_bias)
    made = MidToSide(generator, stft=Stft(length, step, 128, beta), sample_rate=rate)
    for weight in made.trainable_variables:
        if weight.name == "bias":
            weight.assign(np.random.default_rng(5).normal(size=weight.shape) * 0.05)
    return made


@pytest.mark.parametrize(
    ("kind", "use_bias"),
    [("gated_bank", False), ("grouped_conv1d", False), ("grouped_conv1d", True), ("conv2d", True)],
)
def test_training_goes_on_from_an_exported_model(kind, use_bias, tmp_path):
    first, second = model(kind, use_bias=use_bias), model(kind, use_bias=use_bias)
    mid = tf.random.normal((1, 29 * 1400), seed=1) * 0.1
    assert np.abs(first(mid) - second(mid)).max() > 1e-3
    export_onnx(first, tmp_path / "first.onnx")
    start_from_model(second, tmp_path / "first.onnx")
    np.testing.assert_allclose(second(mid), first(mid), atol=1e-6)


def test_the_window_may_be_another(tmp_path):
    export_onnx(model(), tmp_path / "hann.onnx")
    export_onnx(first := model(length=128, beta=7.0), tmp_path / "kaiser.onnx")
    second = model(length=128, beta=7.0)
    start_from_model(second, tmp_path / "hann.onnx")
    assert second.stft == Stft(128, 29, 128, 7.0)
    start_from_model(second, tmp_path / "kaiser.onnx")
    mid = tf.random.normal((1, 29 * 1400), seed=1) * 0.1
    np.testing.assert_allclose(second(mid), first(mid), atol=1e-6)


def test_what_does_not_fit_is_refused_in_a_line(tmp_path):
    file = tmp_path / "first.onnx"
    export_onnx(model(), file)
    for other, reason in (
        (model("grouped_conv1d"), "generator.kind is gated_bank, here it is grouped_conv1d"),
        (model(rate=44100), "sample_rate is 22050, here it is 44100"),
        (model(step=58), "stft is .*frame_step=29.*, here it is .*frame_step=58"),
        (model(filters=8), "layers have other sizes"),
        (model(kernel=30), "receptive field"),
    ):
        before = [np.array(v) for v in other.trainable_variables]
        with pytest.raises(ModelError, match=reason) as refusal:
            start_from_model(other, file)
        assert "\n" not in str(refusal.value)
        for variable, value in zip(other.trainable_variables, before, strict=True):
            np.testing.assert_array_equal(variable, value)
    strange, changed = tmp_path / "strange.onnx", tmp_path / "changed.onnx"
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "another's", [], [])), strange)
    changed.write_bytes(file.read_bytes().replace(b"22050", b"22051"))
    for path in (strange, changed):
        with pytest.raises(ModelError, match=f"^{path}: damaged, or not exported by mono2stereo"):
            start_from_model(model(), path)
    file.write_bytes(file.read_bytes()[:-100])
    for path in (file, tmp_path / "absent.onnx", tmp_path):
        with pytest.raises(ModelError, match=str(path)):
            start_from_model(model(), path)

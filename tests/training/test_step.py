"""What one step does to whom: signs, who moves, gradients against finite differences. Eager, tiny."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from mono2stereo.dsp.stft import Stft
from mono2stereo.losses.adversarial import adversarial_loss, feature_matching_loss
from mono2stereo.losses.coherence_loss import CoherenceLoss
from mono2stereo.losses.held_loss import HeldLoss
from mono2stereo.losses.mel_loss import MelLoss
from mono2stereo.losses.movement_loss import MovementLoss
from mono2stereo.losses.signal_terms import signal_terms
from mono2stereo.models.discriminators import Discriminator
from mono2stereo.models.gated_bank import GatedBankGenerator
from mono2stereo.models.generators import GroupedConv1DGenerator
from mono2stereo.models.mid_to_side import MidToSide
from mono2stereo.training.gan import (
    Gan,
    Signals,
    apart,
    judge,
    measure_step,
    signals_of,
    train_discriminator,
    train_step,
)
from mono2stereo.training.optimizer import AdamW

RATE, CLIP, CROP = 22050, 6000, 5000
WEIGHTS = {"coherence": 2.5, "mel": 0.5, "movement": 0.5, "adversarial": 1.0, "feature_matching": 2.0}


class Still:
    """An optimiser that leaves all as it is and keeps the gradients."""

    learning_rate = 0.0  # no tensor: a process may fork between collecting tests and running them

    def apply(self, gradients: list[tf.Tensor]) -> None:
        self.gradients = [np.asarray(tf.convert_to_tensor(gradient)) for gradient in gradients]


@pytest.fixture
def float64() -> Iterator[None]:
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def moving(network: keras.Model) -> AdamW:
    return AdamW(network.trainable_variables, learning_rate=5e-3)


def make_gan(*, generator_moves: bool = False, discriminator_moves: bool = False, **options: Any) -> Gan:
    keras.utils.set_random_seed(3)
    generator = GroupedConv1DGenerator(n_bins=9, filters_per_bin=2, kernel_frames=3, use_bias=False)
    model = MidToSide(generator, stft=Stft(16, 8, 16), sample_rate=RATE, highpass_hz=500.0)
    discriminator = Discriminator(width=1 / 128, branches=["period_3", "scale_0", "scale_1"])
    terms = {
        "coherence": CoherenceLoss(sample_rate=RATE, n_mels=10, frame_lengths=[256], floors=[0.0]),
        "mel": MelLoss(sample_rate=RATE, n_mels=20, frame_length=512, frame_step=128, floor=1e-5),
        "movement": MovementLoss(sample_rate=RATE, targets=[None, None, 1.6, 1.0, 4.0, 2.4]),
    }
    parts: dict[str, Any] = {
        "model": model,
        "discriminator": discriminator,
        "terms": terms,
        "weights": WEIGHTS,
        "generator_optimizer": moving(model) if generator_moves else Still(),
        "discriminator_optimizer": moving(discriminator) if discriminator_moves else Still(),
        "crop_samples": CROP,
    }
    return Gan(**{**parts, **options})


def batch(seed: int = 0) -> tuple[tf.Tensor, tf.Tensor]:
    """Mid: noise. Real: louder and of another colour, so that there is something to tell apart."""
    random = np.random.default_rng(seed)
    mid, real = 0.1 * random.normal(size=(2, CLIP)), 0.4 * random.normal(size=(2, CROP))
    return tuple(tf.constant(x, keras.backend.floatx()) for x in (mid, real + np.roll(real, 1, axis=1)))


def values(network: keras.Model) -> list[np.ndarray]:
    return [np.array(variable) for variable in network.variables]


def moved(network: keras.Model, before: list[np.ndarray]) -> list[bool]:
    return [not np.array_equal(was, now) for was, now in zip(before, values(network), strict=True)]


def spectral_layers(gan: Gan) -> list[Any]:
    layers = [layer for branch in gan.discriminator.branches for layer in branch.convolutions]
    return [layer for layer in layers if layer.normalization == "spectral"]


def test_the_generators_update_lowers_its_own_loss_and_moves_nothing_else():
    gan = make_gan(generator_moves=True)
    generator, discriminator = values(gan.model), values(gan.discriminator)
    before = train_step(gan, *batch(), judged=True)
    after = measure_step(gan, *batch(), judged=True)
    assert after["total"] < before["total"]
    assert all(moved(gan.model, generator))
    vectors = [variable.name == "u" for variable in gan.discriminator.variables]
    assert moved(gan.discriminator, discriminator) == vectors


def test_held_tones_come_to_the_mids_level_whatever_the_music(float64):
    generator = GatedBankGenerator(n_bins=9, filters_per_bin=2, kernel_frames=3, use_bias=False)
    model = MidToSide(generator, stft=Stft(16, 8, 16), sample_rate=RATE, highpass_hz=500.0)
    samples = 16 + 8 * (generator.receptive_frames + 20)
    gan = make_gan(
        model=model,
        terms={},
        weights={"held": 1.0},
        generator_optimizer=moving(model),
        crop_samples=100,
        held=HeldLoss(sample_rate=RATE, range_hz=[1000.0, 8000.0], tolerance_db=0.0, images_db=0.0),
    )
    mid = tf.zeros((1, samples), tf.float64)
    figures = [train_step(gan, mid, mid[:, :100], judged=False) for _ in range(40)]
    assert float(figures[0]["held"]) > 0.3
    assert float(figures[-1]["total"]) < 0.5 * float(figures[0]["held"])
    assert float(measure_step(gan, mid, mid[:, :100], judged=False)["held"]) < 0.5 * float(figures[0]["held"])


def test_the_discriminators_update_lowers_its_own_loss_and_moves_nothing_else():
    gan = make_gan(discriminator_moves=True)
    generator, discriminator = values(gan.model), values(gan.discriminator)
    before = train_step(gan, *batch(), judged=True)
    after = measure_step(gan, *batch(), judged=True)
    assert after["discriminator"] < before["discriminator"]
    assert all(moved(gan.discriminator, discriminator))
    assert not any(moved(gan.model, generator))


def test_discriminators_learn_that_real_is_real():
    gan = make_gan(discriminator_moves=True)
    for _ in range(12):
        figures = train_step(gan, *batch(), judged=True)
    real, fake = (
        np.mean([figures[f"d_{kind}_{b.name}"] for b in gan.discriminator.branches])
        for kind in ("real", "fake")
    )
    assert real > fake + 0.1


def test_the_spectral_vector_moves_once_a_training_step_and_only_then():
    gan = make_gan()
    layers = spectral_layers(gan)
    assert len(layers) == 8
    for layer in layers:
        layer.u.assign(tf.reverse(layer.u, axis=[1]))  # as far from where it settles as any
    vectors = [np.array(layer.u) for layer in layers]
    measure_step(gan, *batch(), judged=True)
    train_step(gan, *batch(), judged=False)
    assert all(np.array_equal(layer.u, u) for layer, u in zip(layers, vectors, strict=True))
    train_step(gan, *batch(), judged=True)
    for layer, u in zip(layers, vectors, strict=True):
        matrix = np.reshape(layer.kernel, (-1, layer.filters))
        once = u @ matrix.T @ matrix
        np.testing.assert_allclose(layer.u, once / np.linalg.norm(once), atol=1e-5)
        assert not np.allclose(layer.u, u, atol=1e-3) or layer.filters == 1


def test_discriminators_without_a_weight_do_not_reach_the_generator():
    weights = WEIGHTS | {"adversarial": 0.0, "feature_matching": 0.0}
    beside, alone = make_gan(weights=weights), make_gan(weights=weights, discriminator=None)
    train_step(beside, *batch(), judged=True)
    train_step(alone, *batch(), judged=False)
    for one, other in zip(
        beside.generator_optimizer.gradients, alone.generator_optimizer.gradients, strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_all_that_is_compared_passes_the_sides_high_pass():
    signals = signals_of(make_gan(), *batch())
    hz = np.fft.rfftfreq(CROP, 1 / RATE)
    for name, signal in signals._asdict().items():
        power = np.abs(np.fft.rfft(signal * np.hanning(CROP))) ** 2
        assert power[:, hz < 100].mean() < 1e-4 * power[:, hz > 1000].mean(), name


@pytest.mark.parametrize("judged", [True, False])
def test_the_total_is_the_weighted_sum_of_what_is_logged_under_each_name(judged):
    gan = make_gan()
    names = list(WEIGHTS)[: 5 if judged else 3]
    for step in (train_step, measure_step):
        figures = step(gan, *batch(), judged=judged)
        assert float(figures["total"]) == pytest.approx(sum(float(figures[f"weighted_{n}"]) for n in names))
        signals = signals_of(gan, *batch())
        expected = signal_terms(gan.terms, side=signals.side, mid=signals.mid)
        for name in names:
            assert figures[f"weighted_{name}"] == WEIGHTS[name] * figures[name]
            if name in expected:
                assert figures[name] == expected[name]


def judgement_of(gan: Gan, *, training: bool = False) -> Any:
    return judge(gan.discriminator, apart(signals_of(gan, *batch())), training=training)


def test_the_adversarial_terms_are_those_of_the_discriminators_after_their_update():
    gan = make_gan(discriminator_moves=True)
    figures = train_step(gan, *batch(), judged=True)
    now = judgement_of(gan)
    assert float(figures["adversarial"]) == pytest.approx(float(adversarial_loss(now.fake)), rel=1e-5)
    matching = feature_matching_loss(real=now.real, fake=now.fake)
    assert float(figures["feature_matching"]) == pytest.approx(float(matching), rel=1e-5)


def test_untrained_feature_matching_compares_what_one_and_the_same_discriminator_says():
    gan = make_gan(discriminator_moves=True, weights=WEIGHTS | {"feature_matching": 0.0})
    before = values(gan.discriminator)
    figures = train_step(gan, *batch(), judged=True)
    for variable, value in zip(gan.discriminator.variables, before, strict=True):
        variable.assign(value)
    then = judgement_of(gan, training=True)
    matching = feature_matching_loss(real=then.real, fake=then.fake)
    assert float(figures["feature_matching"]) == pytest.approx(float(matching), rel=1e-5)


def test_only_the_answers_to_the_generated_side_count_as_fake():
    """Real in the place of fake, or the other way round, and the update would climb."""
    gan = make_gan()
    signals = apart(signals_of(gan, *batch()))
    judgement = judge(gan.discriminator, signals)
    for outputs, side in ((judgement.real, signals.real), (judgement.fake, signals.side)):
        for (logits, maps), (alone, alone_maps) in zip(
            outputs, gan.discriminator(side, signals.mid), strict=True
        ):
            np.testing.assert_allclose(logits, alone, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(maps[0], alone_maps[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("of", ["model", "discriminator"])
def test_gradients_of_the_whole_step_are_those_of_finite_differences(float64, of):
    gan = make_gan()
    train_step(gan, *batch(), judged=True)  # moves the spectral vectors, so that measuring sees the same
    train_step(gan, *batch(), judged=True)
    network, loss, optimizer = {
        "model": (gan.model, "total", gan.generator_optimizer),
        "discriminator": (gan.discriminator, "discriminator", gan.discriminator_optimizer),
    }[of]
    random = np.random.default_rng(1)
    checked = 0
    for number in random.permutation(len(network.trainable_variables))[:6]:
        variable, gradient = network.trainable_variables[number], optimizer.gradients[number]
        start = np.array(variable)
        at = np.unravel_index(np.argmax(np.abs(gradient)), start.shape)
        totals = []
        for nudge in (1e-6, -1e-6):
            nudged = start.copy()
            nudged[at] += nudge
            variable.assign(nudged)
            totals.append(float(measure_step(gan, *batch(), judged=True)[loss]))
        variable.assign(start)
        assert (totals[0] - totals[1]) / 2e-6 == pytest.approx(gradient[at], rel=1e-3), variable.path
        checked += 1
    assert checked == min(6, len(network.trainable_variables))


def test_a_step_before_the_discriminators_join_leaves_them_alone():
    gan = make_gan(generator_moves=True, discriminator_moves=True)
    before = values(gan.discriminator)
    figures = train_step(gan, *batch(), judged=False)
    assert not any(moved(gan.discriminator, before))
    assert not {"discriminator", "adversarial", "feature_matching"} & set(figures)


def test_what_the_discriminators_train_on_is_no_way_back_to_the_generator():
    gan = make_gan(discriminator_moves=True)
    mid, real = batch()
    with tf.GradientTape() as tape:
        signals = signals_of(gan, mid, real)
        with tape.stop_recording():
            judgement, _ = train_discriminator(gan, Signals(*signals))
        loss = adversarial_loss(judgement.fake)
    assert all(gradient is None for gradient in tape.gradient(loss, gan.model.trainable_variables))

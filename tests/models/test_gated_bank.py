"""What the gated bank has by construction: it follows phase and level, and leaves tones alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from mono2stereo.dsp.stft import Stft
from mono2stereo.models.complex_conv import ComplexConv1D
from mono2stereo.models.gated_bank import GatedBankGenerator
from mono2stereo.models.mid_to_side import MidToSide
from mono2stereo.models.receptive_field import SLOW_BINS, filtered_frames, receptive_frames

BINS, RATE = 65, 22050
KERNEL, FRAMES = 58, 1600
PITCHES_HZ = np.geomspace(65.0, 9000.0, 20)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    made = GatedBankGenerator(n_bins=BINS, filters_per_bin=8, kernel_frames=KERNEL, use_bias=False)
    whole = MidToSide(made, stft=Stft(128, 29, 128, 8.0), sample_rate=RATE)
    for layer in made.gate_layers:  # as after training: gates far apart
        layer.kernel.assign(layer.kernel * 3.0)
    made.start_from_copy(0, 50.0)
    return whole


@pytest.fixture(scope="module")
def generator(model):
    return model.generator


def in_pairs(x: np.ndarray) -> tf.Tensor:
    """Complex (frames, bins) as the network takes it."""
    return tf.constant(np.stack([x.real, x.imag], axis=-1).reshape(1, len(x), -1).astype(np.float32))


def side_of(generator, x: np.ndarray) -> np.ndarray:
    """Complex (frames, bins) through the network."""
    return np.asarray(generator(in_pairs(x)))[0].astype(np.float64).reshape(-1, BINS, 2) @ (1, 1j)


@pytest.fixture(scope="module")
def spectrum():
    """Music has pauses and attacks: noise whose level moves by 60 dB."""
    rng = np.random.default_rng(1)
    level = 10 ** rng.uniform(-3, 0, (80, BINS)).repeat(20, axis=0)
    return level * (rng.normal(size=(FRAMES, BINS)) + 1j * rng.normal(size=(FRAMES, BINS)))


@pytest.mark.parametrize("factor", [np.exp(1.0j), -1.0, 1j, 1e-3, 1e3])
def test_phase_and_level_pass_through(generator, spectrum, factor):
    expected = factor * side_of(generator, spectrum)
    error = np.abs(side_of(generator, factor * spectrum) - expected).max()
    assert error <= 1e-5 * np.abs(expected).max()


def test_what_is_rounding_beside_other_bins_does_not_move_gates(generator, spectrum):
    """Before a bin sounds it holds the others' rounding, which no level scales."""
    rng = np.random.default_rng(2)
    sides = []
    for _ in range(2):
        rounding = 1e-7 * (rng.normal(size=1300) + 1j * rng.normal(size=1300))
        quiet = spectrum.copy()
        quiet[:1300, 9] = rounding
        sides.append(side_of(generator, quiet)[:, 9])
    assert np.abs(sides[0] - sides[1]).max() < 1e-4 * np.abs(sides[0]).max()


def test_silence_is_silence_also_after_sound(generator, spectrum):
    spectrum = spectrum.copy()
    spectrum[1300:] = 0
    side = side_of(generator, spectrum)
    reach = filtered_frames("gated_bank", KERNEL)
    sounding = 1300 - generator.receptive_frames
    assert np.abs(side[:sounding]).max() > 0.1
    assert not np.any(side[sounding + reach :])


def test_nothing_of_the_future_is_heard(generator, spectrum):
    later = spectrum.copy()
    later[1400:] *= 2j
    before, after = (side_of(generator, x) for x in (spectrum, later))
    first = 1400 - generator.receptive_frames
    np.testing.assert_array_equal(before[:first], after[:first])
    assert np.abs(before[first] - after[first]).max() > 1e-3


def test_bins_stay_apart_and_gates_move(generator, spectrum):
    changed = spectrum.copy()
    changed[:, 7] *= np.linspace(1, 2, FRAMES)
    difference = np.abs(side_of(generator, spectrum) - side_of(generator, changed)).max(axis=0)
    assert np.flatnonzero(difference > 1e-4 * difference.max()).tolist() == [7]
    gates = np.asarray(generator.gates(in_pairs(spectrum)))
    assert gates.min() >= 0
    assert gates.max() <= 2
    assert gates.std(axis=1).mean() > 0.02


def test_a_steady_tone_has_nothing_beside_it(model):
    time = np.arange(3 * RATE) / RATE
    window = np.blackman(RATE)
    hz = np.fft.rfftfreq(RATE, 1 / RATE)
    for pitch in PITCHES_HZ:
        tone = np.sin(2 * np.pi * pitch * time).astype(np.float32)
        side = np.asarray(model(tone[None]))[0][-RATE:]
        band_hz = 24.7 * (0.00437 * pitch + 1)
        power = np.abs(np.fft.rfft(side * window)) ** 2
        of_mid = np.sum(np.abs(np.fft.rfft(tone[-RATE:] * window)) ** 2)
        beside = power[np.abs(hz - pitch) > band_hz / 2].sum()
        assert 10 * np.log10(beside / of_mid) < -40, pitch


def test_at_rest_it_does_to_an_impulse_what_it_does_to_a_held_tone(model):
    """The linear filter that a network is while its gates rest, biases of theirs included."""
    for layer in model.generator.gate_layers:
        layer.bias.assign(tf.random.stateless_normal(layer.bias.shape, (0, 1)))
    responses, impulse = model.response_at_rest()
    response, impulse = (np.abs(np.fft.rfft(np.mean(x, axis=0), 1 << 16)) for x in (responses, impulse))
    time = np.arange(4 * RATE) / RATE
    for pitch in PITCHES_HZ:
        tone = np.sin(2 * np.pi * pitch * time).astype(np.float32)
        side, mid = (np.asarray(x)[0][-RATE:].std() for x in (model(tone[None]), model.highpass(tone[None])))
        at = round(pitch / RATE * (1 << 16))
        assert response[at] / impulse[at] == pytest.approx(side / mid, rel=0.05, abs=0.01), pitch


def test_impulses_at_several_places_tell_the_images_of_held_tones(model):
    """As far below the mid, in the mean over pitches, as what is heard beside tones."""
    responses, impulse = (np.fft.rfft(x, 1 << 14) for x in model.response_at_rest())
    hz = np.fft.rfftfreq(1 << 14, 1 / RATE)
    heard = (hz > 200) & (hz < 8000)
    images = np.mean(np.abs(responses - responses.mean(axis=0)) ** 2, axis=0) / np.abs(impulse[0]) ** 2
    time, window = np.arange(3 * RATE) / RATE, np.blackman(RATE)
    hz = np.fft.rfftfreq(RATE, 1 / RATE)
    beside = []
    for pitch in np.linspace(200, 8000, 40):
        tone = np.sin(2 * np.pi * pitch * time).astype(np.float32)
        side, mid = (np.abs(np.fft.rfft(x[0][-RATE:] * window)) ** 2 for x in (model(tone[None]), tone[None]))
        beside.append(side[np.abs(hz - pitch) > 200].sum() / mid.sum())
    assert 10 * np.log10(images[heard].mean() / np.mean(beside)) == pytest.approx(0, abs=1.5)


def test_gates_of_the_bass_follow_slowly(generator, spectrum):
    """What moves a bass note faster than some Hz spreads it over the third octaves beside it."""
    x = np.exp(1j * np.angle(spectrum))
    x[1500:] *= 10  # an attack
    seen = np.asarray(generator.envelopes(in_pairs(x)))[0].reshape(-1, BINS, 2)[..., 0]
    soon = seen[1500 + 20 - FRAMES]
    assert soon[:SLOW_BINS].max() < 0.7 * soon[SLOW_BINS:].min()
    assert soon[:SLOW_BINS].min() > 0.1


@pytest.mark.parametrize("phase", [0.0, 50.0, 90.0])
def test_the_start_is_the_mid_turned(phase):
    made = GatedBankGenerator(n_bins=BINS, filters_per_bin=1, kernel_frames=9, use_bias=False)
    made.build((None, None, 2 * BINS))
    for layer in made.gate_layers:
        layer.kernel.assign(tf.zeros_like(layer.kernel))
    made.start_from_copy(3, phase)
    x = np.random.default_rng(0).normal(size=(1300, BINS, 2)) @ (1, 1j)
    first = made.receptive_frames - 3
    expected = x[first:-3] * np.exp(1j * np.radians(phase))
    np.testing.assert_allclose(side_of(made, x), expected, atol=1e-5)


def test_filters_start_as_noise_that_decays_by_30_db_and_keeps_power():
    layer = ComplexConv1D(512, 50)
    layer.build((None, None, 2))
    powers = np.square(layer.taps)[::-1].mean(axis=(1, 2, 3))  # the newest first
    expected = -30 * np.arange(50) / 50
    np.testing.assert_allclose(10 * np.log10(powers / powers[0]), expected, atol=1.5)
    assert 2 * powers.sum() == pytest.approx(1, rel=0.05)


def test_it_sees_as_far_as_its_filters_or_its_gates():
    assert filtered_frames("gated_bank", 9) == 8 + 2
    assert receptive_frames("gated_bank", 9) == 1141 + 2
    assert receptive_frames("gated_bank", 1200) == 1199 + 399

from __future__ import annotations

from functools import cache
from typing import Any

import librosa
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from mono2stereo.dsp.bands import third_octave_matrix
from mono2stereo.dsp.coherence import mel_coherence
from mono2stereo.dsp.mel import mel_centres_hz, mel_magnitudes
from mono2stereo.dsp.movement import movement
from mono2stereo.losses.coherence_loss import CoherenceLoss, WindowCoherence
from mono2stereo.losses.lag_loss import LagLoss
from mono2stereo.losses.level_loss import LevelLoss
from mono2stereo.losses.mel_loss import MelLoss
from mono2stereo.losses.movement_loss import MovementLoss
from mono2stereo.losses.noise_to_mask_loss import NoiseToMaskLoss
from mono2stereo.losses.signal_terms import signal_terms
from mono2stereo.losses.spectra import Spectra
from mono2stereo.losses.weighted_sum import weighted_sum

RATE = 22050
MEL = {"n_mels": 80, "frame_length": 1024, "frame_step": 256, "floor": 1e-5}


def noise(seed: int, batch: int = 2, samples: int = RATE) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(batch, samples)) * 0.1).astype(np.float32)


def loss_of(loss, estimate, reference) -> float:
    return float(loss(estimate=Spectra(tf.constant(estimate)), reference=Spectra(tf.constant(reference))))


TARGETS = [1.0, 1.3, 1.6, 1.0, 4.0, 2.4]


@cache  # made by the first test, not while they are collected: a process may fork in between
def all_terms() -> dict[str, Any]:
    return {
        "coherence": CoherenceLoss(sample_rate=RATE, n_mels=80, frame_lengths=[512, 1024], floors=[0.0, 0.0]),
        "mel": MelLoss(sample_rate=RATE, **MEL),
        "level": LevelLoss(sample_rate=RATE, floor_db=-60.0),
        "lag": LagLoss(sample_rate=RATE, max_lag_seconds=0.12),
        "noise_to_mask": NoiseToMaskLoss(sample_rate=RATE, n_mels=80, floor_db=-60.0),
        "movement": MovementLoss(sample_rate=RATE, targets=TARGETS),
    }


@pytest.fixture
def coherence() -> WindowCoherence:
    return WindowCoherence(sample_rate=RATE, frame_length=1024, n_mels=80)


@pytest.mark.parametrize("gain", [1.0, -1.0, 0.01, 30.0])
def test_coherence_of_a_copy_is_one_at_any_level_and_sign(coherence, gain):
    mid = noise(1)
    assert loss_of(coherence, gain * mid, mid) == pytest.approx(1.0, abs=1e-3)


def test_coherence_equals_its_numpy_twin(coherence):
    mid, other = noise(2, batch=1), noise(3, batch=1)
    side = 0.5 * mid + other
    expected = np.nanmean(mel_coherence(mid[0].astype(float), side[0].astype(float), RATE))
    assert loss_of(coherence, side, mid) == pytest.approx(expected, abs=2e-3)


def test_coherence_gradient_moves_away_from_copying(coherence):
    mid, other = noise(4), noise(5)
    share = tf.Variable(0.9)
    with tf.GradientTape() as tape:
        side = share * mid + (1 - share) * other
        loss = coherence(estimate=Spectra(side), reference=Spectra(tf.constant(mid)))
    assert float(tape.gradient(loss, share)) > 0.1  # descent lowers the copied share


def test_coherence_floor_ends_the_reward():
    loss = WindowCoherence(sample_rate=RATE, frame_length=1024, n_mels=80, floor=0.5)
    side = tf.Variable(noise(6))
    with tf.GradientTape() as tape:
        value = loss(estimate=Spectra(side), reference=Spectra(tf.constant(noise(7))))
    assert float(value) == 0.0
    assert not np.any(tape.gradient(value, side))


def test_coherence_below_the_floor_costs_its_shortfall():
    plain, both = noise(6), noise(7)
    found = loss_of(WindowCoherence(sample_rate=RATE, frame_length=1024, n_mels=80), plain, both)
    settings = {"sample_rate": RATE, "n_mels": 80, "frame_length": 1024, "floor": 0.5, "shortfall": 0.25}
    assert loss_of(WindowCoherence(**settings), plain, both) == pytest.approx(0.25 * (0.5 - found), rel=1e-4)
    windows = CoherenceLoss(
        sample_rate=RATE, n_mels=80, frame_lengths=[1024, 1024], floors=[0.5, 0.0], shortfall=0.25
    )
    assert loss_of(windows, plain, both) == pytest.approx((0.25 * (0.5 - found) + found) / 2, rel=1e-4)


def test_each_bands_coherence_has_the_floor_of_its_own():
    """A side that copies the mid in every other band, and floors at its coherence in each, or just below."""
    mid, other = noise(22, batch=1), noise(23, batch=1)
    nearest = np.searchsorted(mel_centres_hz(RATE), np.fft.rfftfreq(RATE, 1 / RATE))
    side = np.fft.irfft(np.where(nearest % 2, np.fft.rfft(mid), np.fft.rfft(other))).astype(np.float32)
    bands = mel_coherence(mid[0].astype(float), side[0].astype(float), RATE)
    for lower in (-0.01, 0.1):
        floors = (bands - lower).tolist()
        loss = WindowCoherence(sample_rate=RATE, frame_length=1024, n_mels=80, floor=floors)
        assert loss_of(loss, side, mid) == pytest.approx(max(lower, 0), abs=2e-3)


def test_coherence_refuses_too_few_frames(coherence):
    with pytest.raises(ValueError, match=r"^coherence over 12 frames of 1024; needs 16$"):
        loss_of(coherence, noise(1, samples=4000), noise(2, samples=4000))


def test_mel_equals_librosa_scale_twin():
    mid, side = noise(8, batch=1), noise(9, batch=1)
    cells = (mel_magnitudes(x[0].astype(float), RATE) for x in (side, mid))
    logs = [np.log(np.maximum(each, 1e-5)) for each in cells]
    expected = np.mean(np.abs(logs[0] - logs[1]))
    assert loss_of(MelLoss(sample_rate=RATE, **MEL), side, mid) == pytest.approx(expected, rel=1e-3)
    assert loss_of(MelLoss(sample_rate=RATE, **MEL), mid, mid) == 0.0


@pytest.mark.parametrize("hz", [60, 5000, 8000, 10500])
def test_bands_above_3800_hz_and_below_125_hz_count(hz):
    mid = noise(10)
    tone = 0.3 * np.sin(2 * np.pi * hz * np.arange(mid.shape[1]) / RATE).astype(np.float32)
    assert loss_of(MelLoss(sample_rate=RATE, **MEL), mid + tone, mid) > 0.01
    assert loss_of(LevelLoss(sample_rate=RATE, floor_db=-60.0), mid + tone, mid) > 0.01


def test_level_sees_dc_and_nyquist_where_no_mel_band_does():
    mid = noise(11)
    loss = LevelLoss(sample_rate=RATE, floor_db=-60.0)
    nyquist = np.where(np.arange(mid.shape[1]) % 2, 0.3, -0.3).astype(np.float32)
    for blind_spot in (mid + 0.3, mid + nyquist):
        assert loss_of(loss, blind_spot, mid) > 0.02
    bands = third_octave_matrix(1024)
    np.testing.assert_array_equal(bands.sum(axis=1), 1.0)  # each bin in one band
    assert bands[0, 0] == 1
    assert bands[:, 0].sum() == 1


def test_level_hears_what_lies_between_two_notes_of_a_bass():
    def tone(hz: float) -> np.ndarray:
        return np.sin(2 * np.pi * hz * np.arange(3 * RATE) / RATE)[None].astype(np.float32)

    notes, between = 0.3 * (tone(58) + tone(95)), 0.02 * tone(75)
    change = loss_of(LevelLoss(sample_rate=RATE, floor_db=-60.0), notes + 2 * between, notes + between)
    # Of all bands this one alone: its share of the mean would be a sixth as much.
    assert change == pytest.approx(np.log(2) / np.sqrt(third_octave_matrix(8192).shape[1]), rel=0.2)


def test_level_is_the_long_term_ratio_in_nepers():
    mid = noise(12)
    loss = LevelLoss(sample_rate=RATE, floor_db=-100.0)
    assert loss_of(loss, 2 * mid, mid) == pytest.approx(np.log(2), rel=1e-3)
    assert loss_of(loss, mid, mid) < 1e-5
    # The same spectrum in another order, but for chance in the bass, whose bands of one bin a root counts.
    assert loss_of(loss, mid[:, ::-1].copy(), mid) < 0.1


def test_level_equals_its_numpy_twin_floor_included():
    mid, side = noise(12, batch=1), 0.03 * noise(29, batch=1)
    frames = np.lib.stride_tricks.sliding_window_view(np.concatenate([mid, side]), 8192, axis=1)[:, ::2048]
    spectra = np.fft.rfft(frames * np.hanning(8193)[:-1])
    x, y = (np.abs(spectra) ** 2).mean(axis=1) @ third_octave_matrix(8192)
    floor = 0.01 * x.max()
    expected = np.sqrt(np.square(np.log((y + floor) / (x + floor))).mean()) / 2
    assert loss_of(LevelLoss(sample_rate=RATE, floor_db=-20.0), side, mid) == pytest.approx(
        expected, rel=1e-4
    )


def test_lag_counts_up_to_its_limit_on_both_sides():
    mid = noise(13)
    loss = LagLoss(sample_rate=RATE, max_lag_seconds=0.1)
    for limit in (2205, -2205):
        at, beyond = (np.roll(mid, limit + more, axis=1) for more in (0, np.sign(limit)))
        assert loss_of(loss, at, mid) > 0.85
        assert loss_of(loss, beyond, mid) < 0.1
    far = np.zeros((2, 16000), np.float32)  # 2000 less than 2^14, a transform too short for these lags
    far[:, 14384:] = mid[:, :1616]
    assert loss_of(loss, far, mid[:, :16000]) < 0.1


def test_lag_finds_an_echo_and_its_place_does_not_matter():
    mid = noise(13)
    loss = LagLoss(sample_rate=RATE, max_lag_seconds=0.12)
    for delay in (0, 300, 2000):
        echo = np.roll(mid, delay, axis=1)
        assert loss_of(loss, echo, mid) > 0.85
    assert loss_of(loss, np.roll(mid, 4000, axis=1), mid) < 0.1
    assert loss_of(loss, noise(14), mid) < 0.1


def test_lag_floor_ends_the_reward():
    loss = LagLoss(sample_rate=RATE, max_lag_seconds=0.12, floor=0.15)
    assert loss_of(loss, noise(14), noise(13)) == 0.0
    assert loss_of(loss, noise(13), noise(13)) == pytest.approx(0.85, abs=1e-3)


def test_noise_to_mask_hears_sidebands_and_haze_and_nothing_else():
    loss = NoiseToMaskLoss(sample_rate=RATE, n_mels=80, floor_db=-60.0)
    phase = 2 * np.pi * np.arange(RATE) / RATE
    tone = np.sin(440 * phase)[None].astype(np.float32)
    assert loss_of(loss, tone, tone) == 0.0
    assert loss_of(loss, np.cos(440 * phase)[None].astype(np.float32), tone) < 1e-3  # another phase
    sidebands = tone * (1 + 0.5 * np.cos(70 * phase)).astype(np.float32)
    haze = tone + noise(19, batch=1)
    quiet_haze = tone + 0.01 * noise(19, batch=1)
    assert loss_of(loss, sidebands, tone) > 0.02
    assert loss_of(loss, haze, tone) > loss_of(loss, quiet_haze, tone) > 0
    assert loss_of(loss, noise(20), noise(21)) < 0.05  # of noise, another draw is as good


def test_noise_to_mask_equals_its_numpy_twin():
    """The largest cell of three frames by nine bins masks; bins count by the mel bands' means."""
    mid, side = noise(30, batch=1), noise(31, batch=1)
    mid[:, ::2] += 0.2  # another colour
    frames = np.lib.stride_tricks.sliding_window_view(np.concatenate([mid, side]), 4096, axis=1)[:, ::1024]
    x, y = np.abs(np.fft.rfft(frames * np.hanning(4097)[:-1])) ** 2
    floor = 1e-3 * x.max()
    mask = scipy.ndimage.maximum_filter(x, (3, 9), mode="constant")
    above = np.maximum(np.log((y + floor) / (mask + floor)) / 2, 0)
    bands = librosa.filters.mel(sr=RATE, n_fft=4096, n_mels=40, dtype=np.float64)
    expected = np.mean(above @ (bands / bands.sum(axis=1, keepdims=True)).T)
    assert expected > 1e-3
    loss = NoiseToMaskLoss(sample_rate=RATE, n_mels=40, floor_db=-30.0)
    assert loss_of(loss, side, mid) == pytest.approx(expected, rel=1e-3)


def swaying(seed: int, hz: float = 2.0) -> np.ndarray:
    """A side that keeps the mid's phase and turns it over and back: what a slow chorus does."""
    mid = noise(seed, samples=2 * RATE)
    return mid * np.sin(2 * np.pi * hz * np.arange(2 * RATE) / RATE).astype(np.float32)


def test_movement_measures_what_its_numpy_twin_measures_at_any_level():
    mid, loss = noise(24, samples=2 * RATE), MovementLoss(sample_rate=RATE, targets=TARGETS)
    mid[:, : RATE // 2] *= 1e-5  # too quiet to count
    for side in (noise(25, samples=2 * RATE), 0.01 * swaying(24), 7 * swaying(24)):
        found = loss.figures(estimate=Spectra(tf.constant(side)), reference=Spectra(tf.constant(mid)))
        expected = [movement(m.astype(float), s.astype(float), RATE) for m, s in zip(mid, side, strict=True)]
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)
        at_target = MovementLoss(sample_rate=RATE, targets=np.mean(expected, axis=0).tolist())
        assert loss_of(at_target, side, mid) < 0.05


def test_movement_leaves_out_figures_without_a_target():
    side, mid = swaying(26), noise(26, samples=2 * RATE)
    figures = movement(mid[0].astype(float), side[0].astype(float), RATE)
    for number in range(6):
        targets = [None] * 6
        targets[number] = 2 * figures[number] + 0.1
        loss = MovementLoss(sample_rate=RATE, targets=targets)
        assert loss_of(loss, side[:1], mid[:1]) == pytest.approx(np.log(2), rel=0.02), number


def test_movement_stills_a_sway_and_stirs_what_stands_still():
    """A step down the gradient comes nearer to the targets from either side of them."""
    mid = noise(27, samples=2 * RATE)
    loss = MovementLoss(sample_rate=RATE, targets=TARGETS)
    for side in (swaying(27), mid + 0.3 * noise(28, samples=2 * RATE)):
        estimate = tf.Variable(side)
        with tf.GradientTape() as tape:
            value = loss(estimate=Spectra(estimate), reference=Spectra(tf.constant(mid)))
        gradient = tape.gradient(value, estimate)
        step = 1e-4 * np.linalg.norm(side) * gradient / tf.norm(gradient)
        assert loss_of(loss, side - step, mid) < float(value) < loss_of(loss, side + step, mid)


def test_a_batch_is_the_mean_of_its_examples():
    """However unlike they are: no floor, peak or energy of one counts for another."""
    gain = np.array([[1.0], [0.01], [3.0]], np.float32)
    mid, side = noise(15, batch=3) * gain, noise(16, batch=3) * gain[::-1]
    side[0] += 5 * mid[0]
    batch = signal_terms(all_terms(), side=tf.constant(side), mid=tf.constant(mid))
    each = [
        signal_terms(all_terms(), side=tf.constant(s[None]), mid=tf.constant(m[None]))
        for s, m in zip(side, mid, strict=True)
    ]
    for name in all_terms():
        assert float(batch[name]) == pytest.approx(np.mean([one[name] for one in each]), rel=1e-5), name


def test_a_transform_is_as_long_as_its_frame_unless_another_length_is_asked_for():
    spectra = Spectra(tf.constant(noise(1)))
    assert spectra.stft(100, 25).shape[-1] == 51
    assert spectra.stft(100, 25, 256).shape[-1] == 129


@pytest.mark.parametrize(
    ("side", "mid"),
    [("silence", "noise"), ("noise", "silence"), ("silence", "silence"), ("full scale", "noise")],
)
def test_values_and_gradients_are_finite(side, mid):
    signals = {
        "silence": np.zeros((2, RATE), np.float32),
        "noise": noise(17),
        "full scale": np.sign(noise(18)),
    }
    estimate = tf.Variable(signals[side])
    with tf.GradientTape(persistent=True) as tape:
        terms = signal_terms(all_terms(), side=estimate, mid=tf.constant(signals[mid]))
    for name, value in terms.items():
        assert np.isfinite(float(value)), name
        assert np.all(np.isfinite(tape.gradient(value, estimate))), name


def test_weighted_sum_refuses_a_weight_without_a_term():
    terms = {"mel": tf.constant(2.0), "level": tf.constant(100.0)}
    assert float(weighted_sum(terms, {"mel": 3.0, "level": 0.0})) == 6.0
    with pytest.raises(
        ValueError, match=r"^loss weights without a term: coherense, lak; terms are mel, level$"
    ):
        weighted_sum(terms, {"coherense": 1.0, "mel": 1.0, "lak": 0.1, "no weight": 0.0})

import numpy as np
import pytest

from mono2stereo.dsp.movement import FIGURES, MODULATION_HZ, SIDE_DB, frames_of, movement
from mono2stereo.dsp.resampling import resample
from mono2stereo.errors import AudioError

RATE = 22050
NOISE = np.random.default_rng(0).standard_normal((3, 10 * RATE))


@pytest.mark.parametrize(("place", "hz"), [(0, 0.5), (1, 2.0), (2, 7.0), (3, 20.0)])
def test_a_tremolo_reads_what_its_formula_says_where_its_rate_lies(place, hz):
    """The side is the mid, times a sine: left and right are the mid times one plus and minus it."""
    time = np.arange(10 * RATE) / RATE
    depth = 0.1
    side = NOISE[0] * (1 + depth * np.sin(2 * np.pi * hz * time))
    found = movement(NOISE[0], side, RATE)
    # Left is 1 + a(1 + u), right 1 - a(1 + u) times the mid, a and u as small as decibels are straight.
    a = 10 ** (SIDE_DB / 20)
    slopes = 20 / np.log(10) * a / np.array([1 + a, 1 - a])
    seen = np.mean(slopes) * depth / np.sqrt(2)
    # A frame averages over its own length; what remains of 20 Hz is the window's spectrum there.
    window = frames_of(RATE).window ** 2
    seen *= abs(np.sum(window * np.exp(2j * np.pi * hz * np.arange(len(window)) / RATE))) / window.sum()
    assert found[place] == pytest.approx(seen, rel=0.05)
    assert found[4] == pytest.approx(2 * seen, rel=0.1)
    assert all(found[other] < 0.3 * seen for other in range(4) if other != place)


def test_change_is_the_mean_step_of_the_level_difference():
    """One channel twice as loud in every second of equal stretches: few steps, all of one size."""
    time = np.arange(10 * RATE)
    gain = np.where(time // RATE % 2, 0.2, -0.2)
    found = dict(zip(FIGURES, movement(NOISE[0], gain * NOISE[0], RATE), strict=True))
    a = 10 ** (SIDE_DB / 20)
    step_db = 20 * np.log10((1 + a) / (1 - a)) * 2
    frames = 1 + (len(time) - 1024) // 256
    assert found["level_difference_change_db"] == pytest.approx(9 * step_db / (frames - 1), rel=0.1)
    assert found["level_difference_db"] == pytest.approx(step_db / 2, rel=0.05)


def test_neither_levels_nor_the_sign_nor_the_rate_matter():
    mid, side = NOISE[:2, : 3 * RATE]
    found = movement(mid, side, RATE)
    for other in (movement(0.01 * mid, side, RATE), movement(mid, -7 * side, RATE)):
        np.testing.assert_allclose(other, found, rtol=1e-9)
    low = [np.convolve(x, np.hanning(12) / 6, "same").astype(np.float32) for x in (mid, side)]
    doubled = [resample(x, RATE, 2 * RATE) for x in low]
    np.testing.assert_allclose(movement(*doubled, 2 * RATE), movement(*low, RATE), rtol=0.02)


def test_what_lies_below_the_floor_does_not_count():
    """Bands that only the side has, and pauses of the mid, are no movement."""
    time = np.arange(4 * RATE) / RATE
    mid = np.sin(2 * np.pi * 1000 * time)
    hiss = NOISE[0, : len(mid)]
    with_pause = np.concatenate([mid, 1e-9 * hiss])
    assert movement(mid, 0.5 * mid + 1e-4 * hiss, RATE).max() < 0.05
    paused = movement(with_pause, np.concatenate([mid, 1e-6 * hiss]), RATE)
    assert paused[:4].max() < 0.3  # the note's end alone
    swinging = mid * (1 + 0.5 * np.sin(2 * np.pi * 2 * time))
    alone = movement(mid, swinging, RATE)
    np.testing.assert_allclose(
        movement(with_pause, np.append(swinging, 0 * mid), RATE)[1], alone[1], rtol=0.1
    )


def test_constant_level_differences_are_no_movement():
    low, high = (np.convolve(x, taps, "same") for x, taps in ((NOISE[0], [1, 1]), (NOISE[0], [1, -1])))
    assert movement(low + high, 2 * low, RATE).max() < 0.2
    assert movement(NOISE[0], NOISE[1], RATE)[4] > 2


def test_what_cannot_be_told():
    silence = np.zeros(RATE)
    assert np.isnan(movement(silence, NOISE[0, :RATE], RATE)).all()
    second = movement(NOISE[0, :RATE], NOISE[1, :RATE], RATE)
    assert np.isnan(second).tolist() == [True] + 5 * [False]
    with pytest.raises(AudioError, match="movement over 1000 samples: at least 4864 at 22050 Hz"):
        movement(NOISE[0, :1000], NOISE[1, :1000], RATE)
    with pytest.raises(AudioError, match="samples"):
        movement(NOISE[0], NOISE[1, :-1], RATE)


def test_ranges_meet():
    assert [low for low, _ in MODULATION_HZ[1:]] == [high for _, high in MODULATION_HZ[:-1]]

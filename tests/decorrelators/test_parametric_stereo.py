import numpy as np
import pytest

from mono2stereo.decorrelators.parametric_stereo import (
    Ducker,
    ParametricStereo,
    SubbandDecorrelator,
    n_bands,
)
from mono2stereo.dsp.bands import level_db

RANDOM = np.random.default_rng(0)


def noise(*shape):
    return RANDOM.standard_normal(shape) + 1j * RANDOM.standard_normal(shape)


def centre(k):
    return [-3 / 8, -1 / 8, 1 / 8, 3 / 8, 5 / 8, 7 / 8, 5 / 4, 7 / 4, 9 / 4, 11 / 4][k] if k < 10 else k - 6.5


def stereo_band(k):
    if k < 2:
        return 1 - k
    if k < 16:
        return k - 2
    return 14 + sum(k >= first for first in (18, 21, 25, 30, 42))


def by_the_standard(s, ducked):
    """ISO/IEC 14496-3, 8.6.4.5, value by value as it is written there; s is (slots, hybrid bands)."""
    slots, bands = s.shape
    d = np.zeros_like(s)
    for k in range(bands):
        for n in range(slots):
            if k < 30:
                continue
            late = 14 if k < 42 else 1
            d[n, k] = s[n - late, k] if n >= late else 0
        if k >= 30:
            continue
        g = max(0.0, min(1.0, 1 - 0.05 * (k - 10)))
        x = [s[n - 2, k] * np.exp(-1j * np.pi * 0.39 * centre(k)) if n >= 2 else 0j for n in range(slots)]
        for delay, q in ((3, 0.43), (4, 0.75), (5, 0.347)):
            a, turn, y = np.exp(-delay / 7), np.exp(-1j * np.pi * q * centre(k)), []
            for n in range(slots):
                past = turn * (x[n - delay] + a * g * y[n - delay]) if n >= delay else 0
                y.append(past - a * g * x[n])
            x = y
        d[:, k] = x
    if not ducked:
        return d
    for i in range(20):
        members = [k for k in range(bands) if stereo_band(k) == i]
        peak = smooth = lead = 0.0
        for n in range(slots):
            power = sum(abs(s[n, k]) ** 2 for k in members)
            peak = max(0.76592833836465 * peak, power)
            smooth = 0.25 * power + 0.75 * smooth
            lead = 0.25 * (peak - power) + 0.75 * lead
            if 1.5 * lead > smooth:
                d[n, members] *= smooth / (1.5 * lead)
    return d


@pytest.mark.parametrize("ducked", [False, True])
def test_subbands_match_the_standard_value_by_value(ducked):
    s = noise(60, 71)
    s[20] *= 10
    s[40:50] = 0
    decorrelate, duck = SubbandDecorrelator(71, 1.0), Ducker(71)
    got = np.concatenate([decorrelate(piece) * (duck(piece) if ducked else 1) for piece in (s[:7], s[7:])])
    np.testing.assert_allclose(got, by_the_standard(s, ducked), atol=1e-10)


@pytest.mark.parametrize("stretch", [0.5, 1.0, 4.0])
def test_every_subband_is_all_pass(stretch):
    impulse = np.zeros((4096, 71), complex)
    impulse[0] = 1
    response = SubbandDecorrelator(71, stretch)(impulse)
    np.testing.assert_allclose(np.abs(np.fft.fft(response, axis=0)), 1, atol=1e-9)
    left_db = 10 * np.log10(np.sum(np.abs(response[round(100 * stretch) + 8 :]) ** 2, axis=0) + 1e-30)
    assert left_db.max() < -60  # a(m) = exp(-d(m) / 7): e^(-1/7) a slot in every link


def test_links_fade_above_the_cutoff():
    impulse = np.zeros((200, 71), complex)
    impulse[0] = 1
    response = SubbandDecorrelator(71, 1.0)(impulse)
    heads = np.abs(response[2])  # product of a(m) g(k)
    a = np.exp(-12 / 7)
    np.testing.assert_allclose(heads[:11], a)
    np.testing.assert_allclose(heads[11:30], a * (1 - 0.05 * np.arange(1, 20)) ** 3)
    assert (np.abs(response[14, 30:42]) == 1).all()
    assert (np.abs(response[1, 42:]) == 1).all()


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 48000, 96000, 192000])
def test_steady_tones_keep_their_level_inside_bands(sample_rate):
    bands = n_bands(sample_rate)
    for band in (4, 9, 14):
        tone = np.cos(np.pi / bands * (band + 0.5) * np.arange(400 * bands))
        side = ParametricStereo().side(tone, sample_rate)[100 * bands : -50 * bands]
        assert level_db(side) - level_db(tone) == pytest.approx(0, abs=0.1)


def test_steady_tones_come_back_alone():
    tone = np.sin(2 * np.pi * 440 / 48000 * np.arange(48000))
    side = ParametricStereo().side(tone, 48000)[8000:40000]
    power = np.abs(np.fft.rfft(side * np.blackman(len(side)))) ** 2
    peak = np.argmax(power)
    aside = np.concatenate([power[: peak - 10], power[peak + 10 :]])
    assert 10 * np.log10(np.sum(aside) / np.sum(power)) < -60  # aliasing of the filter bank


@pytest.mark.parametrize(("low_hz", "high_hz", "slots"), [(9600, 12400, 14), (13900, 22000, 1)])
def test_high_bands_are_plain_delays_after_the_latency(low_hz, high_hz, slots):
    spectrum = np.fft.rfft(RANDOM.standard_normal(48000))
    hz = np.fft.rfftfreq(48000, 1 / 48000)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    mid = np.fft.irfft(spectrum)
    side = ParametricStereo(ducker=False).side(mid, 48000)
    late = slots * 64
    error = side[late:] - mid[:-late]
    assert level_db(error[3000:-3000]) - level_db(mid) < -60


def test_latency_is_16_slots_less_a_sample():
    assert ParametricStereo().stream(48000).latency_samples == 1023
    assert ParametricStereo().stream(8000).latency_samples == 255


def test_ducker_lowers_the_tail_of_a_click_and_leaves_noise():
    mid = 1e-3 * RANDOM.standard_normal(48000)
    quiet = ParametricStereo(), ParametricStereo(ducker=False)
    steady, undone = (one.side(mid, 48000) for one in quiet)
    assert level_db(steady) - level_db(undone) == pytest.approx(0, abs=0.2)
    mid[24000] += 1
    ducked, unducked = (one.side(mid, 48000) for one in quiet)
    tail = slice(24000 + 5 * 64, 24000 + 40 * 64)  # 7 to 53 ms after the click
    assert level_db(ducked[tail]) < level_db(unducked[tail]) - 12
    # A quarter of a second later nothing is left of it.
    np.testing.assert_allclose(ducked[36000:], steady[36000:], atol=1e-4 * np.std(mid[36000:]))


def test_ducker_follows_a_peak_down():
    duck = Ducker(71)
    s = np.ones((100, 71), complex)
    s[50] = 30
    gain = duck(s)
    assert gain.shape == (100, 71)
    np.testing.assert_allclose(gain[:51], 1)
    assert gain[51:].min() < 0.2
    np.testing.assert_allclose(gain[90:], 1)
    assert (Ducker(71)(np.zeros((5, 71), complex)) == 1).all()


def test_bands_keep_their_width_in_hertz_within_an_octave():
    for sample_rate in range(8000, 192001, 1000):
        assert 187.5 <= sample_rate / 2 / n_bands(sample_rate) <= 375

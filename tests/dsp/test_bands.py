import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.bands import (
    level_db,
    level_match,
    levels_spread_db,
    third_octave_edges_hz,
    third_octave_levels_db,
)
from mono2stereo.errors import AudioError

RATES = [8000, 16000, 22050, 44100, 48000, 96000]
NOISE = np.random.default_rng(0).standard_normal(10 * 22050)


def colour_db(*, estimate, reference, low_hz=0.0):
    levels = [third_octave_levels_db(x, 22050) for x in (level_match(estimate, to=reference), reference)]
    return levels_spread_db(estimate=levels[0], reference=levels[1], sample_rate=22050, low_hz=low_hz)


def sine(hz, sample_rate=22050, seconds=4):
    return np.sin(2 * np.pi * hz * np.arange(seconds * sample_rate) / sample_rate)


@pytest.mark.parametrize("sample_rate", RATES)
def test_bands_reach_from_dc_to_nyquist_without_gaps(sample_rate):
    edges = third_octave_edges_hz(sample_rate)
    assert edges[0] == 0
    assert edges[-1] == sample_rate / 2
    assert (np.diff(edges) > 0).all()


@pytest.mark.parametrize("sample_rate", RATES)
def test_powers_add_up_to_the_mean_square(sample_rate):
    x = np.random.default_rng(1).standard_normal(4 * sample_rate) + 0.5
    total_db = 10 * np.log10(np.sum(10 ** (third_octave_levels_db(x, sample_rate) / 10)))
    assert total_db == pytest.approx(level_db(x), abs=0.1)


@pytest.mark.parametrize(
    ("hz", "low_hz", "high_hz"),
    [(0, 0, 30), (10, 0, 30), (100, 89.1, 112.2), (1000, 891.3, 1122.0), (10900, 8912.5, 11025)],
)
def test_a_tone_or_an_offset_lands_in_its_band(hz, low_hz, high_hz):
    x = sine(hz) if hz else np.ones(4 * 22050)
    levels = third_octave_levels_db(x, 22050)
    band = int(np.argmax(levels))
    assert third_octave_edges_hz(22050)[band : band + 2] == pytest.approx([low_hz, high_hz], abs=0.1)
    assert levels.max() == pytest.approx(0 if hz == 0 else -3.01, abs=0.05)


def test_nyquist_is_not_a_blind_spot():
    x = np.tile([1.0, -1.0], 22050)
    assert third_octave_levels_db(x, 22050)[-1] == pytest.approx(0, abs=0.2)


def test_white_noise_rises_with_bandwidth():
    levels = third_octave_levels_db(NOISE, 22050)
    widths = np.diff(third_octave_edges_hz(22050))
    np.testing.assert_allclose(levels[6:], 10 * np.log10(widths[6:] / 11025), atol=1.0)


@given(st.floats(-60, 60))
@settings(max_examples=10, deadline=None)
def test_gain_shifts_all_levels(gain_db):
    x = NOISE[:22050]
    shifted = third_octave_levels_db(x * 10 ** (gain_db / 20), 22050)
    np.testing.assert_allclose(shifted, third_octave_levels_db(x, 22050) + gain_db, atol=1e-6)


def test_colour_of_a_known_filter():
    x = NOISE
    spectrum = np.fft.rfft(x)
    frequencies = np.fft.rfftfreq(x.size, 1 / 22050)
    edges = third_octave_edges_hz(22050)
    # +6 dB in every second band: half of the differences lie 6 dB above the others.
    gains = np.where(np.searchsorted(edges, frequencies, side="right") % 2, 2.0, 1.0)
    y = np.fft.irfft(spectrum * gains, x.size)
    expected = np.std(np.where(np.arange(1, len(edges)) % 2, 6.02, 0.0))
    assert colour_db(estimate=0.1 * y, reference=x) == pytest.approx(expected, abs=0.4)


def test_colour_leaves_out_dead_bands_and_bands_below_low_hz():
    mid = sine(440) + sine(3000)
    hum = mid + 1e-4 * sine(10000)
    assert colour_db(estimate=hum, reference=mid) < 0.1
    bass = NOISE + 30
    assert colour_db(estimate=bass, reference=NOISE) > 5
    assert colour_db(estimate=bass, reference=NOISE, low_hz=100) < 0.01
    with pytest.raises(AudioError, match="low_hz"):
        colour_db(estimate=NOISE, reference=NOISE, low_hz=20000)


def test_silence():
    silence = np.zeros(22050)
    assert third_octave_levels_db(silence, 22050).max() == -300
    assert level_db(silence) == -300
    assert not level_match(silence, to=NOISE).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_level_match(dtype):
    x = (0.01 * NOISE).astype(dtype)
    matched = level_match(x, to=np.ones(100))
    assert matched.dtype == dtype
    assert level_db(matched) == pytest.approx(0, abs=1e-4)


def test_refuses_short_signals_and_low_rates():
    with pytest.raises(AudioError, match="at least 11025"):
        third_octave_levels_db(np.zeros(5000), 22050)
    with pytest.raises(AudioError, match="sample_rate = 4000"):
        third_octave_levels_db(np.zeros(5000), 4000)

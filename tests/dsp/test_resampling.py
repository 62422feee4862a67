import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.resampling import resample
from mono2stereo.errors import AudioError

RATES = st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000])


@given(RATES, RATES, st.integers(1, 4000), st.sampled_from([(), (1,), (2,)]))
@settings(deadline=None)
def test_length_shape_and_dtype(from_rate, to_rate, samples, channels):
    y = resample(np.zeros((samples, *channels), np.float32), from_rate, to_rate)
    assert y.dtype == np.float32
    assert y.shape == (int(samples * to_rate / from_rate + 0.5), *channels)


@pytest.mark.parametrize("to_rate", [8000, 22050, 48000])
def test_a_sine_stays_in_place(to_rate):
    def sine(rate):
        return np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)

    inner = slice(to_rate // 10, -to_rate // 10)
    np.testing.assert_allclose(resample(sine(44100), 44100, to_rate)[inner], sine(to_rate)[inner], atol=1e-5)


def test_matches_scipy_on_band_limited_noise():
    x = np.random.default_rng(0).standard_normal(22050)
    x = scipy.signal.sosfiltfilt(scipy.signal.butter(10, 4000, fs=44100, output="sos"), x)
    inner = slice(1000, -1000)
    ours, theirs = resample(x, 44100, 22050), scipy.signal.resample_poly(x, 1, 2, window=("kaiser", 14.0))
    assert np.abs(ours - theirs)[inner].max() < 2e-3 * np.abs(x).max()


def test_down_and_up_keeps_what_fits():
    x = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    back = resample(resample(x, 44100, 22050), 22050, 44100)
    np.testing.assert_allclose(back[2000:-2000], x[2000:-2000], atol=1e-5)


def test_nothing_aliases():
    x = np.sin(2 * np.pi * 15000 * np.arange(44100) / 44100)
    assert np.abs(resample(x, 44100, 22050)[1000:-1000]).max() < 1e-5


def test_channels_do_not_mix_and_equal_rates_copy():
    x = np.random.default_rng(0).standard_normal((5000, 2))
    np.testing.assert_array_equal(resample(x, 44100, 22050)[:, 1], resample(x[:, 1].copy(), 44100, 22050))
    y = resample(x, 44100, 44100)
    np.testing.assert_array_equal(x, y)
    assert not np.shares_memory(x, y)


def test_refuses_integers_and_rates_below_one():
    with pytest.raises(AudioError, match="int64"):
        resample(np.zeros(10, np.int64), 44100, 22050)
    with pytest.raises(AudioError, match="above 0"):
        resample(np.zeros(10), 44100, 0)

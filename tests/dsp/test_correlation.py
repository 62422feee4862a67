import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.correlation import lagged_correlation, octave_centres_hz, octave_correlation
from mono2stereo.errors import AudioError


@given(st.integers(1, 300), st.integers(0, 299), st.integers(0, 99))
@settings(deadline=None)
def test_matches_scipy(samples, max_lag, seed):
    max_lag = min(max_lag, samples - 1)
    x, y = np.random.default_rng(seed).standard_normal((2, samples))
    direct = scipy.signal.correlate(y, x, method="direct") / np.linalg.norm(x) / np.linalg.norm(y)
    ours = lagged_correlation(x, y, max_lag)
    assert ours.shape == (2 * max_lag + 1,)
    np.testing.assert_allclose(ours, direct[samples - 1 - max_lag : samples + max_lag], atol=1e-9)


@pytest.mark.parametrize("delay", [0, 1, 441])
def test_a_delay_peaks_at_its_positive_lag(delay):
    x = np.random.default_rng(0).standard_normal(22050).astype(np.float32)
    y = -np.pad(x, (delay, 0))[: x.size]
    r = lagged_correlation(x, y, 500)
    assert np.argmax(np.abs(r)) - 500 == delay
    assert r[500 + delay] == pytest.approx(-1, abs=0.02)


def test_silence_is_undefined_and_long_lags_are_refused():
    assert np.isnan(lagged_correlation(np.zeros(10), np.ones(10), 2)).all()
    with pytest.raises(AudioError, match="at least 11"):
        lagged_correlation(np.ones(10), np.ones(10), 10)
    with pytest.raises(AudioError, match="from 0 up"):
        lagged_correlation(np.ones(10), np.ones(10), -1)


def test_octaves_match_a_filter_and_a_plain_correlation():
    rate, max_lag = 22050, 200
    x, y = np.random.default_rng(1).standard_normal((2, 3 * rate))
    y = y + np.pad(x, (150, 0))[: x.size]
    fade = scipy.signal.windows.tukey(x.size, 2 * 0.02 * rate / x.size)
    hz = np.fft.rfftfreq(4 * x.size, 1 / rate)
    found = octave_correlation(x, y, rate, max_lag)
    for row, centre in zip(found, octave_centres_hz(rate), strict=True):
        inside = (hz >= centre * 10**-0.15) & (hz < centre * 10**0.15)
        # Zero-phase ideal filters ring to both sides: padded, so that nothing wraps around.
        padded = (np.pad(each * fade, (x.size, 2 * x.size)) for each in (x, y))
        filtered = [np.fft.irfft(np.fft.rfft(each) * inside) for each in padded]
        np.testing.assert_allclose(row, lagged_correlation(*filtered, max_lag), atol=0.01)
    assert np.abs(found).argmax(axis=1).tolist()[2:] == [max_lag + 150] * 5


def test_an_octave_without_sound_is_undefined():
    rate = 22050
    sos = scipy.signal.butter(8, 1500, "lowpass", fs=rate, output="sos")
    noise = np.random.default_rng(0).standard_normal(2 * rate)
    low = scipy.signal.sosfiltfilt(sos, noise)
    r = octave_correlation(low, noise, rate, 10)
    assert np.isnan(r[-1]).all()
    assert not np.isnan(r[:-2]).any()
    assert np.isnan(octave_correlation(np.zeros(rate), noise[:rate], rate, 10)).all()


def test_octaves_end_below_nyquist():
    assert octave_centres_hz(8000).round().tolist() == [63, 126, 251, 501, 1000, 1995]
    assert octave_centres_hz(48000)[-1] == pytest.approx(15849, rel=1e-3)

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.correlation import lagged_correlation
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

import numpy as np
import pytest

from mono2stereo.dsp.onsets import crest_factor_db, onset_correlation, onset_envelope
from mono2stereo.errors import AudioError

SAMPLE_RATE = 22050
RANDOM = np.random.default_rng(0)


def bursts(times_seconds, seconds=4):
    x = 1e-4 * RANDOM.standard_normal(seconds * SAMPLE_RATE)
    for time in times_seconds:
        start = int(time * SAMPLE_RATE)
        x[start : start + 2000] += RANDOM.standard_normal(2000) * np.exp(-np.arange(2000) / 400)
    return x


def test_peaks_stand_at_the_onsets():
    times = [0.5, 1.3, 2.9]
    envelope = onset_envelope(bursts(times), SAMPLE_RATE)
    assert (envelope >= 0).all()
    for time in times:
        near = slice(int((time - 0.1) * SAMPLE_RATE / 256), int((time + 0.1) * SAMPLE_RATE / 256))
        assert envelope[near].max() > 5 * np.median(envelope)


def test_same_onsets_correlate_and_others_do_not():
    times, others = [0.5, 1.3, 2.9], [0.9, 1.8, 2.4, 3.5]
    x = bursts(times)
    assert onset_correlation(x, x, SAMPLE_RATE) == pytest.approx(1)
    assert onset_correlation(x, bursts(times), SAMPLE_RATE) > 0.8
    assert onset_correlation(x, bursts(others), SAMPLE_RATE) < 0.2


def test_smearing_lowers_correlation_and_crest():
    x = bursts([0.5, 1.3, 2.9])
    response = RANDOM.standard_normal(8000) * np.exp(-np.arange(8000) / 3000)
    smeared = np.convolve(x, response)[: x.size]
    assert onset_correlation(x, smeared, SAMPLE_RATE) < 0.95
    assert crest_factor_db(smeared) < crest_factor_db(x) - 3


def test_gain_does_not_matter():
    x = bursts([1, 2])
    np.testing.assert_allclose(
        onset_envelope(1e-3 * x, SAMPLE_RATE), onset_envelope(x, SAMPLE_RATE), atol=1e-8
    )
    assert crest_factor_db(-0.1 * x) == pytest.approx(crest_factor_db(x))


def test_known_crests():
    assert crest_factor_db(np.ones(10)) == pytest.approx(0)
    impulse = np.zeros(100, np.float32)
    impulse[3] = -1
    assert crest_factor_db(impulse) == pytest.approx(20)


def test_silence_is_undefined_and_short_signals_refused():
    silence = np.zeros(SAMPLE_RATE)
    assert not onset_envelope(silence, SAMPLE_RATE).any()
    assert np.isnan(onset_correlation(silence, bursts([0.5], 1), SAMPLE_RATE))
    assert np.isnan(crest_factor_db(silence))
    with pytest.raises(AudioError, match="at least 1280"):
        onset_envelope(np.zeros(1279), SAMPLE_RATE)

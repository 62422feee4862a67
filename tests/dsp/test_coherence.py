import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.coherence import (
    coherence_floor,
    coherence_of_spectra,
    critical_band_coherence,
    critical_band_lengths,
    mel_coherence,
)
from mono2stereo.dsp.mel import mel_centres_hz, mel_filterbank
from mono2stereo.dsp.resampling import resample
from mono2stereo.dsp.signals import mean_defined
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import AudioError

SAMPLE_RATE = 22050
X, Y = np.random.default_rng(0).standard_normal((2, 3 * SAMPLE_RATE))


def delayed(x, seconds):
    return np.pad(x, (round(seconds * SAMPLE_RATE), 0))[: x.size]


@pytest.mark.parametrize("gain", [1.0, -1.0, 0.01])
@pytest.mark.parametrize("frame_length", [256, 1024, 4096])
def test_a_copy_is_coherent(gain, frame_length):
    bands = mel_coherence(X, gain * X, SAMPLE_RATE, frame_length)
    np.testing.assert_allclose(bands[~np.isnan(bands)], 1, atol=1e-12)


@pytest.mark.parametrize(("seconds", "coherence"), [(0.010, 0.737), (0.020, 0.279), (0.035, 0.074)])
def test_delays_of_white_noise(seconds, coherence):
    assert mean_defined(mel_coherence(X, delayed(X, seconds), SAMPLE_RATE)) == pytest.approx(
        coherence, abs=0.02
    )


def test_a_short_filter_looks_coherent_in_a_long_window():
    assert mean_defined(mel_coherence(X, delayed(X, 0.035), SAMPLE_RATE, 8192)) > 0.85


@pytest.mark.parametrize("frame_length", [512, 1024, 2048])
@pytest.mark.parametrize("seconds", [1.5, 3])
def test_independent_noise_reads_the_floor(frame_length, seconds):
    samples = int(seconds * SAMPLE_RATE)
    floor = coherence_floor(1 + (samples - frame_length) // (frame_length // 4))
    measured = mean_defined(mel_coherence(X[:samples], Y[:samples], SAMPLE_RATE, frame_length))
    assert measured == pytest.approx(floor, rel=0.08)


def test_floor_of_three_seconds():
    assert coherence_floor(255) == pytest.approx(0.074, abs=0.004)


def test_matches_a_plain_loop():
    x, y = X[:6000], Y[:6000] + 0.5 * X[:6000]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    spectra = [
        np.array([np.fft.rfft(window * s[start : start + 1024]) for start in range(0, 6000 - 1023, 256)])
        for s in (x, y)
    ]
    weights = mel_filterbank(SAMPLE_RATE, 1024)
    for band in (0, 17, 79):
        top = bottom = 0.0
        for k in range(513):
            first, second = spectra[0][:, k], spectra[1][:, k]
            top += weights[band, k] * abs(sum(a * b.conjugate() for a, b in zip(first, second, strict=True)))
            bottom += weights[band, k] * np.sqrt(sum(abs(first) ** 2) * sum(abs(second) ** 2))
        assert mel_coherence(x, y, SAMPLE_RATE)[band] == pytest.approx(top / bottom, rel=1e-9)


@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
@settings(max_examples=10, deadline=None)
def test_gains_do_not_matter_nor_does_the_order(gain_x, gain_y):
    x, y = X[:8192], Y[:8192] + X[:8192]
    plain = mel_coherence(x, y, SAMPLE_RATE)
    assert ((plain >= 0) & (plain <= 1)).all()
    np.testing.assert_allclose(mel_coherence(gain_y * y, gain_x * x, SAMPLE_RATE), plain, rtol=1e-9)


def test_bands_without_energy_are_nan_and_do_not_count():
    silence = np.zeros_like(X)
    assert np.isnan(mel_coherence(X, silence, SAMPLE_RATE)).all()
    assert np.isnan(mean_defined(mel_coherence(silence, silence, SAMPLE_RATE)))
    # At 256 samples the lowest bands are narrower than a bin.
    bands = mel_coherence(X, X, SAMPLE_RATE, 256)
    assert 0 < np.isnan(bands).sum() < 40
    assert mean_defined(mel_coherence(X, X, SAMPLE_RATE, 256)) == pytest.approx(1)


def test_refuses_fewer_than_16_frames():
    assert mel_coherence(X[:4864], Y[:4864], SAMPLE_RATE).shape == (80,)
    with pytest.raises(AudioError, match="15 frames; at least 16, so 4864 samples"):
        mel_coherence(X[:4863], Y[:4863], SAMPLE_RATE)
    with pytest.raises(AudioError, match="0 frames"):
        mel_coherence(X[:100], Y[:100], SAMPLE_RATE)
    with pytest.raises(AudioError, match="frames = 15"):
        coherence_floor(15)


def test_what_resampling_leaves_in_empty_bands_does_not_count():
    """Two independent recordings at 8 kHz, brought to 22 050 Hz: nothing above 4 kHz but rounding."""
    x, y = (resample(each[: 3 * 8000].astype(np.float32), 8000, SAMPLE_RATE) for each in (X, Y))
    bands = mel_coherence(x, y, SAMPLE_RATE)
    above = mel_centres_hz(SAMPLE_RATE) > 5000
    assert np.isnan(bands[above]).all()
    assert mean_defined(mel_coherence(x, y, SAMPLE_RATE)) == pytest.approx(coherence_floor(255), rel=0.1)


def test_spectra_at_hand_give_the_same():
    first, second = (Stft(1024, 256, 1024).analyse(each) for each in (X, Y + X))
    np.testing.assert_allclose(
        coherence_of_spectra(first, second, SAMPLE_RATE), mel_coherence(X, Y + X, SAMPLE_RATE), rtol=1e-12
    )


def by_critical_band(x, y, rate=SAMPLE_RATE):
    spectra = (
        {n: Stft(int(n), int(n) // 4, int(n)).analyse(each) for n in np.unique(critical_band_lengths(rate))}
        for each in (x, y)
    )
    return critical_band_coherence(*spectra, rate)


def test_critical_bands_of_a_copy_and_of_independent_noise():
    lengths = critical_band_lengths(SAMPLE_RATE)
    np.testing.assert_allclose(by_critical_band(X, -0.1 * X), 1)
    independent = by_critical_band(X, Y)
    for length in np.unique(lengths):
        floor = coherence_floor(1 + (len(X) - length) // (length // 4))
        assert independent[lengths == length].mean() == pytest.approx(floor, rel=0.25)


def test_a_delay_passes_in_high_bands_before_it_does_in_low_ones():
    """Only what is long beside the window evades it."""
    delay = 0.035
    bands, lengths = by_critical_band(X, delayed(X, delay)), critical_band_lengths(SAMPLE_RATE)
    assert bands[lengths == 1024].mean() < 0.12
    assert bands[lengths == 4096].mean() == pytest.approx(0.79, abs=0.02)
    assert np.all(np.diff(lengths) <= 0)


def test_a_critical_band_is_that_band_alone():
    shared = np.convolve(X, np.sinc(np.arange(-400, 401) / 22.05) / 22.05, "same")  # below 500 Hz
    bands = by_critical_band(
        shared, shared + Y - np.convolve(Y, np.sinc(np.arange(-400, 401) / 22.05) / 22.05, "same")
    )
    assert bands[:8].min() > 0.9
    assert np.nanmax(bands[11:]) < 0.3

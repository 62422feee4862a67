import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.mel import hz_to_mel, mel_filterbank, mel_magnitudes, mel_to_hz
from mono2stereo.errors import AudioError
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis

NOISE = np.random.default_rng(0).standard_normal((2, 44100))


def distance_db(*, estimate, reference):
    return SideAnalysis(SignalAnalysis(reference, 22050), SignalAnalysis(estimate, 22050)).log_mel_db()


@pytest.mark.parametrize(
    ("sample_rate", "fft_length", "n_mels", "low_hz", "high_hz"),
    [
        (22050, 1024, 80, 0, None),
        (22050, 4096, 80, 0, None),
        (44100, 2048, 128, 20, 16000),
        (8000, 256, 40, 0, 4000),
        (22050, 1024, 80, 0, 11025),
        (22050, 8192, 80, 0, 11025),
    ],
)
def test_filterbank_matches_librosa(sample_rate, fft_length, n_mels, low_hz, high_hz):
    theirs = librosa.filters.mel(
        sr=sample_rate, n_fft=fft_length, n_mels=n_mels, fmin=low_hz, fmax=high_hz, dtype=np.float64
    )
    np.testing.assert_allclose(
        mel_filterbank(sample_rate, fft_length, n_mels, low_hz, high_hz), theirs, atol=1e-12
    )


@given(st.floats(0, 24000))
@settings(deadline=None)
def test_mel_scale_inverts_and_matches_librosa(hz):
    assert float(mel_to_hz(hz_to_mel(np.array(hz)))) == pytest.approx(hz, abs=1e-6)
    assert float(hz_to_mel(np.array(hz))) == pytest.approx(librosa.hz_to_mel(hz), abs=1e-9)


def test_bands_above_3800_hz_count():
    weights = mel_filterbank(22050, 1024)
    bins_hz = np.arange(513) * 22050 / 1024
    assert (weights[:, (bins_hz > 3800) & (bins_hz < 11000)].sum(axis=0) > 0).all()
    tone = np.sin(2 * np.pi * 9000 * np.arange(22050) / 22050)
    assert mel_magnitudes(tone, 22050)[:, 60:].max() > 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mel_magnitudes_match_librosa(dtype):
    x = (0.1 * NOISE[0]).astype(dtype)
    magnitudes = np.abs(librosa.stft(x, n_fft=1024, hop_length=256, center=False))
    mel = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80) @ magnitudes
    ours = mel_magnitudes(x, 22050)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, mel.T, rtol=1e-4, atol=1e-7)


def test_distance_ignores_gain_and_sign_and_is_2_85_db_for_independent_noise():
    x, y = NOISE
    assert distance_db(estimate=-1e-3 * x, reference=x) < 1e-9
    # 4.54 dB of a Rayleigh-distributed bin, averaged within bands and doubled in power between signals.
    distance = distance_db(estimate=y, reference=x)
    assert distance == pytest.approx(2.85, abs=0.1)


@given(st.floats(1e-3, 1e3))
@settings(max_examples=10, deadline=None)
def test_distance_is_unmoved_by_the_gain_of_either(gain):
    x, y = NOISE[:, :8192]
    plain = distance_db(estimate=y, reference=x)
    for estimate, reference in ((gain * y, x), (y, gain * x)):
        distance = distance_db(estimate=estimate, reference=reference)
        assert distance == pytest.approx(plain, abs=1e-6)


def test_distance_measures_a_known_tilt():
    # +6 dB on half of the time, level-matched: every cell of one half is 6.02 dB from the other's offset.
    x = NOISE[0]
    y = x.copy()
    y[: x.size // 2] *= 2
    offset_db = 10 * np.log10((4 + 1) / 2)
    expected = (abs(20 * np.log10(2) - offset_db) + offset_db) / 2
    distance = distance_db(estimate=y, reference=x)
    assert distance == pytest.approx(expected, abs=0.05)


def test_what_lies_60_db_down_does_not_count():
    x = np.concatenate([NOISE[0], 1e-5 * NOISE[0]])
    y = np.concatenate([NOISE[0], 1e-5 * NOISE[1]])
    assert distance_db(estimate=y, reference=x) < 0.03


def test_silence():
    silence, x = np.zeros(22050), NOISE[0, :22050]
    assert np.isnan(distance_db(estimate=x, reference=silence))
    assert distance_db(estimate=silence, reference=x) > 30


def test_refuses_impossible_bands_and_unequal_lengths():
    with pytest.raises(AudioError, match="high_hz"):
        mel_filterbank(22050, 1024, 80, 0, 12000)
    with pytest.raises(AudioError, match="n_mels = 0"):
        mel_filterbank(22050, 1024, 0)
    with pytest.raises(AudioError, match="4000 and 5000"):
        distance_db(estimate=np.zeros(5000), reference=np.zeros(4000))

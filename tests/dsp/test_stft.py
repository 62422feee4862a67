import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import AudioError

PUBLISHED = Stft(frame_length=116, frame_step=58, fft_length=128)


def noise(samples, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, samples).astype(dtype)


def snr_db(x, y):
    error = np.sum((x.astype(np.float64) - y) ** 2)
    return np.inf if error == 0 else 10 * np.log10(np.sum(x.astype(np.float64) ** 2) / error)


@pytest.mark.parametrize("samples", [1, 57, 58, 59, 116, 5000, 22050])
def test_float32_round_trip_reaches_110_db_edges_included(samples):
    x = noise(samples, np.float32)
    y = PUBLISHED.round_trip(x)
    assert y.dtype == np.float32
    assert y.shape == x.shape
    for part in (slice(None), slice(0, 58), slice(-58, None)):
        assert snr_db(x[part], y[part]) > 110


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_round_trip_is_the_identity_at_any_overlap(data):
    frame_length = data.draw(st.integers(2, 200))
    stft = Stft(
        frame_length,
        data.draw(st.integers(1, max(1, frame_length - 1))),
        frame_length + data.draw(st.integers(0, 40)),
        data.draw(st.sampled_from([0.0, 3.0, 7.0])),
    )
    x = noise(data.draw(st.integers(1, 800)), seed=data.draw(st.integers(0, 99)))
    # Where the step nearly equals the frame, the window nearly vanishes between frames.
    tolerance = 1e-11 / min(1.0, np.min(stft.window[1:]) ** 2)
    np.testing.assert_allclose(stft.round_trip(x), x, atol=tolerance)


@given(st.integers(116, 3000))
@settings(deadline=None)
def test_shapes(samples):
    x = noise(samples)
    spectrum = PUBLISHED.analyse(x)
    frames = 1 + (samples - 116) // 58
    assert spectrum.shape == (frames, 65)
    assert PUBLISHED.synthesise(spectrum).shape == ((frames - 1) * 58 + 116,)
    padded = PUBLISHED.pad(x)
    assert (padded.shape[0] - 116) % 58 == 0


def test_published_clip_has_1299_frames():
    assert PUBLISHED.analyse(np.zeros(75_400, np.float32)).shape == (1299, 65)


def test_analysis_matches_scipy():
    x = noise(4000)
    oracle = scipy.signal.ShortTimeFFT(
        scipy.signal.get_window("hann", 116), 58, fs=1, mfft=128, fft_mode="onesided", phase_shift=None
    )
    frames = np.stack([oracle.win * x[start : start + 116] for start in range(0, 4000 - 115, 58)])
    np.testing.assert_allclose(PUBLISHED.analyse(x), np.fft.rfft(frames, 128), atol=1e-12)
    kaiser = scipy.signal.get_window(("kaiser", 7.0), 116)
    np.testing.assert_allclose(Stft(116, 29, 128, 7.0).window, kaiser, atol=1e-12)
    np.testing.assert_allclose(PUBLISHED.synthesis_window, oracle.dual_win, atol=1e-12)
    _, _, other = scipy.signal.stft(
        x, window="hann", nperseg=256, noverlap=192, boundary=None, padded=False, detrend=False
    )
    scale = scipy.signal.get_window("hann", 256).sum()
    np.testing.assert_allclose(Stft(256, 64, 256).analyse(x), other.T * scale, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_analysis_and_synthesis_match_librosa(dtype):
    x = noise(8192, dtype)
    stft = Stft(1024, 256, 1024)
    ours = stft.analyse(x)
    theirs = librosa.stft(x, n_fft=1024, hop_length=256, center=False).T
    assert ours.dtype == theirs.dtype
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(ours, theirs, atol=tolerance)
    inner = slice(1024, -1024)
    back = librosa.istft(theirs.T, hop_length=256, center=False)
    np.testing.assert_allclose(stft.synthesise(ours)[inner], back[inner], atol=1e-5)


def test_synthesis_is_linear_and_homogeneous():
    x, y = noise(2000, seed=1), noise(2000, seed=2)
    joint = PUBLISHED.synthesise(PUBLISHED.analyse(3 * x - y))
    np.testing.assert_allclose(
        joint,
        3 * PUBLISHED.synthesise(PUBLISHED.analyse(x)) - PUBLISHED.synthesise(PUBLISHED.analyse(y)),
        atol=1e-12,
    )


@pytest.mark.parametrize("lengths", [(116, 116, 128), (116, 0, 128), (116, 58, 100), (1, 1, 8)])
def test_refuses_lengths_without_an_inverse(lengths):
    with pytest.raises(AudioError, match="frame_"):
        Stft(*lengths)


def test_refuses_short_stereo_and_foreign_spectra():
    with pytest.raises(AudioError, match="115 samples: at least 116"):
        PUBLISHED.analyse(np.zeros(115))
    with pytest.raises(AudioError, match="one channel"):
        PUBLISHED.analyse(np.zeros((500, 2)))
    with pytest.raises(AudioError, match=r"\(frames, 65\)"):
        PUBLISHED.synthesise(np.zeros((3, 64), complex))


@pytest.mark.parametrize("stft", [PUBLISHED, Stft(116, 29, 128, 7.0), Stft(256, 64, 256)])
def test_matrices_are_the_transforms(stft):
    x = np.random.default_rng(5).standard_normal((40, stft.frame_length)).astype(np.float32)
    analysis, synthesis = stft.matrices
    spectrum = stft.analyse(stft.overlap_add(x))
    frames = np.lib.stride_tricks.sliding_window_view(stft.overlap_add(x), stft.frame_length)[
        :: stft.frame_step
    ]
    np.testing.assert_allclose((frames @ analysis).view(np.complex64), spectrum, atol=1e-4)
    made = stft.overlap_add(np.ascontiguousarray(spectrum).view(np.float32) @ synthesis)
    np.testing.assert_allclose(made, stft.synthesise(spectrum), atol=1e-4)

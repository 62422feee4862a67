import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.loudness import LoudnessMeter, integrated_lufs, k_weighting_sos
from mono2stereo.errors import AudioError

# ITU-R BS.1770-4, Annex 1, tables 1 and 2.
TABULATED_48000 = [
    [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
    [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
]


def music_like(sample_rate, seconds=6, channels=2):
    random = np.random.default_rng(1)
    envelope = 10 ** (-2 * np.abs(np.sin(np.arange(seconds * sample_rate) / sample_rate)))
    return 0.3 * envelope[:, None] * random.standard_normal((seconds * sample_rate, channels))


def test_weighting_equals_the_standards_tables():
    np.testing.assert_allclose(k_weighting_sos(48000), TABULATED_48000, atol=1e-8)


@pytest.mark.parametrize("sample_rate", [22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_matches_pyloudnorm(sample_rate, channels):
    x = music_like(sample_rate, channels=channels)
    exact = pyloudnorm.Meter(sample_rate, filter_class="DeMan").integrated_loudness(x)
    ours = integrated_lufs(x[:, 0] if channels == 1 else x, sample_rate)
    assert ours == pytest.approx(exact, abs=0.01)
    usual = pyloudnorm.Meter(sample_rate).integrated_loudness(x)
    assert ours == pytest.approx(usual, abs=0.15)


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 48000, 96000])
def test_full_scale_sine_in_one_channel_reads_minus_3_01(sample_rate):
    sine = np.sin(2 * np.pi * 997 * np.arange(2 * sample_rate) / sample_rate)
    assert integrated_lufs(sine, sample_rate) == pytest.approx(-3.01, abs=0.05)


def test_two_equal_channels_are_3_lu_louder():
    x = music_like(22050, channels=1)[:, 0]
    difference = integrated_lufs(np.stack([x, x], axis=1), 22050) - integrated_lufs(x, 22050)
    assert difference == pytest.approx(10 * np.log10(2))


@given(st.floats(-20, 20))
@settings(max_examples=10, deadline=None)
def test_gain_shifts_loudness(gain_db):
    # Without blocks near the absolute gate, whose passing depends on the gain.
    x = 0.1 * np.random.default_rng(2).standard_normal(22050)
    shifted = integrated_lufs(x * 10 ** (gain_db / 20), 22050)
    assert shifted == pytest.approx(integrated_lufs(x, 22050) + gain_db, abs=1e-6)


def test_the_relative_gate_leaves_out_quiet_passages():
    loud = 0.1 * np.random.default_rng(2).standard_normal(6 * 22050)
    quiet = np.concatenate([loud, 0.03 * loud])
    assert integrated_lufs(quiet, 22050) == pytest.approx(integrated_lufs(loud, 22050), abs=0.3)


def test_silence_short_signals_and_shapes():
    assert integrated_lufs(np.zeros((22050, 2), np.float32), 22050) == -np.inf
    assert np.isfinite(integrated_lufs(np.ones(8820) * np.tile([0.5, -0.5], 4410), 22050))
    with pytest.raises(AudioError, match="at least 8820"):
        integrated_lufs(np.zeros(8819), 22050)
    with pytest.raises(AudioError, match="two channels"):
        integrated_lufs(np.zeros((22050, 3)), 22050)


@pytest.mark.parametrize("sample_rate", [8000, 11025, 44100, 96000])
def test_meter_in_blocks_reads_what_the_whole_has(sample_rate: int) -> None:
    random = np.random.default_rng(sample_rate)
    level = np.repeat(10 ** random.uniform(-3, 0, 40), sample_rate // 4)
    x = np.stack(
        [random.normal(size=len(level)) * level * 0.1, random.normal(size=len(level)) * level], axis=1
    )
    meter = LoudnessMeter(sample_rate, 2)
    for block in np.split(x, np.sort(random.integers(0, len(x), 20))):
        meter.add(block)
    assert meter.lufs(np.ones(2)) == pytest.approx(integrated_lufs(x, sample_rate), abs=0.01)
    assert meter.lufs(np.array([2.0, 0.0])) == pytest.approx(
        integrated_lufs(x[:, [0, 0]], sample_rate), abs=0.01
    )
    assert LoudnessMeter(sample_rate, 1).lufs(np.ones(1)) == -np.inf

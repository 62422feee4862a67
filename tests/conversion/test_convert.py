from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mono2stereo
from mono2stereo.errors import AudioError


@settings(max_examples=10, deadline=None)
@given(
    samples=st.integers(0, 9000),
    sample_rate=st.sampled_from([8000, 22050, 44100, 48000]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_fold_down_is_the_input(samples, sample_rate, dtype):
    mono = (np.random.default_rng(samples).normal(size=samples) * 0.1).astype(dtype)
    stereo = mono2stereo.convert(mono, sample_rate=sample_rate)
    assert stereo.shape == (samples, 2)
    assert stereo.dtype == mono.dtype
    np.testing.assert_allclose(stereo.mean(axis=1), mono, atol=1e-7)


def test_the_default_model_widens_music_and_keeps_silence_silent():
    # No steady tone: its side may be no more than its phase turned, and correlates as it happens to.
    mono = 0.1 * np.random.default_rng(1).normal(size=44100) * np.exp(-4 * (np.arange(44100) / 44100 % 0.25))
    stereo = mono2stereo.convert(mono, sample_rate=44100)
    side = (stereo[:, 0] - stereo[:, 1]) / 2
    assert 0.01 < np.std(side) / np.std(mono) < 10
    assert abs(np.corrcoef(side, mono)[0, 1]) < 0.5
    assert not np.any(mono2stereo.convert(np.zeros(44100), sample_rate=44100))


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.zeros(5, int), np.array([0.0, np.nan])])
def test_refuses_what_is_no_mono_signal(bad):
    with pytest.raises(AudioError):
        mono2stereo.convert(bad, sample_rate=44100)

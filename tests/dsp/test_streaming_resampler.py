from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.streaming_resampler import StreamResampler, kernel_half_seconds, lowpass_kernel
from mono2stereo.errors import AudioError

PAIRS = [(44100, 22050), (22050, 48000), (8000, 22050), (22050, 44056), (44101, 22050), (192000, 22050)]
BOTH = pytest.mark.parametrize("prompt", [False, True])


def band(pair):
    return {"pass_hz": 0.4 * min(pair), "stop_hz": 0.5 * min(pair)}


def in_blocks(resampler, x, sizes):
    cuts = np.cumsum(sizes)
    return np.concatenate([resampler.process(block) for block in np.split(x, cuts[cuts < len(x)])])


@BOTH
@pytest.mark.parametrize("pair", PAIRS)
def test_tones_come_out_in_place_and_at_their_level(pair, prompt):
    """Output m is the signal at the time m / rate: known in closed form, also after a second."""
    tones = np.linspace(50, band(pair)["pass_hz"], 9)
    signals = [
        np.sin(2 * np.pi * tones * np.arange(rate * 1.2)[:, None] / rate + tones).mean(axis=1)
        for rate in pair
    ]
    made = StreamResampler(*pair, **band(pair), prompt=prompt).process(signals[0])
    inside = slice(pair[1] // 50, len(made) - pair[1] // 50)
    assert len(made) > 1.1 * pair[1]
    np.testing.assert_allclose(made[inside], signals[1][: len(made)][inside], atol=1e-5)


@BOTH
def test_equals_soxr_where_both_pass_everything(prompt):
    x = np.random.default_rng(0).standard_normal(48000).astype(np.float32)
    x = soxr.resample(soxr.resample(x, 48000, 16000, quality="VHQ"), 16000, 48000, quality="VHQ")
    made = StreamResampler(48000, 22050, pass_hz=9000, stop_hz=11000, prompt=prompt).process(x)
    expected = soxr.resample(x, 48000, 22050, quality="VHQ")
    inside = slice(500, len(made) - 500)
    np.testing.assert_allclose(made[inside], expected[: len(made)][inside], atol=2e-5)


@BOTH
@pytest.mark.parametrize("pair", PAIRS)
@settings(max_examples=10, deadline=None)
@given(sizes=st.lists(st.integers(0, 4000), min_size=1, max_size=12))
def test_blocks_change_nothing_and_the_delay_is_kept(pair, prompt, sizes):
    x = np.random.default_rng(1).standard_normal(9000).astype(np.float32)
    whole = StreamResampler(*pair, **band(pair), prompt=prompt).process(x)
    resampler = StreamResampler(*pair, **band(pair), prompt=prompt)
    taken, made = 0, []
    for size in [*sizes, len(x)]:
        made.append(resampler.process(x[taken : taken + size]))
        taken = min(taken + size, len(x))
        assert sum(map(len, made)) >= (taken - resampler.delay_samples) * pair[1] / pair[0] - 1e-9
    np.testing.assert_allclose(np.concatenate(made), whole, rtol=0, atol=1e-6 * np.abs(whole).max())


@BOTH
def test_nothing_above_the_band_gets_through(prompt):
    time = np.arange(44100) / 44100
    tone = np.sin(2 * np.pi * 11500 * time)
    made = StreamResampler(44100, 22050, pass_hz=9500, stop_hz=11400, prompt=prompt).process(tone)
    assert np.abs(made[200:-200]).max() < 1e-4


def test_the_kernel_is_what_its_band_says():
    rate = 200_000
    reach = int(kernel_half_seconds(9000, 10000) * rate) + 1
    kernel = lowpass_kernel(np.arange(-reach, reach + 1) / rate, 9000, 10000) / rate
    response = np.abs(np.fft.rfft(kernel, 1 << 16))
    hz = np.arange(len(response)) * rate / (1 << 16)
    np.testing.assert_allclose(response[hz <= 9000], 1, atol=2e-5)
    assert response[hz >= 10000].max() < 2e-5


@pytest.mark.parametrize("arguments", [(0, 1, 1, 2), (1, 0, 1, 2), (8000, 8000, 2, 1), (8000, 8000, 0, 1)])
def test_refuses_what_is_no_band(arguments):
    with pytest.raises(AudioError, match="positive and rising"):
        StreamResampler(*arguments[:2], pass_hz=arguments[2], stop_hz=arguments[3])

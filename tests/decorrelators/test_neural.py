"""The network's streams: the model that comes with the package, at any rate, cut anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.decorrelators.base import PIECE_SAMPLES
from mono2stereo.decorrelators.neural import FILE_BLOCK_FRAMES, LIVE_BLOCK_FRAMES, NeuralDecorrelator
from mono2stereo.decorrelators.neural_stream import crossover_hz
from mono2stereo.dsp.bands import level_db
from mono2stereo.errors import AudioError

RATES = [8000, 11025, 22050, 44056, 44100, 48000, 192000]
MODELS = {
    frames: NeuralDecorrelator.load(block_frames=frames, threads=1)
    for frames in (FILE_BLOCK_FRAMES, 7, LIVE_BLOCK_FRAMES)
}
NOISE = 0.1 * np.random.default_rng(0).standard_normal(40_000).astype(np.float32)


def largest(x):
    return float(np.abs(x).max())


def streamed(model, mid, sample_rate, sizes):
    """The side, made in blocks of the sizes given and then of the last size."""
    stream = model.stream(sample_rate)
    late = stream.latency_samples
    padded = np.concatenate([mid, np.zeros(late, mid.dtype)])
    made, taken = [], 0
    while taken < len(padded):
        size = sizes[min(len(made), len(sizes) - 1)]
        block = padded[taken : taken + size]
        made.append(stream.process(block))
        assert len(made[-1]) == len(block)
        assert made[-1].dtype == mid.dtype
        taken += size
    return np.concatenate(made)[late:]


@pytest.mark.parametrize("frames", MODELS)
@pytest.mark.parametrize("sample_rate", RATES)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_where_blocks_are_cut_changes_nothing(sample_rate, frames, data):
    mid = NOISE[: sample_rate // 8]
    whole = MODELS[frames].side(mid, sample_rate)
    sizes = data.draw(st.lists(st.integers(1, 5000), min_size=1, max_size=8))
    assert whole.shape == mid.shape
    difference = streamed(MODELS[frames], mid, sample_rate, [*sizes, 3000]) - whole
    assert largest(difference) < 1e-6 * largest(whole)


@pytest.mark.parametrize("sample_rate", [8000, 44100, 48000])
def test_the_size_of_the_networks_blocks_is_a_matter_of_speed_alone(sample_rate):
    sides = [model.side(NOISE[: sample_rate // 3], sample_rate) for model in MODELS.values()]
    for side in sides[1:]:
        assert largest(side - sides[0]) < 1e-5 * largest(side)


def test_samples_one_by_one():
    mid = NOISE[:700]
    whole = MODELS[LIVE_BLOCK_FRAMES].side(mid, 44100)
    np.testing.assert_allclose(
        streamed(MODELS[LIVE_BLOCK_FRAMES], mid, 44100, [1]), whole, atol=1e-6 * largest(whole)
    )


@pytest.mark.parametrize("frames", MODELS)
@pytest.mark.parametrize("sample_rate", RATES)
def test_latency_is_what_is_stated(sample_rate, frames):
    """Silence up to a click: the side is at the click's place, `latency_samples` after it came in.

    The network is causal by frames of 128 samples at 22 050 Hz; the resamplers' filters ring as long again.
    """
    stream = MODELS[frames].stream(sample_rate)
    place, late = sample_rate // 10 + 1, stream.latency_samples
    mid = np.zeros(place + late + sample_rate // 4, np.float32)
    mid[place] = 1
    side = stream.process(mid)
    loud = np.flatnonzero(np.abs(side) > 1e-2 * largest(side))[0] - late - place
    assert -0.006 * max(1, 22050 / sample_rate) * sample_rate < loud < 0.012 * sample_rate
    assert not side[: late + place - sample_rate // 40].any()


def test_live_latency_is_short_and_said():
    """127 samples at the network's rate: a frame of 128 must be complete."""
    assert MODELS[LIVE_BLOCK_FRAMES].stream(22050).latency_samples == 127
    for sample_rate in (44100, 48000, 192000):
        assert MODELS[LIVE_BLOCK_FRAMES].stream(sample_rate).latency_samples < 0.011 * sample_rate


@pytest.mark.parametrize("sample_rate", RATES)
def test_level_does_not_matter_and_silence_is_silent(sample_rate):
    model, mid = MODELS[FILE_BLOCK_FRAMES], NOISE[:9000]
    side = model.side(mid, sample_rate)
    for gain_db in (-60, -20.3, 20):
        gain = np.float32(10 ** (gain_db / 20))
        np.testing.assert_allclose(model.side(gain * mid, sample_rate), gain * side, atol=3e-6 * gain)
    assert not model.side(np.zeros(9000), sample_rate).any()


@pytest.mark.parametrize("samples", [1, 2, 57, 58, 59, 117, PIECE_SAMPLES, PIECE_SAMPLES + 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_length(samples, dtype):
    side = MODELS[FILE_BLOCK_FRAMES].side(np.resize(NOISE, samples).astype(dtype), 44100)
    assert side.shape == (samples,)
    assert side.dtype == dtype
    assert np.isfinite(side).all()


@pytest.mark.parametrize("sample_rate", [22050, 44100])
def test_no_click_at_start_end_or_seams(sample_rate):
    """A tone that swells: nothing in its side jumps as a seam would; the start is the middle's, cut off.

    Its second difference is bounded by what a sound of its band can do.
    """
    time = np.arange(3 * sample_rate) / sample_rate
    mid = np.sin(2 * np.pi * 330 * time) * np.sin(np.pi * time / 3)
    side = MODELS[FILE_BLOCK_FRAMES].side(mid, sample_rate)
    bends = np.abs(np.diff(side, 2))
    usual = np.percentile(bends, 99)
    assert bends.max() < 6 * usual
    assert np.abs(np.diff(side[: sample_rate // 100], 2)).max() < usual
    assert np.abs(np.diff(side[-sample_rate // 100 :], 2)).max() < usual


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100])
@pytest.mark.parametrize("frames", MODELS)
def test_a_constant_offset_of_the_mid_is_not_heard(sample_rate, frames):
    """The network would make a hum of the frame rate (380 Hz) of it, 30 dB below."""
    mid = np.zeros(7 * sample_rate // 2, np.float32)
    mid[2 * sample_rate : sample_rate * 5 // 2] = NOISE[: sample_rate // 2]
    alone, side = (
        MODELS[frames].side(mid + offset, sample_rate) for offset in (np.float32(0), np.float32(0.5))
    )
    # Both ends of an offset are clicks, and gates remember one for a second and a half; then what comes after
    # is made by gates that heard the offset's rounding instead of silence.
    silent = slice(sample_rate * 9 // 5, sample_rate * 19 // 10)
    assert largest(side[silent]) < 1e-5 * largest(alone)
    heard = slice(2 * sample_rate, sample_rate * 5 // 2)
    assert level_db(side[heard]) == pytest.approx(level_db(alone[heard]), abs=0.5)


def test_a_clipped_square_wave_stays_finite():
    mid = np.sign(np.sin(2 * np.pi * 100 * np.arange(30_000) / 44100)).astype(np.float32)
    assert largest(MODELS[FILE_BLOCK_FRAMES].side(mid, 44100)) < 8


def test_the_side_ends_where_the_crossover_says():
    rng = np.random.default_rng(3)
    side = MODELS[FILE_BLOCK_FRAMES].side(rng.standard_normal(44100), 44100)
    power = np.abs(np.fft.rfft(side * np.hanning(len(side)))) ** 2
    hz = np.fft.rfftfreq(len(side), 1 / 44100)
    low, high = crossover_hz(22050, 44100)
    assert power[hz > high].max() < 1e-8 * power[(hz > 1000) & (hz < low)].mean()


def test_refusals():
    with pytest.raises(AudioError, match="sample_rate = 4000"):
        MODELS[FILE_BLOCK_FRAMES].stream(4000)
    with pytest.raises(AudioError, match="block_frames = 0"):
        NeuralDecorrelator.load(block_frames=0)

"""`mono2stereo.stream`: latency, blocks of any size, and a limiter that leaves the mid alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mono2stereo
from mono2stereo.conversion.limiter import SideLimiter
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.dsp.true_peak import TruePeak
from mono2stereo.errors import AudioError

FLAT = mono2stereo.Width(curve="flat")
LOUD = np.random.default_rng(0).standard_normal(30_000)
LOUD = (0.9 * LOUD / np.abs(LOUD).max()).astype(np.float32)


def streamed(stream, mono, size):
    """All of the stereo signal, latency undone."""
    late = stream.latency_samples
    padded = np.concatenate([mono, np.full(late, mono[-1])])
    return np.concatenate([stream.process(padded[at : at + size]) for at in range(0, len(padded), size)])[
        late:
    ]


@pytest.mark.parametrize("ceiling_db", [None, 0.0, -12.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_fold_down_is_the_input_late(ceiling_db, dtype):
    stream = mono2stereo.stream(sample_rate=44100, width=FLAT, ceiling_db=ceiling_db)
    mono = LOUD[:9000].astype(dtype)
    stereo = streamed(stream, mono, 700)
    assert stereo.shape == (9000, 2)
    assert stereo.dtype == dtype
    np.testing.assert_allclose(stereo.mean(axis=1), mono, atol=1e-7)


def test_without_peaks_a_stream_makes_what_convert_makes():
    mono = 0.05 * LOUD[:12_000]
    whole = mono2stereo.convert(mono, sample_rate=48000, width=FLAT)
    live = streamed(mono2stereo.stream(sample_rate=48000, width=FLAT), mono, 480)
    assert np.abs(live - whole).max() < 1e-5 * np.abs(whole).max()


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=10), ceiling_db=st.floats(-20, 0))
def test_where_blocks_are_cut_changes_nothing(sizes, ceiling_db):
    cuts = np.cumsum(sizes)
    mono = LOUD[:8000]
    streams = [
        mono2stereo.stream(sample_rate=44100, decorrelator=Velvet(), width=FLAT, ceiling_db=ceiling_db)
        for _ in range(2)
    ]
    blocks = np.split(mono, cuts[cuts < len(mono)])
    made = np.concatenate([streams[0].process(block) for block in blocks])
    np.testing.assert_allclose(made, streams[1].process(mono), atol=1e-6)


@pytest.mark.parametrize("sample_rate", [8000, 44100, 192000])
@pytest.mark.parametrize("ceiling_db", [0.0, -3.0])
def test_the_limiter_keeps_peaks_below_the_ceiling_by_the_side_alone(sample_rate, ceiling_db):
    ceiling = 10 ** (ceiling_db / 20)
    mono = np.convolve(LOUD, np.hanning(8), "same").astype(np.float32)
    mono *= np.float32(0.95 * ceiling / np.abs(mono).max())
    stream = mono2stereo.stream(
        sample_rate=sample_rate, decorrelator=Lauridsen(), width=FLAT, ceiling_db=ceiling_db
    )
    stereo = streamed(stream, mono, 1000)
    free = streamed(
        mono2stereo.stream(sample_rate=sample_rate, decorrelator=Lauridsen(), width=FLAT, ceiling_db=None),
        mono,
        1000,
    )
    assert np.abs(free).max() > ceiling
    assert np.abs(stereo).max() <= ceiling * 1.0001
    meter = TruePeak(2)
    meter.add(stereo)
    assert meter.peak < ceiling * 10 ** (0.3 / 20)  # what a gain that moves leaves between samples
    np.testing.assert_allclose(stereo.mean(axis=1), mono, atol=1e-7)


def test_the_limiters_gain_is_smooth_comes_in_time_and_goes_again():
    limiter = SideLimiter(44100, 1.0)
    side = np.full(4000, 0.5)
    mid = np.full(4000, 0.1)
    mid[2000] = 0.9
    late = limiter.latency_samples
    gain = limiter.process(np.append(mid, np.zeros(late)), np.append(side, np.zeros(late)))[late:] / 0.5
    assert gain[2000] <= 0.2 + 1e-6
    np.testing.assert_allclose(gain[:1700], 1)
    np.testing.assert_allclose(gain[2300:-300], 1)
    assert np.abs(np.diff(gain)).max() < 0.02


def test_a_mid_beyond_the_ceiling_passes_alone():
    stream = mono2stereo.stream(sample_rate=44100, decorrelator=Lauridsen(), width=FLAT, ceiling_db=-20)
    stereo = streamed(stream, np.full(9000, 0.5), 500)
    np.testing.assert_allclose(stereo[1000:-1000], 0.5)


def test_a_users_network_and_its_latency():
    model = NeuralDecorrelator.load(block_frames=4, threads=1)
    stream = mono2stereo.stream(sample_rate=22050, decorrelator=model, width=FLAT, ceiling_db=None)
    step, length = model.card.frame_step, model.card.frame_length
    assert stream.latency_samples == 4 * step - 1 + length - step
    assert stream.process(np.zeros(0, np.float32)).shape == (0, 2)


@pytest.mark.parametrize(
    "bad", [np.zeros((5, 2)), np.zeros(5, int), np.array([0.0, np.nan]), np.array([np.inf])]
)
def test_refuses_blocks_that_are_none_and_goes_on(bad):
    stream = mono2stereo.stream(sample_rate=44100, decorrelator=Velvet(), width=FLAT)
    with pytest.raises(AudioError):
        stream.process(bad)
    assert np.isfinite(stream.process(LOUD[:100])).all()


def test_refuses_rates_that_are_none():
    with pytest.raises(AudioError, match="sample_rate = 100"):
        mono2stereo.stream(sample_rate=100)


def test_the_import_is_light():
    code = (
        "import sys, mono2stereo; print(sorted({'numpy', 'scipy', 'onnxruntime', 'soxr'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_conversion_does_without_scipy():
    """Its import would take as long as all else before the first sample."""
    code = "import sys, numpy, mono2stereo as m; m.convert(numpy.ones(9000), sample_rate=44100)"
    code += "; m.stream(sample_rate=48000).process(numpy.ones(64)); sys.exit('scipy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

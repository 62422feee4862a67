from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mono2stereo
from mono2stereo.decorrelators.velvet import Velvet
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


def test_a_rate_is_a_whole_number_of_hertz_of_any_type():
    mono = 0.1 * np.random.default_rng(0).standard_normal(3000)
    expected = mono2stereo.convert(mono, sample_rate=44100)
    for rate in (44100.0, np.int32(44100), np.float32(44100)):
        np.testing.assert_array_equal(mono2stereo.convert(mono, sample_rate=rate), expected)
        assert mono2stereo.stream(sample_rate=rate).process(mono).shape == (3000, 2)
        assert Velvet().side(mono, rate).shape == (3000,)
    for rate in (np.inf, np.nan, None, "44100", 44100.5, True, -1, 7999, 10**9, 44100j, [44100]):
        for make in (
            mono2stereo.convert,
            lambda mono, sample_rate: mono2stereo.stream(sample_rate=sample_rate),
        ):
            with pytest.raises(AudioError, match="sample_rate = "):
                make(mono, sample_rate=rate)
        with pytest.raises(AudioError, match="sample_rate = "):
            Velvet().side(mono, rate)


@pytest.mark.parametrize("sample_rate", [47_952, 47_951, 384_000])
def test_memory_is_bounded_by_blocks_at_every_rate(sample_rate):
    """Eight times as long a signal takes no more beside what goes in and comes out."""
    code = (
        "import resource, sys, numpy as np, mono2stereo\n"
        "rate, samples = map(int, sys.argv[1:])\n"
        "mono = np.zeros(samples, np.float32); mono[::100] = 0.1\n"
        "mono2stereo.convert(mono[:99999], sample_rate=rate)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "mono2stereo.convert(mono, sample_rate=rate)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    samples = 1 << 20
    command = [sys.executable, "-c", code, str(sample_rate), str(samples)]
    grown = int(subprocess.run(command, capture_output=True, check=True).stdout) << 10
    assert grown < 40 * samples + (50 << 20), grown >> 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("converts", [False, True])
def test_a_forked_child_converts_and_ends(converts):
    code = (
        "import os, signal, sys, numpy as np, mono2stereo\n"
        "mono = np.ones(9000)\n"
        "mono2stereo.convert(mono, sample_rate=22050)\n"
        "child = os.fork()\n"
        "signal.alarm(300)\n"
        "if child == 0 and len(sys.argv) < 2: sys.exit(0)\n"
        "mono2stereo.convert(mono, sample_rate=22050)\n"
        "sys.exit(child and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *["converts"] * converts], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.zeros(5, int), np.array([0.0, np.nan])])
def test_refuses_what_is_no_mono_signal(bad):
    with pytest.raises(AudioError):
        mono2stereo.convert(bad, sample_rate=44100)

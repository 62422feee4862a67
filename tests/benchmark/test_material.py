"""What is read of recordings, and that it is what they hold."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.benchmark.material import Recording
from mono2stereo.benchmark.protocol import RATE
from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.resampling import resample
from mono2stereo.errors import AudioError
from mono2stereo.evaluation.stretches import stretches_of


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_of_a_long_file_the_stretches_alone_are_held(suffix: str, tmp_path: Path):
    file, seconds, rate = tmp_path / f"long.{suffix}", 240, 48000
    second = 0.1 * np.random.default_rng(0).standard_normal((rate, 2))
    soundfile.write(file, np.tile(second, (seconds, 1)), rate)
    tracemalloc.start()
    try:
        first, last = stretches_of(Recording(file, "long"), count=2, seconds=10.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (first.start_seconds, last.start_seconds) == pytest.approx((55, 175), abs=0.1)
    assert len(last.run_in) == RATE
    assert peak < seconds * rate * 2 * 4 / 2  # bytes: half of the file in single precision


@pytest.mark.parametrize(("rate", "name"), [(44100, "song.wav"), (48000, "song.flac"), (22255, "song.wav")])
def test_slices_are_those_of_the_whole(rate: int, name: str, tmp_path: Path):
    stereo = 0.1 * np.random.default_rng(1).standard_normal((round(7.3 * rate), 2)).astype(np.float32)
    soundfile.write(tmp_path / name, stereo, rate)
    stereo = soundfile.read(tmp_path / name, dtype="float32")[0]
    whole = np.stack(encode(resample(stereo, rate, RATE)), axis=1)
    recording = Recording(tmp_path / name, name)
    assert len(recording) == len(stereo) * RATE // rate
    for part in (slice(0, 100), slice(3 * RATE - 7, 5 * RATE + 7), slice(6 * RATE, len(recording))):
        np.testing.assert_allclose(recording[part], whole[part], atol=2e-6 if rate != RATE else 0)


def test_what_is_no_number_is_refused(tmp_path: Path):
    stereo = np.full((RATE, 2), np.nan, np.float32)
    soundfile.write(tmp_path / "odd.wav", stereo, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="not finite"):
        Recording(tmp_path / "odd.wav", "odd")[0:10]

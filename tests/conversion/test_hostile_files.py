"""Damaged and hostile recordings: no crash, no hang, no memory beyond a bound, one line for each."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from mono2stereo.conversion.batch import attempt
from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.conversion.options import FileOptions
from mono2stereo.conversion.plan import Job
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.errors import AudioError

FUZZ = Path(__file__).with_name("fuzz_files.py")


def fuzz(folder: Path, first: int, last: int) -> None:
    """At most 512 MiB of address space beside what imports took, at most 30 s a file: see fuzz_files.py."""
    done = subprocess.run(
        [sys.executable, str(FUZZ), str(folder), str(first), str(last)],
        capture_output=True,
        text=True,
        errors="replace",
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, f"seed {done.stdout.splitlines()[-1:]}: {done.stderr[-2000:]}"
    outcomes = [line.split()[1] for line in done.stdout.splitlines()]
    assert len(outcomes) == last - first
    assert 0.2 < outcomes.count("converted") / len(outcomes) < 0.8


def test_damaged_files(tmp_path):
    fuzz(tmp_path, 0, 400)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_damaged_files(tmp_path):
    fuzz(tmp_path, 400, 20_000)


def aac(path: Path, layout: str) -> bytes:
    with av.open(str(path), "w", format="adts") as file:
        stream = file.add_stream("aac", rate=48000, layout=layout)
        silence = np.zeros((1, 1024 * 20 * stream.codec_context.layout.nb_channels), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, "flt", layout)
        frame.sample_rate = 48000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    return path.read_bytes()


def test_eight_channels_after_one_do_not_crash(tmp_path):
    source = tmp_path / "a.aac"
    source.write_bytes(aac(source, "mono") + aac(tmp_path / "b.aac", "7.1"))
    done = convert_file(source, tmp_path / "a.wav", decorrelator=Velvet())
    assert any("could not be decoded" in notice for notice in done.notices)
    assert soundfile.info(tmp_path / "a.wav").frames >= 1024 * 18


def riff(channels: int, rate: int, bits: int, size: int, kind: int = 1) -> bytes:
    width = channels * bits // 8
    head = struct.pack("<HHIIHH", kind, channels, rate, rate * width % 2**32, width % 2**16, bits)
    return b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0" + head + b"data" + struct.pack("<I", size) + bytes(4000)


@pytest.mark.parametrize(
    "data",
    [
        riff(65535, 44100, 16, 4000),
        riff(1, 44100, 16, 0xFFFFFFF0),
        riff(1, 0xFFFFFFFF, 16, 4000),
        riff(1, 44100, 65535, 4000),
        riff(0, 44100, 16, 4000),
        b"FORM\x7f\xff\xff\xffAIFFCOMM\0\0\0\x12\xff\xff\xff\xff\xff\xff\0\x10\x40\x0e\xac\x44" + bytes(500),
        # CAF alone can say a million channels; it is no kind that is read.
        b"caff\0\1\0\0desc\0\0\0\0\0\0\0\x20" + bytes(16) + struct.pack(">III", 1, 10**6, 32),
        b"fLaC" + b"\x80\xff\xff\xff" + bytes(100),
        b"OggS" + b"\xff" * 200,
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(200),
    ],
)  # fmt: skip
def test_headers_that_announce_too_much(data, tmp_path):
    path = tmp_path / "hostile.wav"
    path.write_bytes(data)
    outcome = attempt(Job(path, tmp_path / "out.wav", "hostile.wav"), Velvet(), FileOptions())
    if isinstance(outcome, str):
        assert outcome.startswith("hostile.wav: ")
        assert "\n" not in outcome
        assert not (tmp_path / "out.wav").exists()
    else:
        assert soundfile.info(tmp_path / "out.wav").frames <= 2000


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_not_finite_are_named(value, tmp_path):
    sound = np.zeros(100_000)
    sound[99_999] = value
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype="DOUBLE")
    with pytest.raises(AudioError, match=r"not finite or beyond 1e\+12, the first at 12\.500 s"):
        convert_file(tmp_path / "a.wav", tmp_path / "b.wav", decorrelator=Velvet())
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]

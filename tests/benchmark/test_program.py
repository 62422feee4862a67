"""Another program as a method: what it may do wrong is a reason, what it took is its own."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.benchmark.program import Program
from mono2stereo.errors import AudioError, UsageError

RATE = 44100
MID = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)


def program(code: str, limit_seconds: float = 60.0) -> Program:
    """Python that has read the WAV as x."""
    start = "import sys, time, os, numpy as np, soundfile; "
    start += "x, rate = soundfile.read(sys.argv[1], dtype='float32'); "
    end = "; None"
    return Program(
        "mine", f"{sys.executable} -c {shlex.quote(start + code + end)} {{in}} {{out}}", limit_seconds
    )


def write(stereo: str, rate: str = "rate", subtype: str = "FLOAT") -> str:
    return f"soundfile.write(sys.argv[2], {stereo}, {rate}, subtype='{subtype}')"


def test_left_and_right_become_mid_and_side_at_the_level_of_the_input():
    (mid, side), usage = program(write("-0.5 * np.stack([x + x[::-1], x - x[::-1]], axis=1)")).run(MID, RATE)
    np.testing.assert_allclose(mid, MID, atol=1e-7)
    np.testing.assert_allclose(side, MID[::-1], atol=1e-7)
    assert 0 < usage.seconds < 60
    assert usage.peak_bytes > 20e6


def test_memory_is_the_programs_own():
    here = np.ones(1 << 26)  # half a gigabyte of ours
    small = program(write("np.stack([x, x], axis=1)")).run(MID, RATE)[1]
    large = program("y = np.ones(1 << 25); " + write("np.stack([x, x], axis=1)")).run(MID, RATE)[1]
    assert here.nbytes > 2 * small.peak_bytes
    assert large.peak_bytes - small.peak_bytes == pytest.approx(8 << 25, rel=0.05)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (write("x"), "its output has 1 channels, not 2"),
        (write("np.stack([x, x], axis=1)[:-1]"), "its output has 44099 samples, the input 44100"),
        (write("np.stack([x, x], axis=1)", "48000"), "its output is at 48000 Hz, the input at 44100 Hz"),
        (write("np.stack([x, x * np.nan], axis=1)"), "its output holds values that are not finite"),
        (write("np.stack([x, -x], axis=1)"), "the fold-down has nothing of the input"),
        ("sys.exit(3)", "exit status 3"),
        ("sys.exit('no licence')", "exit status 1: no licence"),
        ("os.abort()", "ended by SIGABRT"),
        ("print('done')", "wrote no file: done"),
        ("open(sys.argv[2], 'w').write('text')", "its output: "),
    ],
)
def test_what_it_does_wrong_is_told(code: str, reason: str):
    with pytest.raises(AudioError) as told:
        program(code).run(MID, RATE)
    assert str(told.value).startswith(reason)


def test_a_slow_one_is_ended_with_its_children(tmp_path: Path):
    note = tmp_path / "pid"
    child = "import subprocess; p = subprocess.Popen(['sleep', '60']); "
    child += f"open({str(note)!r}, 'w').write(str(p.pid)); time.sleep(60)"
    started = time.monotonic()
    with pytest.raises(AudioError, match="not done after 8 s"):
        program(child, limit_seconds=8.0).run(MID, RATE)
    assert time.monotonic() - started < 40
    time.sleep(0.2)
    listed = subprocess.run(["ps", "-o", "stat=", "-p", note.read_text()], capture_output=True, text=True)
    assert listed.stdout.strip()[:1] in ("", "Z")  # gone, or waiting to be reaped


def test_a_command_must_name_its_files():
    with pytest.raises(UsageError, match=r"names .in. and .out."):
        Program("x", "cp {in} there.wav", 1.0)
    assert Program("x", "no-such-program {in} {out}", 1.0).missing == "no-such-program: no such program"


def test_the_length_is_told_and_silence_passes():
    code = "n = int(sys.argv[3]); " + write("np.stack([x[:n], x[:n]], axis=1)")
    told = Program("x", program(code).command + " {samples}", 60.0)
    (mid, side), _ = told.run(np.zeros(1000, np.float32), RATE)
    assert len(mid) == 1000
    assert not mid.any()
    assert not side.any()


def test_version_and_digests_are_what_decides():
    told = program("pass")
    assert told.version().startswith("Python 3")
    assert list(told.digests()) == [Path(sys.executable).name]
    assert soundfile.__file__ not in told.command

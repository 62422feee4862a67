"""What the commands print arrives whatever the encoding is, and where descriptors are closed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

PROGRAM = str(Path(sys.executable).with_name("mono2stereo"))
NAME = os.fsdecode("Ő→".encode() + b"\xe9\n")


def run(
    folder: Path, *arguments: str, encoding: str = "", redirection: str = ""
) -> subprocess.CompletedProcess:
    line = f"exec {shlex.join([PROGRAM, *arguments])} {redirection}"
    environment = os.environ | ({"PYTHONIOENCODING": f"{encoding}:strict"} if encoding else {})
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, errors="replace"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    noise = 0.1 * np.random.default_rng(0).standard_normal((44100, 2))
    soundfile.write(os.fsencode(tmp_path / f"{NAME}.wav"), noise, 44100)
    (tmp_path / f"{NAME}.flac").write_bytes(b"fLaC")
    return tmp_path


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_every_encoding_will_do(encoding: str, folder: Path) -> None:
    names = [f"{NAME}.wav", f"{NAME}.flac"]
    done = run(folder, "convert", *names, "--method", "velvet", encoding=encoding)
    assert done.returncode == 1
    (made,) = done.stdout.splitlines()
    assert ": g = " in made
    assert ("->" in made) == (encoding != "utf-8")
    (failed,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert ".flac: " in failed
    measured = run(folder, "measure", *names, encoding=encoding)
    assert measured.returncode == 1
    assert "Traceback" not in measured.stderr
    lines = measured.stdout.splitlines()
    (heading,) = [line for line in lines if line.endswith("  recordings")]
    assert heading.count(".wav") == 1
    assert any(line.startswith("  ") and ".flac: cannot be read" in line for line in lines)
    facts = json.loads(run(folder, "measure", "--json", *names, encoding=encoding).stdout)
    assert [one["file"] for one in facts["files"]] == names
    said = run(folder, "info", names[1], encoding=encoding).stderr
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_cost_the_text_alone(closed: str, folder: Path) -> None:
    done = run(folder, "convert", f"{NAME}.wav", "--method", "velvet", redirection=closed)
    assert done.returncode == 0
    assert soundfile.info(os.fsencode(folder / f"{NAME}-stereo.wav")).frames == 44100
    (folder / "in").mkdir()
    for number in range(2):
        os.link(folder / f"{NAME}.wav", folder / "in" / f"{number}.wav")
    many = run(folder, "convert", "in", "--out-dir", "out", "--method", "velvet", redirection=closed)
    assert many.returncode == 0
    for number in range(2):
        assert soundfile.info(folder / "out" / f"{number}.wav").frames == 44100


def test_results_that_have_nowhere_to_go_are_an_error(folder: Path) -> None:
    for command in (["info"], ["measure", f"{NAME}.wav"], ["convert", f"{NAME}.wav", "-o", "-"]):
        done = run(folder, *command, redirection=">&-")
        assert done.returncode == 2
        assert done.stderr.startswith("error: stdout is closed")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_a_full_stdout_is_named(folder: Path) -> None:
    done = run(folder, "info", redirection=">/dev/full")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: stdout: no space left")

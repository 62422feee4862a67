"""Sound that comes from a pipe or goes into one, and what ends it."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from test_command import COMMAND, QUICK

from mono2stereo.cli import main
from mono2stereo.conversion import method, pipes
from mono2stereo.conversion.options import Converted
from mono2stereo.conversion.writing import GUID


def test_pipes(folder, sound):
    recording = Path("in/deep/good.flac").read_bytes()
    through = subprocess.run([*COMMAND, "-", *QUICK], input=recording, capture_output=True, check=True)
    Path("piped.flac").write_bytes(through.stdout)
    assert through.stderr.decode().splitlines()[-1] == "stdout: g = 1 (+0.00 dB)"
    assert soundfile.info("piped.flac").format == "FLAC"
    stereo, mono = soundfile.read("piped.flac")[0], soundfile.read("in/deep/good.flac")[0]
    np.testing.assert_array_equal(stereo.mean(axis=1), mono)
    named = [*COMMAND, "-", "-o", "named.wav", "--force", *QUICK]
    with Path("in/deep/good.flac").open("rb") as redirected:
        for given in ({"input": recording}, {"stdin": redirected}):
            subprocess.run(named, **given, capture_output=True, check=True)
            assert soundfile.info("named.wav").subtype == "PCM_24"
    out = [*COMMAND, "in/good.wav", "-o", "-", "--format", "flac", *QUICK]
    assert subprocess.run(out, capture_output=True, check=True).stdout[:4] == b"fLaC"
    gone = subprocess.run(
        ["bash", "-c", f"{' '.join(out)} --samples 24 | true; exit ${{PIPESTATUS[0]}}"], capture_output=True
    )
    assert gone.returncode in (0, 1)
    assert b"Traceback" not in gone.stderr
    bad = subprocess.run([*COMMAND, "-", *QUICK], input=b"nonsense", capture_output=True)
    assert (bad.returncode, bad.stdout) == (1, b"")
    assert bad.stderr.decode().startswith("error: stdin: no WAV, FLAC, OGG, MP3 or AIFF file")


@pytest.mark.parametrize(
    ("suffix", "made"), [("wav", "wav"), ("aiff", "wav"), ("ogg", "ogg"), ("mp3", "wav")]
)
def test_with_a_gain_sound_comes_out_before_all_is_in(suffix, made, folder, sound):
    with soundfile.SoundFile(f"long.{suffix}", "w", 44100, 1) as source:
        source.title = "A song"
        source.write(np.tile(sound, 6))
    data = Path(f"long.{suffix}").read_bytes()
    how = ["--gain", "-3", "--format", made, *QUICK]
    most = len(data) * 3 // 4
    with (
        subprocess.Popen(
            [*COMMAND, "-", *how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
        ThreadPoolExecutor(2) as threads,
    ):
        feeding = threads.submit(process.stdin.write, data[:most])
        first = process.stdout.read(4000)
        reading = threads.submit(process.stdout.read)
        process.stdin.write(data[feeding.result() :])
        process.stdin.close()
        said = process.stderr.read()
        process.wait(timeout=60)
    assert process.returncode == 0, said
    assert said.decode().splitlines()[-1] == "stdout: g = 0.707946 (-3.00 dB, as asked)"
    Path(f"piped.{made}").write_bytes(first + reading.result())
    main(["convert", f"long.{suffix}", "-o", f"file.{made}", *how])
    piped, filed = (soundfile.read(f"{name}.{made}", always_2d=True)[0] for name in ("piped", "file"))
    assert piped.shape == filed.shape
    np.testing.assert_array_equal(piped, filed)
    if made == "ogg":  # a WAV's texts may stand behind its sound
        with soundfile.SoundFile("piped.ogg") as heard:
            assert heard.title == "A song"


def test_a_file_goes_at_once_to_stdout_too_and_what_needs_to_seek_through_temporary_files(folder, sound):
    for name, form in (("in/good.wav", "wav"), ("in/deep/good.flac", "flac"), ("in/good.wav", "aiff")):
        command = [*COMMAND, name, "-o", "-", "--format", form, "--gain", "0", *QUICK]
        Path(f"x.{form}").write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
        command = [*COMMAND, "-", "--format", form, "--gain", "0", *QUICK]
        done = subprocess.run(command, input=Path(name).read_bytes(), capture_output=True, check=True)
        Path(f"y.{form}").write_bytes(done.stdout)
        mono = soundfile.read(name)[0]
        for made in (f"x.{form}", f"y.{form}"):
            np.testing.assert_array_equal(soundfile.read(made)[0].mean(axis=1), mono)
    bad = subprocess.run(
        [*COMMAND, "-", "--gain", "0", *QUICK], input=b"RIFF\0\0\0\0WAVEjunk", capture_output=True
    )
    assert (bad.returncode, bad.stdout) == (1, b"")
    (line,) = bad.stderr.decode().splitlines()
    assert line.startswith("error: stdin: cannot be read")


def ffmpegs_wav(sound: np.ndarray, bits: int) -> bytes:
    """What ffmpeg and sox write into a pipe above 16 bits: extensible, the length not known."""
    data = (np.round(sound * 2 ** (bits - 1)).astype("<i4") << (32 - bits)).view(np.uint8).reshape(-1, 4)
    frame = bits // 8
    form = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, 96000, 96000 * frame, frame, bits, 22, bits, 4, 1) + GUID
    head = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", len(form)) + form + b"data\xff\xff\xff\xff"
    return head + data[:, 4 - frame :].tobytes()


@pytest.mark.parametrize("magic", [b"RIFF", b"RF64"])
def test_a_gain_takes_what_ffmpeg_writes_at_24_bits_into_a_pipe(magic, folder, sound):
    data = magic + ffmpegs_wav(sound, 24)[4:]
    done = subprocess.run([*COMMAND, "-", "--gain", "0", *QUICK], input=data, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines() == ["stdout: g = 1 (+0.00 dB, as asked)"]
    Path("y.wav").write_bytes(done.stdout)
    assert soundfile.info("y.wav").subtype == "PCM_24"
    assert soundfile.info("y.wav").format == ("WAVEX" if magic == b"RIFF" else "WAV")
    stereo = soundfile.read("y.wav", dtype="int32")[0].astype(np.int64) >> 8
    np.testing.assert_array_equal(stereo.sum(axis=1), 2 * np.round(sound * 2**23).astype(np.int64))


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes")
@pytest.mark.parametrize("how", [[], ["--gain", "0"]])
@pytest.mark.parametrize("name", ["in/good.wav", "in/deep/good.flac"])
def test_a_fifo_and_a_process_substitution_are_read_once(name, how, folder):
    mono = soundfile.read(name)[0]
    os.mkfifo("fifo")
    command = [*COMMAND, "fifo", "-o", "x.wav", *how, *QUICK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        Path("fifo").write_bytes(Path(name).read_bytes())
        said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert said[0].decode().startswith("fifo → x.wav: g = 1")
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} <(cat {name}) -o - --format wav {' '.join([*how, *QUICK])}"],
        capture_output=True,
        timeout=60,
    )
    Path("y.wav").write_bytes(done.stdout)
    for made in ("x.wav", "y.wav"):
        np.testing.assert_array_equal(soundfile.read(made)[0].mean(axis=1), mono)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_waits_for_stdin(number, folder, sound):
    with subprocess.Popen(
        [*COMMAND, "-", "--gain", "0", *QUICK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        process.stdin.write(Path("in/good.wav").read_bytes()[:140_000])  # more than a block, not all
        process.stdin.flush()
        process.stdout.read(1000)
        process.send_signal(number)
        assert process.wait(timeout=30) == -number
        assert not process.stderr.read()


def test_a_downloaded_model_is_gone_before_signals_end_a_pipe_at_once(folder, monkeypatch):
    held = []

    @contextmanager
    def downloaded(named):
        held.append(named)
        yield None
        held.clear()

    def convert_piped(*_, **__):
        assert held == []
        return Converted(None)

    monkeypatch.setattr(method, "model_file", downloaded)
    monkeypatch.setattr(pipes, "convert_piped", convert_piped)
    main(["convert", "-", "-o", "x.wav", "--gain", "0", "--model", "models:/wide/1"])


def test_a_pipe_cannot_choose_a_channel_and_says_what_it_costs(folder, sound):
    soundfile.write("left.wav", np.stack([sound, 0 * sound], axis=1), 44100)
    data = Path("left.wav").read_bytes()
    for how, said in (
        ([], "its right channel is silent; 6 dB are lost; --from-left keeps them"),
        (["--from-left"], "has two channels; the left one was taken"),
    ):
        command = [*COMMAND, "-", "--gain", "0", *how, *QUICK]
        done = subprocess.run(command, input=data, capture_output=True, check=True)
        assert f"stdin: {said}" in done.stderr.decode().splitlines()

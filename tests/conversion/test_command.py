"""`mono2stereo convert` as people and scripts use it: names, pipes, exit statuses, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.cli import main
from mono2stereo.decorrelators.classical import CLASSICAL

COMMAND = [str(Path(sys.executable).with_name("mono2stereo")), "convert"]
QUICK = ["--method", "velvet"]


def status(*arguments: str) -> int:
    """The exit status of the command, run here."""
    try:
        main(["convert", *arguments])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


def errors(capsys) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]


def test_a_file_gets_its_stereo_version_beside_it_and_the_gain_is_printed(folder, capsys):
    assert status("in/good.wav", *QUICK) == 0
    assert capsys.readouterr().out == "in/good.wav → in/good-stereo.wav: g = 1 (+0.00 dB)\n"
    assert soundfile.info("in/good-stereo.wav").channels == 2


def test_folders_go_in_parallel_and_a_bad_file_is_named_once(folder, capsys):
    assert status("in", "--out-dir", "out", *QUICK) == 1
    streams = capsys.readouterr()
    lines = streams.err.splitlines()
    assert [line for line in lines if "bad.wav" in line] == [
        "error: in/deep/bad.wav: cannot be read (error in wav file. no 'data' chunk marker)"
    ]
    assert lines[-1] == "2 converted, 1 failed"
    assert any(line.startswith("convert: 3/3 in ") for line in lines)
    assert len(streams.out.splitlines()) == 2
    made = sorted(str(path) for path in Path("out").rglob("*") if path.is_file())
    assert made == ["out/deep/good.flac", "out/good.wav"]
    assert soundfile.info("out/deep/good.flac").subtype == "PCM_24"


def test_names_that_are_no_text_are_converted_and_shown(folder, capsys):
    name = os.fsdecode(b"caf\xe9\n.wav")
    os.link("in/good.wav", name)
    assert status(name, *QUICK) == 0
    assert capsys.readouterr().out == "caf��.wav → caf��-stereo.wav: g = 1 (+0.00 dB)\n"
    assert Path(os.fsdecode(b"caf\xe9\n-stereo.wav")).exists()
    assert status(name, *QUICK) == 1
    assert errors(capsys) == ["error: caf��-stereo.wav: exists; --force overwrites it"]


def test_existing_files_need_force_and_a_source_is_never_overwritten(folder, capsys):
    kept = Path("in/good.wav").read_bytes()
    Path("in/good-stereo.wav").write_text("mine")
    assert status("in/good.wav", *QUICK) == 1
    assert Path("in/good-stereo.wav").read_text() == "mine"
    assert errors(capsys) == ["error: in/good-stereo.wav: exists; --force overwrites it"]
    assert status("in/good.wav", "--force", *QUICK) == 0
    Path("link.wav").symlink_to("in/good.wav")
    os.link("in/good.wav", "hard.wav")
    for target in ("in/good.wav", "in/../in/good.wav", "link.wav", "hard.wav"):
        assert status("in/good.wav", "-o", target, "--force", *QUICK) == 1
    assert all("is the input itself" in line for line in errors(capsys))
    assert status("in/good.wav", "-o", "/dev/null", "--force", *QUICK) == 2
    assert Path("in/good.wav").read_bytes() == kept


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["in/good.wav", "--method", "magic"],
        ["in/good.wav", "--method", "velvet", "--model", "x.onnx"],
        ["in/good.wav", "--gain", "3", "--match-loudness"],
        ["in/good.wav", "--gain", "inf"],
        ["in/good.wav", "--width", "nan"],
        ["in/good.wav", "--mono-below", "-1"],
        ["in/good.wav", "in/deep/good.flac", "-o", "x.wav"],
        ["in"],
        ["in/good.wav", "-o", "x.doc"],
        ["-", "in/good.wav"],
        ["in/good.wav", "-o", "x.wav", "--add-track"],
    ],
)
def test_wrong_usage_is_two_and_nothing_is_written(arguments, folder):
    before = sorted(folder.rglob("*"))
    assert status(*arguments) == 2
    assert sorted(folder.rglob("*")) == before


def test_sample_format_format_gain_and_width_do_what_they_say(folder, sound):
    how = ["--samples", "float", "--format", "wav", "--gain", "-6", "--force", *QUICK]
    assert status("in/good.wav", "-o", "a.wav", "--width-curve", "flat", *how) == 0
    stereo, _ = soundfile.read("a.wav")
    mono, _ = soundfile.read("in/good.wav")
    np.testing.assert_allclose(stereo.mean(axis=1), 10 ** (-6 / 20) * mono, atol=1e-7)
    assert status("in/good.wav", "-o", "b.wav", "--width-curve", "flat", "--width", "-10", *how) == 0
    narrow, _ = soundfile.read("b.wav")
    ratio = np.std(np.diff(narrow)) / np.std(np.diff(stereo))
    assert ratio == pytest.approx(10 ** (-10 / 20), rel=0.02)


def test_a_gain_that_does_not_fit_costs_side_and_never_mid(folder, sound, capsys):
    soundfile.write("loud.wav", 3.9 * sound, 44100)
    assert status("loud.wav", "--gain", "0", *QUICK) == 0
    assert "was cut back to fit" in capsys.readouterr().err
    mono, stereo = (
        soundfile.read("loud.wav", dtype="int16")[0],
        soundfile.read("loud-stereo.wav", dtype="int16")[0],
    )
    assert np.array_equal(stereo.sum(axis=1, dtype=int), 2 * mono.astype(int))


@pytest.mark.parametrize("arguments", [["absent.wav"], ["in/good.wav", "--model", "absent.onnx"]])
def test_what_is_not_there_is_one_line(arguments, folder, capsys):
    assert status(*arguments, "--out-dir", "out") == 1
    (line,) = errors(capsys)
    assert "absent" in line
    assert not Path("out").exists() or not list(Path("out").iterdir())


@pytest.mark.parametrize("name", list(CLASSICAL))
def test_every_classical_method_goes_through_the_same_door(name, folder, capsys):
    assert status("in/deep/good.flac", "-o", f"{name}.flac", "--method", name) == 0
    stereo = soundfile.read(f"{name}.flac", dtype="int32")[0].astype(np.int64) >> 8
    mono = soundfile.read("in/deep/good.flac", dtype="int32")[0].astype(np.int64) >> 8
    exact = np.array_equal(stereo.sum(axis=1), 2 * mono)
    assert exact or "changes the mid" in capsys.readouterr().err
    assert np.any(stereo[:, 0] != stereo[:, 1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("files", [1, 3])
def test_a_signal_leaves_nothing_half_written(number, files, folder, sound):
    Path("long").mkdir()
    for index in range(files):
        soundfile.write(f"long/{index}.wav", np.tile(sound, 200), 44100)
    sources = ["long"] if files > 1 else ["long/0.wav"]
    command = [*COMMAND, *sources, "--out-dir", "out", *QUICK]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A job in a shell's background ignores SIGINT, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 240
        while not list(Path().glob("out/.*partial*")) and time.monotonic() < deadline:
            time.sleep(0.005)
            if process.poll() is not None:
                break
        # Ctrl-C reaches the whole group, SIGTERM the process.
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in said
    for made in Path("out").iterdir():
        assert not made.name.startswith(".")
        assert soundfile.info(made).frames == 200 * len(sound)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on file sizes")
def test_a_full_disk_is_one_line_and_leaves_nothing(folder, sound):
    soundfile.write("long.wav", np.tile(sound, 5), 44100)
    for samples in ("float", "16"):  # the output itself, and the side that waits for the gain
        command = f"ulimit -f 800; exec {COMMAND[0]} convert long.wav -o out.wav --method velvet"
        done = subprocess.run(
            ["bash", "-c", f"{command} --samples {samples}"], capture_output=True, text=True
        )
        assert done.returncode == 1
        line = done.stderr.splitlines()[-1]
        assert line.startswith("error: out.wav: ")
        assert "Traceback" not in done.stderr
        assert not list(Path().glob("*out*")) + list(Path().glob(".*"))


def test_a_second_call_does_not_convert_results(folder, capsys):
    assert status("in/good.wav", *QUICK) == 0
    capsys.readouterr()
    assert status("in/good-stereo.wav", "in/good.wav", "--force", *QUICK) == 0
    assert "in/good-stereo.wav: skipped" in capsys.readouterr().err
    assert status("in/good-stereo.wav", *QUICK) == 0
    assert sorted(path.name for path in Path("in").iterdir()) == ["deep", "good-stereo.wav", "good.wav"]
    assert status("in/good-stereo.wav", "-o", "again.wav", *QUICK) == 0
    assert Path("again.wav").exists()


@pytest.mark.parametrize("name", [f"{'ä' * 118}.wav", f"{'x' * 244}.wav", "No. 5"])
def test_every_legal_name_is_converted(name, folder):
    os.link("in/good.wav", name)
    assert status(name, *QUICK) == 0
    made = name.removesuffix(".wav") + "-stereo.wav"
    assert soundfile.info(made).channels == 2


def test_the_time_of_modification_is_kept_where_asked(folder):
    os.utime("in/good.wav", (10**9, 10**9))
    for option in ([], ["--preserve"]):
        assert status("in/good.wav", "--force", *option, *QUICK) == 0
        assert (Path("in/good-stereo.wav").stat().st_mtime == 10**9) == bool(option)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
@pytest.mark.parametrize("how", [[], ["--gain", "0"]])
def test_devices_are_called_by_their_names(how, folder, capsys):
    command = " ".join([*COMMAND, "in/good.wav", "-o", "-", *how, *QUICK])
    done = subprocess.run(["bash", "-c", f"{command} > /dev/full"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: stdout: no space left on device; free some space, then run the same command again"
    ]
    assert status("in/good.wav", "-o", "/dev/stdout", *QUICK) == 2
    assert errors(capsys) == [
        "error: -o /dev/stdout: is no regular file; -o - writes to stdout, which can lead anywhere"
    ]

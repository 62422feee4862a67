from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.data.inspection import inspect_audio
from mono2stereo.errors import AudioError

RATE = 44100


def _noise(seconds: float = 1.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((round(seconds * RATE), 2))


def _inspect(path: Path, stereo: np.ndarray, **kind: str):
    soundfile.write(path, stereo, RATE, **kind)
    return inspect_audio(path, 0.5)


def test_nothing_odd(tmp_path: Path) -> None:
    found = _inspect(tmp_path / "x.wav", _noise())
    assert (found.unfit, found.note, found.clipped_samples) == ("", "", 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_sample_that_is_not_finite(tmp_path: Path, value: float) -> None:
    stereo = _noise()
    stereo[7, 1] = value
    assert _inspect(tmp_path / "x.wav", stereo, subtype="FLOAT").unfit == "1 samples that are not finite"


def test_what_is_odd_about_one_that_is_kept(tmp_path: Path) -> None:
    stereo = np.concatenate([np.zeros((2 * RATE, 2)), _noise(2.0)])
    stereo[-100:-95, 0] = 1.5
    stereo[2 * RATE :] += [0.1, 0.0]
    found = _inspect(tmp_path / "x.wav", stereo, subtype="FLOAT")
    assert found.unfit == ""
    assert found.note == (
        "DC offset of -26 dB; 5 samples at full scale or beyond (peak +4.1 dB); 2.0 s of digital silence"
    )
    assert found.clipped_samples == 5


def test_too_little(tmp_path: Path) -> None:
    assert _inspect(tmp_path / "one.wav", _noise()[:1]).unfit == "too short: 0.00 s, 1 samples"
    assert _inspect(tmp_path / "none.wav", _noise()[:0]).unfit == "empty"
    assert _inspect(tmp_path / "constant.wav", np.full((RATE, 2), [0.3, 0.1])).unfit == "silent"


def _wav_with(tmp_path: Path, place: int, form: str, value: int) -> Path:
    path = tmp_path / "x.wav"
    soundfile.write(path, _noise(2.0), RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[place : place + struct.calcsize(form)] = struct.pack(form, value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("rate", [1, 4000, 2_000_000_000])
def test_a_header_with_an_impossible_rate(tmp_path: Path, rate: int) -> None:
    found = inspect_audio(_wav_with(tmp_path, 24, "<I", rate), 0.5)
    assert found.unfit == f"wrong header: {rate} Hz; from 8000 to 768000 Hz"


def test_a_header_that_names_another_length(tmp_path: Path) -> None:
    assert "more audio than there is" in inspect_audio(_wav_with(tmp_path, 40, "<I", 2**32 - 1), 0.5).note
    less = inspect_audio(_wav_with(tmp_path, 40, "<I", 4 * RATE), 0.5)
    assert less.seconds == 2.0  # what is there counts
    assert less.note == "wrong header: announces less audio than there is"


@pytest.mark.parametrize("suffix", ["wav", "aiff", "mp3"])
def test_a_file_cut_in_half_counts_what_is_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    soundfile.write(path, _noise(4.0), RATE)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    found = inspect_audio(path, 0.5)
    assert found.seconds == pytest.approx(2.0, abs=0.1)
    assert found.note == "wrong header: announces more audio than there is"


@pytest.mark.parametrize("harm", [lambda d: d[: len(d) // 2], lambda d: d[:9000] + bytes(3000) + d[12000:]])
def test_a_broken_flac_is_no_recording(tmp_path: Path, harm) -> None:
    path = tmp_path / "x.flac"
    soundfile.write(path, _noise(), RATE)
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(AudioError, match="breaks off"):
        inspect_audio(path, 0.5)


def test_a_name_that_says_something_else(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.mp3", _noise(), RATE)
    (tmp_path / "x.mp3").rename(tmp_path / "x.wav")
    assert inspect_audio(tmp_path / "x.wav", 0.5).note == "holds MP3, whatever its name says"

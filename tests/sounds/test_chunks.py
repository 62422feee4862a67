"""WAV and AIFF headers are believed as far as the file bears them out."""

from __future__ import annotations

import resource
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from encoding import tone

from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.sounds.chunks import chunks
from mono2stereo.sounds.opening import open_sound

TEXT = b"LIST" + struct.pack("<I", 18) + b"INFOINAM" + struct.pack("<I", 6) + b"Title\0"


def wav(sound: np.ndarray, stated: int | None = None, behind: bytes = b"") -> bytes:
    """Mono of 16 bits at 44.1 kHz; `stated` is what the header says in bytes."""
    data = np.round(32767 * sound).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, 44100, 88200, 2, 16)
    size = len(data) if stated is None else stated
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size) + data + behind
    return b"RIFF" + struct.pack("<I", len(body)) + body


def read(path: Path):
    with open_sound(path) as found:
        return np.concatenate([np.zeros((0, 1)), *found.blocks(4099)])[:, 0], found


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return tone(2)[:, 0]


@pytest.mark.parametrize(
    ("stated", "notices", "missing"),
    [
        (0, ["its header says 0 s, as of an unfinished recording; read to its end"], 0),
        (44100, [], -1.5),
        (44101, [], -1.5),
        (0xFFFFFFF0, [], 48693),
    ],
)
def test_sound_beyond_a_headers_word_is_read(stated, notices, missing, sound, tmp_path):
    (tmp_path / "x.wav").write_bytes(wav(sound, stated))
    samples, found = read(tmp_path / "x.wav")
    np.testing.assert_array_equal(samples, np.round(32767 * sound) / 32768)
    assert found.notices == notices
    assert found.missing_seconds == pytest.approx(missing, abs=3)
    made = convert_file(tmp_path / "x.wav", tmp_path / "y.wav", decorrelator=Velvet())
    assert soundfile.info(tmp_path / "y.wav").frames == len(sound)
    assert (tmp_path / "y.wav").stat().st_size == 44 + 4 * len(sound)  # and nothing of it is a chunk
    assert bool(made.notices)


@pytest.mark.parametrize("magic", [b"RIFF", b"RF64"])
def test_a_stream_that_never_knew_its_length_is_nothing_to_speak_of(magic, sound, tmp_path):
    data = wav(sound, 0xFFFFFFFF)
    (tmp_path / "x.wav").write_bytes(magic + b"\xff" * 4 + data[8:])
    samples, found = read(tmp_path / "x.wav")
    assert len(samples) == len(sound)
    assert (found.notices, found.missing_seconds) == ([], 0)


@pytest.mark.parametrize("behind", [TEXT, b"LIST\xff\xff\xff\x00" + bytes(range(256)) * 100])
def test_chunks_are_no_sound_not_even_cut_ones(behind, sound, tmp_path):
    (tmp_path / "x.wav").write_bytes(wav(sound, behind=behind))
    assert len(read(tmp_path / "x.wav")[0]) == len(sound)
    assert len(read(tmp_path / "x.wav")[0]) == len(sound)


def test_blank_space_behind_the_samples_is_named_and_costs_nothing(sound, tmp_path):
    (tmp_path / "x.wav").write_bytes(wav(sound))
    with (tmp_path / "x.wav").open("r+b") as file:
        file.truncate(64 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made = convert_file(tmp_path / "x.wav", tmp_path / "y.wav", decorrelator=Velvet())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    assert (tmp_path / "y.wav").stat().st_size == 44 + 4 * len(sound)
    assert "bytes at its end are neither sound nor chunks; left out" in made.notices[0]


def test_a_size_that_wrapped_at_four_gigabytes(tmp_path):
    """Samples to the end of a file with holes: its walk is quick, and no chunk is made of them."""
    (tmp_path / "x.wav").write_bytes(wav(np.zeros(0), 1 << 20))
    with (tmp_path / "x.wav").open("r+b") as file:
        file.seek(44 + (1 << 20))
        file.write(b"\1\0" * 5000)
        file.truncate(44 + (1 << 32) + (1 << 20))
    with open_sound(tmp_path / "x.wav") as sound:
        assert sound.likely_frames == (1 << 31) + (1 << 19)
    with (tmp_path / "x.wav").open("rb") as file:
        assert [chunk.name for chunk in chunks(file, (tmp_path / "x.wav").stat().st_size)[0]] == [
            b"fmt ",
            b"data",
        ]


def test_a_missing_filling_byte_loses_no_chunk(tmp_path):
    odd = b"note" + struct.pack("<I", 3) + b"odd" + TEXT
    (tmp_path / "x.wav").write_bytes(wav(tone(0.1)[:, 0], behind=odd))
    convert_file(tmp_path / "x.wav", tmp_path / "y.wav", decorrelator=Velvet())
    with (tmp_path / "y.wav").open("rb") as file:
        found, stray = chunks(file, (tmp_path / "y.wav").stat().st_size)
    assert [(chunk.name, chunk.size) for chunk in found[-2:]] == [(b"note", 3), (b"LIST", 18)]
    assert stray == 0


def test_millions_of_empty_chunks_are_not_believed(tmp_path):
    (tmp_path / "x.wav").write_bytes(wav(tone(0.1)[:, 0], behind=b"abcd\0\0\0\0" * 50_000))
    with (tmp_path / "x.wav").open("rb") as file:
        assert len(chunks(file, (tmp_path / "x.wav").stat().st_size)[0]) == 10_000


def test_rifx_is_read_and_its_chunks_are_named(sound, tmp_path):
    data = np.round(32767 * sound).astype(">i2").tobytes()
    form = struct.pack(">HHIIHH", 1, 1, 44100, 88200, 2, 16)
    body = b"WAVEfmt " + struct.pack(">I", 16) + form + b"data" + struct.pack(">I", len(data)) + data
    body += b"cue " + struct.pack(">I", 4) + bytes(4)
    (tmp_path / "x.wav").write_bytes(b"RIFX" + struct.pack(">I", len(body)) + body)
    samples, _ = read(tmp_path / "x.wav")
    np.testing.assert_array_equal(samples, np.round(32767 * sound) / 32768)
    made = convert_file(tmp_path / "x.wav", tmp_path / "y.wav", decorrelator=Velvet())
    assert "the chunks cue are in another byte order" in made.notices[0]


@pytest.mark.parametrize("stated", [0, 8, None])
def test_an_unfinished_aiff(stated, sound, tmp_path):
    soundfile.write(tmp_path / "x.aiff", sound, 44100)
    data = (tmp_path / "x.aiff").read_bytes()
    place = data.index(b"SSND") + 4
    if stated is not None:
        (tmp_path / "x.aiff").write_bytes(data[:place] + struct.pack(">I", stated) + data[place + 4 :])
    samples, found = read(tmp_path / "x.aiff")
    assert len(samples) == len(sound)
    assert bool(found.notices) == (stated is not None)


@pytest.mark.parametrize(
    "subtype", ["PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
@pytest.mark.parametrize("rate", [8000, 44100, 384_000])
def test_aiff_is_read_as_libsndfile_reads_it(subtype, rate, sound, tmp_path):
    soundfile.write(tmp_path / "x.aiff", sound, rate, subtype=subtype)
    samples, found = read(tmp_path / "x.aiff")
    np.testing.assert_array_equal(samples, soundfile.read(tmp_path / "x.aiff")[0])
    assert (found.sample_rate, found.subtype, found.format) == (rate, subtype, "AIFF")


@pytest.mark.parametrize(
    ("form", "subtype"),
    [
        *(
            ("WAV", each)
            for each in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
        ),
        *(("WAV", each) for each in ("ULAW", "ALAW", "MS_ADPCM", "IMA_ADPCM", "GSM610")),
        *(("WAVEX", each) for each in ("PCM_U8", "PCM_24", "FLOAT")),
        *(("RF64", each) for each in ("PCM_16", "DOUBLE")),
        ("W64", "PCM_24"),
    ],
)
def test_wav_is_read_as_libsndfile_reads_it(form, subtype, sound, tmp_path):
    soundfile.write(tmp_path / "x.wav", sound, 44100, subtype, format=form)
    samples, found = read(tmp_path / "x.wav")
    assert np.abs(samples - soundfile.read(tmp_path / "x.wav")[0]).max() < (
        1e-6 if "MPEG" in subtype else 1e-300
    )
    assert (found.sample_rate, found.subtype, found.format) == (44100, subtype, form)
    assert found.frames == len(samples)

"""Tags, pictures and markers go over where the other format has a place for them."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.flac import Picture
from mutagen.id3 import APIC, TIT2, TPE1, TXXX

from mono2stereo.conversion.chunk_copying import copy_chunks
from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.sounds.chunks import chunks

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
RIFF_CHUNKS = [
    (b"bext", bytes(602) + b"A=PCM,F=44100\r\n"),
    (b"LIST", b"INFOINAM" + struct.pack("<I", 6) + b"Title\0"),
    (b"cue ", struct.pack("<7I", 1, 1, 100, 0x61746164, 0, 0, 100)),
    (b"LIST", b"adtllabl" + struct.pack("<II", 8, 1) + b"hey\0"),
    (b"smpl", bytes(36)),
    (b"iXML", b"<BWFXML/>"),  # of odd length
    (b"user", b"of my own"),
]
AIFF_CHUNKS = [
    (b"NAME", b"Title"),
    (b"MARK", struct.pack(">HHI", 1, 1, 100) + b"\x02hi\0"),
    (b"INST", bytes(20)),
    (b"ANNO", b"odd"),
]


@pytest.fixture
def tagged(tmp_path: Path) -> dict[str, Path]:
    """One file of each kind, each with a title, and what else its kind has."""
    sound = np.random.default_rng(0).normal(size=20000) * 0.05
    files = {}
    for suffix in ("wav", "aiff", "flac", "ogg", "opus", "mp3"):
        path = files[suffix] = tmp_path / f"a.{suffix}"
        how = {"format": "OGG", "subtype": "OPUS"} if suffix == "opus" else {}
        soundfile.write(path, sound, 48000, **how)
    append(files["wav"], "<", RIFF_CHUNKS)
    append(files["aiff"], ">", AIFF_CHUNKS)
    picture = Picture()
    picture.data, picture.mime, picture.type = PNG, "image/png", 3
    for suffix in ("flac", "ogg", "opus"):
        tags = mutagen.File(files[suffix])
        tags["TITLE"], tags["ARTIST"], tags["MY_OWN"] = "Title", ["One", "Two"], "Wörter"
        tags["REPLAYGAIN_TRACK_GAIN"] = "-3 dB"
        if suffix == "flac":
            tags.add_picture(picture)
        else:
            tags["METADATA_BLOCK_PICTURE"] = base64.b64encode(picture.write()).decode()
        tags.save()
    tags = mutagen.File(files["mp3"])
    tags.add_tags()
    for frame in (
        TIT2(encoding=3, text="Title"),
        TPE1(encoding=3, text=["One", "Two"]),
        TXXX(encoding=3, desc="MY_OWN", text="Wörter"),
        TXXX(encoding=3, desc="replaygain_track_gain", text="-3 dB"),
        APIC(encoding=3, mime="image/png", type=3, desc="", data=PNG),
    ):
        tags.tags.add(frame)
    tags.save()
    return files


def append(path: Path, order: str, added: list[tuple[bytes, bytes]]) -> None:
    data = path.read_bytes()
    for name, content in added:
        data += name + struct.pack(order + "I", len(content)) + content + bytes(len(content) % 2)
    path.write_bytes(data[:4] + struct.pack(order + "I", len(data) - 8) + data[8:])


def contents(path: Path) -> list[tuple[bytes, bytes]]:
    data = path.read_bytes()
    with path.open("rb") as file:
        return [
            (chunk.name, data[chunk.start : chunk.start + chunk.size]) for chunk in chunks(file, len(data))[0]
        ]


@pytest.mark.parametrize(("suffix", "wanted"), [("wav", RIFF_CHUNKS), ("aiff", AIFF_CHUNKS)])
def test_chunks_are_copied_byte_for_byte(suffix, wanted, tagged, tmp_path):
    target = tmp_path / f"b.{suffix}"
    assert convert_file(tagged[suffix], target, decorrelator=Velvet()).notices == []
    assert [chunk for chunk in contents(target) if chunk in wanted] == wanted
    assert {name for name, _ in contents(target)} <= {*dict(wanted), b"fmt ", b"data", b"COMM", b"SSND"}
    data = target.read_bytes()
    assert struct.unpack(("<" if suffix == "wav" else ">") + "I", data[4:8])[0] == len(data) - 8
    assert soundfile.info(target).frames == 20000
    assert soundfile.SoundFile(target).title == "Title"


def test_chunks_go_into_rf64_too(tagged, tmp_path):
    target = tmp_path / "b.wav"
    soundfile.write(target, np.zeros((999, 2)), 48000, format="RF64", subtype="PCM_24")
    copy_chunks(tagged["wav"], target)
    data = target.read_bytes()
    assert data[:4] == b"RF64"
    assert struct.unpack("<Q", data[20:28])[0] == len(data) - 8
    assert [chunk for chunk in contents(target) if chunk in RIFF_CHUNKS] == RIFF_CHUNKS
    assert soundfile.info(target).frames == 999


@pytest.mark.parametrize("suffix", ["flac", "ogg", "opus", "mp3"])
def test_within_a_format_everything_but_loudness_is_kept(suffix, tagged, tmp_path):
    target = tmp_path / f"b.{suffix}"
    convert_file(tagged[suffix], target, decorrelator=Velvet())
    old, new = mutagen.File(tagged[suffix]), mutagen.File(target)
    for key, value in old.tags.items():
        if "replaygain" in key.lower():
            assert key not in new.tags
        elif key.lower() != "encoder":
            assert new.tags[key] == value
    if suffix == "flac":
        assert [picture.data for picture in new.pictures] == [PNG]


@pytest.mark.parametrize("source", ["wav", "aiff", "flac", "ogg", "opus", "mp3"])
@pytest.mark.parametrize("target", ["wav", "aiff", "flac", "ogg", "opus", "mp3"])
def test_titles_and_pictures_cross_formats(source, target, tagged, tmp_path):
    made = tmp_path / f"b.{target}"
    notices = convert_file(tagged[source], made, decorrelator=Velvet()).notices
    assert not any("tags" in notice for notice in notices)
    with soundfile.SoundFile(made) as file:
        assert (file.title, file.frames) == ("Title", 20000)
    if source not in ("wav", "aiff"):
        tags = mutagen.File(made)
        assert PNG in pictures(tags)
        if source != "mp3" and target in ("flac", "ogg", "opus"):
            assert (tags["my_own"], tags["artist"]) == (["Wörter"], ["One", "Two"])


def pictures(tags: mutagen.FileType) -> list[bytes]:
    if hasattr(tags.tags, "getall"):
        return [frame.data for frame in tags.tags.getall("APIC")]
    blocks = tags.tags.get("metadata_block_picture", [])
    return [picture.data for picture in getattr(tags, "pictures", [])] + [
        Picture(base64.b64decode(block)).data for block in blocks
    ]


def test_broken_tags_cost_the_tags_and_not_the_conversion(tagged, tmp_path):
    data = tagged["mp3"].read_bytes()
    title = data.index(b"TIT2")
    tagged["mp3"].write_bytes(data[: title + 10] + b"\x07" + data[title + 11 :])  # no such encoding
    append(tagged["wav"], "<", [(b"id3 ", b"ID3\x04\0\0\0\0\0\x14" + bytes(20))])
    for suffix in ("mp3", "wav"):
        done = convert_file(tagged[suffix], tmp_path / f"{suffix}.flac", decorrelator=Velvet())
        assert done.gain is not None
        assert soundfile.info(tmp_path / f"{suffix}.flac").frames == 20000

"""Tags as people have them: encodings, several values, odd dates, old versions, words about the sound."""

from __future__ import annotations

import struct
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from encoding import encode
from mutagen import asf, mp4
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from mutagen.id3 import APIC, COMM, ID3, RVA2, TALB, TDAT, TIT2, TMCL, TPE1, TRCK, TSSE, TXXX, TYER
from test_tags import append, contents

from mono2stereo.conversion import tag_reading
from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.conversion.tag_reading import Tags
from mono2stereo.decorrelators.velvet import Velvet


@pytest.fixture
def sounds(tmp_path: Path) -> dict[str, Path]:
    """One file of each kind, without tags."""
    files = {}
    for suffix in ("wav", "aiff", "flac", "ogg", "mp3"):
        files[suffix] = tmp_path / f"a.{suffix}"
        soundfile.write(files[suffix], 0.05 * np.random.default_rng(0).normal(size=4000), 44100)
    return files


def convert(source: Path, suffix: str) -> Path:
    target = source.with_name(f"b.{suffix}")
    done = convert_file(source, target, decorrelator=Velvet())
    assert not any("tags" in notice for notice in done.notices)
    return target


def info(**texts: bytes) -> tuple[bytes, bytes]:
    chunks = (
        name.encode() + struct.pack("<I", len(text)) + text + bytes(len(text) % 2)
        for name, text in texts.items()
    )
    return b"LIST", b"INFO" + b"".join(chunks)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_info_texts_of_either_encoding_arrive(encoding, sounds):
    title, artist = "Übung – 1", "Dvořák" if encoding == "utf-8" else "Žižka"
    texts = {"INAM": title.encode(encoding) + b"\0", "IART": artist.encode(encoding), "ICRD": b"1957-03"}
    append(sounds["wav"], "<", [info(**texts, ISFT=b"Lavf58")])
    tags = ID3(convert(sounds["wav"], "mp3"))
    assert [str(tags[key]) for key in ("TIT2", "TPE1", "TDRC")] == [title, artist, "1957-03"]
    for suffix in ("flac", "ogg"):
        tags = mutagen.File(convert(sounds["wav"], suffix))
        assert [tags[key] for key in ("title", "artist", "date")] == [[title], [artist], ["1957-03"]]
        assert "software" not in tags
    assert str(mutagen.File(convert(sounds["wav"], "aiff"))["TIT2"]) == title


def test_several_values_odd_dates_and_links_survive_both_ways(sounds):
    tags = ID3()
    for frame in (
        TIT2(encoding=3, text="Title"), TPE1(encoding=3, text=["One", "Two"]), TRCK(encoding=3, text="3/12"),
        COMM(encoding=3, lang="eng", desc="", text="a comment"), TMCL(encoding=3, people=[["cello", "Anna"]]),
        TXXX(encoding=3, desc="MusicBrainz Album Id", text="12-34"),
        TXXX(encoding=3, desc="My Own", text="x"),
        APIC(encoding=0, mime="-->", type=3, desc="", data=b"http://example.org/a.png"),
    ):  # fmt: skip
        tags.add(frame)
    tags["TDRC"] = mutagen.id3.TDRC(encoding=3, text="1957-03")
    tags.save(sounds["mp3"])
    flac = FLAC(convert(sounds["mp3"], "flac"))
    wanted = {
        "title": ["Title"], "artist": ["One", "Two"], "date": ["1957-03"], "tracknumber": ["3"],
        "tracktotal": ["12"], "comment": ["a comment"], "performer": ["Anna (cello)"],
        "musicbrainz_albumid": ["12-34"], "my own": ["x"],
    }  # fmt: skip
    assert {key: flac[key] for key in wanted} == wanted
    assert [(picture.mime, picture.data) for picture in flac.pictures] == [
        ("-->", b"http://example.org/a.png")
    ]
    sounds["mp3"].with_name("b.flac").rename(sounds["flac"])
    back = ID3(convert(sounds["flac"], "mp3"))
    assert {key: back[key] for key in tags if key[:4] not in ("COMM", "TXXX")} == {
        key: frame for key, frame in tags.items() if key[:4] not in ("COMM", "TXXX")
    }
    assert back.getall("COMM")[0].text == ["a comment"]
    assert back["TXXX:MusicBrainz Album Id"].text == ["12-34"]
    assert str(back["TXXX:My Own"]) == "x"


def test_id3_keeps_its_version_and_its_neighbours(sounds):
    tags = ID3()
    frames = (TIT2(encoding=1, text="Title"), TYER(encoding=0, text="1957"), TDAT(encoding=0, text="1203"))
    for frame in frames:
        tags.add(frame)
    tags.save(sounds["mp3"], v1=2, v2_version=3)
    ape = APEv2()
    ape["Year"], ape["MP3GAIN_UNDO"] = "1957", "+002,+002,N"
    ape.save(sounds["mp3"])
    with sounds["mp3"].open("ab") as file:
        old = b"TAG" + b"Cyrillic \xd2\xe5\xf1\xf2".ljust(124) + b"\1"
        file.write(old)
    made = convert(sounds["mp3"], "mp3")
    data = made.read_bytes()
    assert data[:5] == b"ID3\x03\0"
    assert b"TYER" in data[:200]
    assert b"TDRC" not in data
    assert data[-128:] == old
    assert dict(APEv2(made)) == {"Year": "1957"}
    assert str(ID3(made)["TDRC"]) == "1957-03-12"


def test_ape_tags_alone_are_tags(sounds):
    ape = APEv2()
    ape["Title"], ape["Artist"], ape["Year"] = "Title", ["One", "Two"], "1957"
    ape.save(sounds["mp3"])
    assert APEv2(convert(sounds["mp3"], "mp3"))["Artist"] == "One\0Two"
    flac = FLAC(convert(sounds["mp3"], "flac"))
    assert (flac["title"], flac["artist"], flac["date"]) == (["Title"], ["One", "Two"], ["1957"])


STALE_COMMENTS = {
    "REPLAYGAIN_TRACK_GAIN": "-3 dB", "R128_TRACK_GAIN": "0", "ITUNNORM": "00", "MD5": "0", "ENCODER": "x",
    "ENCODERSETTINGS": "x", "WAVEFORMATEXTENSIBLE_CHANNEL_MASK": "0x4",
}  # fmt: skip


@pytest.mark.parametrize("target", ["wav", "flac", "ogg", "mp3", "aiff"])
@pytest.mark.parametrize("source", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_what_is_about_the_sound_stays_behind(source, target, sounds):
    path = sounds[source]
    if source in ("flac", "ogg"):
        tags = mutagen.File(path)
        tags.update(STALE_COMMENTS | {"TITLE": "Title", "TOOLBOX": "kept"})
        tags.save()
    else:
        tags = ID3()
        for frame in (
            TIT2(encoding=3, text="Title"), TALB(encoding=3, text="kept"), TSSE(encoding=3, text="LAME"),
            RVA2(desc="track", channel=1, gain=-3, peak=0.5), COMM(encoding=0, desc="iTunNORM", text="00"),
            *(TXXX(encoding=3, desc=key, text=text) for key, text in STALE_COMMENTS.items()),
        ):  # fmt: skip
            tags.add(frame)
        if source == "mp3":
            tags.save(path)
        else:
            tags.save(path.with_name("tag"))
            name, order = (b"id3 ", "<") if source == "wav" else (b"ID3 ", ">")
            append(path, order, [(name, path.with_name("tag").read_bytes())])
    made = convert(path, target)
    assert b"kept" in made.read_bytes()
    found = [key.lower() for key in dict(mutagen.File(made))]
    for key in (*STALE_COMMENTS, "TSSE", "RVA2"):
        assert not any(key.lower() in one for one in found if one != "encoder"), key


def test_loudness_of_broadcast_files_is_no_longer_said(sounds):
    bext = bytes(346) + struct.pack("<H", 2) + bytes(64) + struct.pack("<5h", -2300, 500, -100, -1800, -2000)
    bext += bytes(180) + b"A=PCM,F=44100\r\n"
    ixml = b"<BWFXML><SCENE>1</SCENE><LOUDNESS><LOUDNESS_VALUE>-23</LOUDNESS_VALUE></LOUDNESS></BWFXML>"
    added = [(b"bext", bext), (b"iXML", ixml), (b"MD5 ", bytes(16)), info(INAM=b"Title", ISFT=b"Editor 1")]
    append(sounds["wav"], "<", added)
    kept = dict(contents(convert(sounds["wav"], "wav")))
    assert kept[b"bext"] == bext[:412] + struct.pack("<5h", *[0x7FFF] * 5) + bext[422:]
    assert kept[b"iXML"] == b"<BWFXML><SCENE>1</SCENE></BWFXML>"
    assert kept[b"LIST"] == info(INAM=b"Title")[1]
    assert b"MD5 " not in kept


def test_what_mp4_and_wma_call_things():
    mp4_tags, asf_tags = mp4.MP4Tags(), asf.ASFTags()
    for key, value in {
        "\xa9nam": ["Title"], "\xa9ART": ["One", "Two"], "\xa9day": ["1957-03"], "trkn": [(3, 12)],
        "\xa9wrt": ["Anna"], "\xa9too": ["iTunes"],
        "----:com.apple.iTunes:iTunNORM": [mp4.MP4FreeForm(b"00")],
        "----:com.apple.iTunes:MusicBrainz Album Id": [mp4.MP4FreeForm(b"12")],
        "----:com.apple.iTunes:LABEL": [mp4.MP4FreeForm("Wörter".encode())],
        "covr": [mp4.MP4Cover(b"png", mp4.MP4Cover.FORMAT_PNG)],
    }.items():  # fmt: skip
        mp4_tags[key] = value
    wide = [text.encode("utf-16-le") for text in ("image/png\0", "cover\0")]
    for key, value in {
        "Title": "Title", "Author": ["One", "Two"], "WM/Year": "1957-03", "WM/EncodingSettings": "x",
        "WM/TrackNumber": "3/12", "WM/Composer": "Anna", "MusicBrainz/Album Id": "12", "LABEL": "Wörter",
        "WM/Picture": asf.ASFByteArrayAttribute(struct.pack("<BI", 3, 3) + b"".join(wide) + b"png"),
    }.items():  # fmt: skip
        asf_tags[key] = value
    wanted = {
        "title": ["Title"], "artist": ["One", "Two"], "date": ["1957-03"], "tracknumber": ["3"],
        "tracktotal": ["12"], "composer": ["Anna"], "musicbrainz_albumid": ["12"], "label": ["Wörter"],
    }  # fmt: skip
    for reader, tags in ((tag_reading._of_mp4, mp4_tags), (tag_reading._of_asf, asf_tags)):
        found = Tags()
        reader(tags, found)
        assert {name.lower(): texts for name, texts in found.texts.items()} == wanted
        assert [(picture.mime, picture.data) for picture in found.pictures] == [("image/png", b"png")]


REAL = {
    "title": "Lied für Žižka", "artist": "One", "album": "Album", "date": "1957-03", "track": "3/12",
    "comment": "a comment", "composer": "Anna", "copyright": "me",
}  # fmt: skip


@pytest.mark.parametrize("target", ["flac", "mp3"])
@pytest.mark.parametrize(("suffix", "codec"), [("m4a", "aac"), ("wma", "wmav2"), ("mka", "flac")])
def test_tags_of_real_files_of_ffmpeg_arrive_once(suffix, codec, target, tmp_path):
    sound = 0.05 * np.random.default_rng(0).normal(size=(4000, 1))
    source = encode(tmp_path / f"a.{suffix}", sound, codec=codec, metadata=REAL, bit_rate=96_000)
    tags = mutagen.File(convert(source, target), easy=True).tags
    if target == "flac":
        number, total = tags["tracknumber"], tags["tracktotal"]
        assert (number, total) == (["3"], ["12"])
    found = {name: tags[name] for name in ("title", "artist", "album", "date", "composer", "copyright")}
    assert found == {name: [REAL[name]] for name in found}


def test_what_is_an_mp3_in_name_alone_has_no_tags_to_lose(tmp_path):
    encode(tmp_path / "a.aac", np.zeros((4000, 1)), codec="aac").rename(tmp_path / "a.mp3")
    convert(tmp_path / "a.mp3", "mp3")


def test_a_disk_that_fills_up_while_tags_are_written_is_no_fault_of_the_tags(sounds, monkeypatch):
    tags = ID3()
    tags.add(TIT2(encoding=3, text="Title"))
    tags.save(sounds["mp3"])

    def full(*_, **__):
        raise mutagen.MutagenError(OSError(28, "No space left on device"))

    monkeypatch.setattr(ID3, "save", full)
    with pytest.raises(OSError, match="No space left"):
        convert(sounds["mp3"], "mp3")
    assert not sounds["mp3"].with_name("b.mp3").exists()

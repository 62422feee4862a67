"""Texts and pictures of any file, under the names that Vorbis comments give them."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from mono2stereo.conversion.stale import LARGEST_BYTES, info_texts, is_stale
from mono2stereo.conversion.tag_names import APE_TEXTS, ASF_TEXTS, CHUNK_TEXTS, COUNTED, ID3_TEXTS, MP4_TEXTS
from mono2stereo.sounds.chunks import byte_order, chunks

CHUNKED = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM")


@dataclass
class Tags:
    """What a file says about its content.

    Attributes:
        texts: By name; several of each.
        pictures: `mutagen.flac.Picture`.
        lost: What could not be read, and why.
    """

    texts: dict[str, list[str]] = field(default_factory=dict)
    pictures: list[Any] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.texts or self.pictures)

    def add(self, name: str, values: Iterable[Any]) -> None:
        """More texts of a name, unless they are about the sound."""
        texts = [text for text in (str(value).strip("\0") for value in values) if text.strip()]
        if is_stale(name) or not texts:
            return
        total = COUNTED.get(name)
        if total and (counted := re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", texts[0])):
            texts = [counted[1]]
            self.add(total, [counted[2]])
        if texts != ["0"] or not total:
            known = self.texts.setdefault(name, [])
            known += [text for text in dict.fromkeys(texts) if text not in known]  # WMA says some twice

    def fill(self, other: Tags) -> None:
        """Take from another place what is not here yet."""
        known = {name.lower() for name in self.texts}
        self.texts |= {name: texts for name, texts in other.texts.items() if name.lower() not in known}
        self.pictures = self.pictures or other.pictures
        self.lost += other.lost


def read_tags(path: Path, texts: Mapping[str, str]) -> Tags:
    """Everything that says something about the content of a file, whatever its format.

    Args:
        path: Of the file.
        texts: What the reader of its sound knows of it, for formats that no tag library reads.

    Raises:
        OSError: It cannot be read.
    """
    tags = Tags()
    with path.open("rb") as file:
        magic = file.read(4)
    others = (_of_library, _of_leading_id3, _of_trailing_ape)  # believe in any number of chunks
    for reader in (_of_chunks,) if magic in CHUNKED else others:
        part = Tags()
        try:
            reader(path, part)
        except Exception as error:  # of a stranger's tags anything may be wrong
            part.lost.append(why_lost(error))
        tags.fill(part)
    return tags or of_sound(texts, tags.lost)


def of_sound(texts: Mapping[str, str], lost: Sequence[str] = ()) -> Tags:
    """What the reader of a sound knows, by libsndfile's or FFmpeg's names."""
    tags = Tags(lost=list(lost))
    for name, text in texts.items():
        lowered = name.lower().replace("album_artist", "albumartist")
        tags.add(APE_TEXTS.get(lowered, lowered), [text])
    return tags


def why_lost(error: Exception) -> str:
    """What was wrong with a tag, in one line.

    Raises:
        OSError: Nothing was; it could not be read or written. mutagen packs such errors into its own.
    """
    for cause in (error, *error.args[:1]):
        if isinstance(cause, OSError):
            raise cause
    return (str(error).splitlines() or [type(error).__name__])[0]


def _of_chunks(path: Path, tags: Tags) -> None:
    with path.open("rb") as file:
        order = byte_order(file.read(4))
        for chunk in chunks(file, path.stat().st_size)[0]:
            if chunk.size > LARGEST_BYTES or chunk.name not in (b"LIST", b"id3 ", b"ID3 ", *CHUNK_TEXTS):
                continue
            file.seek(chunk.start)
            content = file.read(chunk.size)
            if chunk.name.lower() == b"id3 ":
                id3 = Tags()
                _of_id3(_id3(BytesIO(content)), id3)
                id3.fill(tags)
                tags.texts, tags.pictures = id3.texts, id3.pictures
            elif chunk.name != b"LIST":
                tags.add(CHUNK_TEXTS[chunk.name], [_decoded(content, "mac_roman")])
            elif content.startswith(b"INFO"):
                for name, text in info_texts(content, order):
                    if name in CHUNK_TEXTS:
                        tags.add(CHUNK_TEXTS[name], [_decoded(text, "cp1252")])


def _decoded(text: bytes, otherwise: str) -> str:
    """UTF-8 where it is; else the encoding of the systems that wrote such texts."""
    text = text.split(b"\0")[0]
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode(otherwise, "replace")


def _of_library(path: Path, into: Tags) -> None:
    import mutagen
    from mutagen import apev2, asf, mp3, mp4

    try:
        file = mutagen.File(path)
    except mp3.HeaderNotFoundError:  # in name alone
        return
    if file is None:
        return
    tags = file.tags
    into.pictures += getattr(file, "pictures", [])
    if isinstance(tags, mp4.MP4Tags):
        _of_mp4(tags, into)
    elif isinstance(tags, apev2.APEv2):
        _of_ape(tags, into)
    elif isinstance(tags, asf.ASFTags):
        _of_asf(tags, into)
    elif hasattr(tags, "getall"):
        _of_id3(tags, into)
    elif hasattr(tags, "vendor"):
        _of_vorbis(tags, into)


def _of_leading_id3(path: Path, into: Tags) -> None:
    with path.open("rb") as file:
        if file.read(3) == b"ID3":
            _of_id3(_id3(path), into)


def _of_trailing_ape(path: Path, into: Tags) -> None:
    from mutagen import apev2

    with path.open("rb") as file:
        file.seek(-min(file.seek(0, 2), 32 + 128 + 16), 2)
        if b"APETAGEX" in file.read():
            _of_ape(apev2.APEv2(path), into)


def _id3(file: Any) -> Any:
    from mutagen.id3 import ID3

    return ID3(file)


def _of_id3(tags: Any, into: Tags) -> None:
    from mutagen.easyid3 import EasyID3

    for name, get in EasyID3.Get.items():
        if "*" not in name and name not in ("length", "performer"):
            with suppress(KeyError):
                into.add(name, get(tags, name))
    known = set(map(_bare, EasyID3.Get))
    for key, frame in tags.items():
        kind = key[:4]
        if is_stale(key):
            continue
        if kind in ID3_TEXTS:
            into.add(ID3_TEXTS[kind], frame.text)
        elif kind == "TXXX" and _bare(frame.desc) not in known:
            into.add(frame.desc, frame.text)
        elif kind in ("COMM", "USLT"):
            name, text = ("comment", frame.text) if kind == "COMM" else ("lyrics", [frame.text])
            into.add(f"{name}:{frame.desc}" if frame.desc else name, text)
        elif kind in ("TMCL", "TIPL"):
            into.add("performer", (f"{person} ({role})" if role else person for role, person in frame.people))
        elif kind == "APIC":
            into.pictures.append(picture(frame.data, frame.mime, frame.type, frame.desc))


def _bare(name: str) -> str:
    """The same for "MusicBrainz Album Id" and musicbrainz_albumid."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _of_vorbis(tags: Any, into: Tags) -> None:
    from mutagen.flac import Picture, error

    for name, text in tags:
        if name.lower() != "metadata_block_picture":
            into.add(name if name != name.upper() else name.lower(), [text])
            continue
        try:
            into.pictures.append(Picture(base64.b64decode(text)))
        except (ValueError, error):
            into.lost.append("a picture that is none")


def _of_mp4(tags: Any, into: Tags) -> None:
    from mutagen.easymp4 import EasyMP4Tags
    from mutagen.mp4 import MP4Cover

    for name, get in EasyMP4Tags.Get.items():
        with suppress(KeyError):
            into.add(name, get(tags, name))
    known = set(map(_bare, into.texts))
    for key, value in tags.items():
        name = key.rpartition(":")[2]
        if key in MP4_TEXTS:
            into.add(MP4_TEXTS[key], [int(value)] if isinstance(value, bool) else value)
        elif key.startswith("----:") and _bare(name) not in known:
            into.add(name, (_decoded(bytes(text), "latin-1") for text in value))
        elif key == "covr":
            kinds = {MP4Cover.FORMAT_PNG: "image/png"}
            into.pictures += [
                picture(bytes(cover), kinds.get(cover.imageformat, "image/jpeg"), 3, "") for cover in value
            ]


def _of_ape(tags: Any, into: Tags) -> None:
    from mutagen.apev2 import BINARY, TEXT

    for key, value in tags.items():
        name = key.lower()
        if value.kind == TEXT:
            into.add(APE_TEXTS.get(name, name), list(value))
        elif value.kind == BINARY and name.startswith("cover art"):
            data = bytes(value.value).partition(b"\0")[2]
            mime = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
            into.pictures.append(
                picture(data, mime, 3 if "front" in name else 4 if "back" in name else 0, "")
            )


def _of_asf(tags: Any, into: Tags) -> None:
    for key, value in tags:
        if key == "WM/Picture":
            into.pictures.append(_asf_picture(bytes(value.value)))
        else:
            into.add(ASF_TEXTS.get(key, key.removeprefix("WM/")), [value])


def _asf_picture(data: bytes) -> Any:
    kind, size = struct.unpack_from("<BI", data)
    texts = re.match(rb"((?:(?!\0\0)..)*)\0\0((?:(?!\0\0)..)*)\0\0", data[5:-size], re.DOTALL)
    if not texts:
        raise ValueError("a picture that is none")
    mime, description = (text.decode("utf-16-le", "replace") for text in texts.groups())
    return picture(data[-size:], mime, kind, description)


def picture(data: bytes, mime: str, kind: int, description: str) -> Any:
    """A `mutagen.flac.Picture`; `mime` is "-->" where the data is a link."""
    from mutagen.flac import Picture

    described = Picture()
    described.data, described.mime, described.type, described.desc = data, mime, kind, description
    return described


def header_texts(tags: Tags) -> Iterator[tuple[str, str]]:
    """Those that libsndfile writes into WAV and AIFF headers, by its names."""
    for name in (
        "title",
        "artist",
        "album",
        "date",
        "tracknumber",
        "genre",
        "comment",
        "copyright",
        "license",
    ):
        for spelling, texts in tags.texts.items():
            if spelling.lower() == name:
                yield name, "; ".join(texts)

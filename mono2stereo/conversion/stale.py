"""What files say about their own sound, which is no longer true of another sound.

Loudness (ReplayGain, R 128, iTunes, BWF), encoders and their settings, checksums, sizes and tables of places.
"""

from __future__ import annotations

import re
import struct
from io import BytesIO

STALE = re.compile(
    r"replaygain_|r128_|rg_|rva[2d]|rgad|mp3gain_|itunnorm|itunsmpb|encoder|encodingsettings|tool(name|version)?$"
    r"|\xa9too$|tsse|tsiz|mllt|aspi|seek$|(audio_?)?md5|waveformatextensible_channel_mask"
    r"|bps(-|$)|number_of_(frames|bytes)|_statistics_",  # Matroska's
    re.IGNORECASE,
)
OF_IXML = re.compile(rb"<((?:BWF_)?(?:LOUDNESS|MAX_)\w*)>.*?</\1>\s*", re.DOTALL)
BEXT_VERSION, BEXT_LOUDNESS, NO_LOUDNESS = 346, slice(412, 422), struct.pack("<5h", *[0x7FFF] * 5)
LARGEST_BYTES = 1 << 24  # of a chunk that is looked into


def is_stale(key: str) -> bool:
    """Whether a comment, frame or atom of this name is about the sound.

    >>> [is_stale(key) for key in ("REPLAYGAIN_TRACK_GAIN", "TXXX:mp3gain_undo", "COMM:iTunNORM:eng", "TIT2")]
    [True, True, True, False]
    """
    return any(STALE.match(part) for part in re.split("[:/]", key))


def without_stale(name: bytes, content: bytes) -> bytes:
    """A chunk's content as it is true of another sound; of a chunk that cannot be read, itself."""
    if name == b"bext" and len(content) >= BEXT_LOUDNESS.stop:
        if struct.unpack_from("<H", content, BEXT_VERSION)[0] >= 2:
            return content[: BEXT_LOUDNESS.start] + NO_LOUDNESS + content[BEXT_LOUDNESS.stop :]
    elif name == b"iXML":
        return OF_IXML.sub(b"", content)
    elif name == b"LIST" and content.startswith(b"INFO"):
        return b"INFO" + b"".join(
            text_name + struct.pack("<I", len(text)) + text + bytes(len(text) % 2)
            for text_name, text in info_texts(content)
            if text_name != b"ISFT"
        )
    elif name.lower() == b"id3 ":
        return _id3(content)
    return content


def info_texts(content: bytes, order: str = "<") -> list[tuple[bytes, bytes]]:
    """Names and texts of an INFO list, of RIFF or (`>`) RIFX."""
    position, texts = 4, []
    while position + 8 <= len(content):
        name, size = struct.unpack_from(order + "4sI", content, position)
        texts.append((name, content[position + 8 : position + 8 + size]))
        position += 8 + size + size % 2
    return texts


def _id3(content: bytes) -> bytes:
    from mutagen import MutagenError
    from mutagen.id3 import ID3

    try:
        tags = ID3(BytesIO(content), translate=False)
    except (MutagenError, ValueError):
        return content
    stale = [key for key in tags if is_stale(key)]
    if not stale:
        return content
    for key in stale:
        del tags[key]
    return id3_bytes(tags)


def id3_bytes(tags: object, version: int = 0) -> bytes:
    """A whole ID3 tag, of the version that it was read in."""
    file = BytesIO()
    version = version or (3 if tags.version[1] < 4 else 4)  # type: ignore[attr-defined]
    tags.save(file, v1=0, v2_version=version, v23_sep=None, padding=lambda info: 0)  # type: ignore[attr-defined]
    return file.getvalue()

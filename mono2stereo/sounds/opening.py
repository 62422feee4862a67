"""The one way to read a recording: what its bytes are decides who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

from mono2stereo.errors import AudioError
from mono2stereo.sounds.compressed import CompressedSound
from mono2stereo.sounds.pcm import PcmSound, layout, reason
from mono2stereo.sounds.sound import Sound
from mono2stereo.sounds.source import COPIED_BYTES, Source

ID3_BYTES = 10
# Where libsndfile is exact and FFmpeg is not: Vorbis whose sound is on one page, behind two of headers, and
# Opus at the lower rates that it was made of.
SHORT_OGG_PAGES = 3
LOW_RATES = (8000, 12000, 16000, 24000)
OGG_HEAD_BYTES = SHORT_OGG_PAGES << 16
FIRST_PAGE = b"OggS\0\2"


def open_sound(opened: Path | Source, name: str = "", *, track: int | None = None) -> Sound:
    """Open a recording, once.

    Args:
        opened: A file, or the bytes of a pipe, which the caller closes.
        name: For messages.
        track: Of several sound tracks, from 1 up; None for the first.

    Raises:
        AudioError: It cannot be read.
    """
    name = name or str(opened)
    source = opened if isinstance(opened, Source) else open_source(opened, name)
    try:
        with _one_line(name):
            sound = _reader(source, name, track)
        sound.owns_source = source is not opened
    except BaseException:
        if source is not opened:
            source.close()
        raise
    return sound


def open_source(opened: Path | int, name: str) -> Source:
    """The bytes of a file, or of a pipe by its descriptor.

    Raises:
        AudioError: It cannot be opened.
    """
    with _one_line(name):
        return Source(opened)


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    try:
        yield
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{name}: cannot be read ({reason(error)})") from None
    except OSError as error:
        raise AudioError(f"{name}: cannot be read ({(error.strerror or str(error)).lower()})") from None


def kind_and_start(source: Source) -> tuple[str, int]:
    """WAV, AIFF, FLAC, OGG, W64, or nothing for what FFmpeg has to tell; and where it begins behind ID3."""
    start = 0
    while (head := source.at(start, 12))[:3] == b"ID3" and len(head) > ID3_BYTES:
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        start += ID3_BYTES + size + (ID3_BYTES if head[5] & 0x10 else 0)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "WAV", start
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF", start
    return {b"fLaC": "FLAC", b"OggS": "OGG", b"riff": "W64"}.get(head[:4], ""), start


def flows(source: Source) -> bool:
    """Whether it can be read as it comes, without going back."""
    kind, _ = kind_and_start(source)
    if kind in ("WAV", "AIFF"):
        return layout(source) is not None
    return kind == "OGG" or (not kind and source.at(4, 4) != b"ftyp")


def _reader(source: Source, name: str, track: int | None) -> Sound:
    if not source.at(0, 1):
        raise AudioError(f"{name}: is empty")
    kind, start = kind_and_start(source)
    if kind in ("WAV", "AIFF", "FLAC", "W64") or (kind == "OGG" and _is_for_libsndfile(source, start)):
        try:
            return PcmSound(source, start, kind, name)
        except soundfile.LibsndfileError as error:
            refused = error
            if source.size is None:
                raise
        try:
            return CompressedSound(source, start, name, track)
        except AudioError:
            raise refused from None
    return CompressedSound(source, start, name, track)


def _is_for_libsndfile(source: Source, start: int) -> bool:
    """Of an OGG file; of several one after the other libsndfile would read the first."""
    head, count = source.at(start, 512), 512
    if head[28:36] == b"OpusHead":
        low = int.from_bytes(head[40:44], "little") in LOW_RATES
        return low and (source.size is None or _occurs_once(source, FIRST_PAGE))
    while len(head) == count < OGG_HEAD_BYTES and head.count(b"OggS\0") <= SHORT_OGG_PAGES:
        count *= 2
        head = source.at(start, count)
    return len(head) < count and b"\1vorbis" in head[:64] and head.count(b"OggS\0") <= SHORT_OGG_PAGES


def _occurs_once(source: Source, mark: bytes) -> bool:
    source.seek(0)
    marks, tail = 0, b""
    while block := source.read(COPIED_BYTES):
        marks += (tail + block).count(mark)
        tail = block[1 - len(mark) :]
    return marks == 1

"""The chunks of WAV and AIFF files, believed as far as they are plausible."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Protocol

from mono2stereo.sounds.source import COPIED_BYTES, ENDLESS

SOUND = (b"data", b"SSND")
PLAUSIBLE = re.compile(rb"[\w (\xa9][\w .()-]{3}", re.ASCII)
KNOWN = re.compile(rb"LIST|INFO|[iI][dD]3 |bext|iXML|cue |smpl|MARK|NAME|AUTH|ANNO|COMT|APPL|_PMX")
MOST_CHUNKS = 10_000
UNKNOWN_SIZE = 0xFFFFFFFF
STREAMED = (range(0x7F000000, 0x80000001), range(0xFFFF0000, UNKNOWN_SIZE + 1))
STRAY_BYTES = 4096  # fewer behind the samples are none


class Readable(Protocol):
    """What chunks are read from."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def read(self, size: int = -1, /) -> bytes | None: ...


@dataclass(frozen=True)
class Chunk:
    """One chunk of a file.

    Attributes:
        name: Four bytes.
        start: Where its content begins, in bytes.
        size: Of its content; of samples as far as they go, whatever the header says.
        stated: What the header says.
    """

    name: bytes
    start: int
    size: int
    stated: int


def byte_order(magic: bytes) -> str:
    """Of a file that begins so, in `struct`'s words."""
    return ">" if magic[:4] in (b"FORM", b"RIFX") else "<"


def is_streamed(size: int) -> bool:
    """Whether it is one of those that are written where the length is not known yet."""
    return any(size in sizes for sizes in STREAMED)


def chunks(file: Readable, end: int) -> tuple[list[Chunk], int]:
    """The chunks of a RIFF, RIFX, RF64 or FORM file in order, and how many bytes behind them are none.

    What has no chunk's name ends them, and so do the samples of a pipe. Samples go on to the end of the file
    where their size was never written, or is too small and what follows is neither a chunk nor blank:
    recorders that lost their power, sizes that wrapped at 4 GiB.

    Args:
        file: Holds the bytes.
        end: How many there are; `ENDLESS` of a pipe.
    """
    file.seek(0)
    order = byte_order(file.read(4) or b"")
    chunks: list[Chunk] = []
    position, long_size = 12, None
    while len(chunks) < MOST_CHUNKS:
        named = _chunk_at(file, position, end, order)
        if not named and chunks and chunks[-1].size % 2:  # its filling byte is missing
            named = _chunk_at(file, position - 1, end, order)
        if not named:
            break
        name, start, stated = named
        if name == b"ds64":
            long_size = struct.unpack("<8xQ", file.read(16) or b"")[0]
        if name == b"data" and stated == UNKNOWN_SIZE and long_size is not None:
            stated = long_size
        size = _sound_bytes(file, start, stated, end, order) if name in SOUND else stated
        if start + size > end:
            break
        chunks.append(Chunk(name, start, size, stated))
        position = start + size + size % 2
        if name in SOUND and end == ENDLESS:
            return chunks, 0
    return chunks, max(end - position, 0)


def _chunk_at(file: Readable, position: int, end: int, order: str) -> tuple[bytes, int, int] | None:
    """Name, start of content and stated size of what may be a chunk; None of what cannot be one."""
    file.seek(position)
    head = (file.read(8) or b"") if position + 8 <= end else b""
    if len(head) < 8:
        return None
    name, size = struct.unpack(order + "4sI", head)
    fits = position + 8 + size <= end or name in SOUND or KNOWN.match(name)
    if not fits or not PLAUSIBLE.match(name) or (name == b"ds64" and size < 16):
        return None
    return name, position + 8, size


def _sound_bytes(file: Readable, start: int, stated: int, end: int, order: str) -> int:
    """How far samples go."""
    if end == ENDLESS:
        return end - start if not stated or is_streamed(stated) else stated
    rest, behind = end - start, start + stated
    if behind > end:
        return rest
    if any(_chunk_at(file, place, end, order) for place in (behind + stated % 2, behind)):
        return stated
    if (stated and end - behind < STRAY_BYTES) or _is_blank(file, behind, end):
        return stated
    return rest


def _is_blank(file: Readable, start: int, end: int) -> bool:
    file.seek(start)
    while start < end and (block := file.read(min(COPIED_BYTES, end - start))):
        if block.strip(b"\0"):
            return False
        start += len(block)
    return True

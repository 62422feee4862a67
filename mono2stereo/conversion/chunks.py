"""What a WAV or AIFF file holds beside its samples, copied byte for byte into another file of the kind."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mono2stereo.conversion.stale import LARGEST_BYTES, without_stale

# They describe the samples or are filling; the target has its own, or they would be wrong of two channels.
OF_THE_SAMPLES = frozenset(
    b"fmt |data|fact|ds64|PEAK|JUNK|junk|PAD |FLLR|levl|MD5 |chna|axml|wavl|slnt".split(b"|")
    + b"COMM|SSND|FVER|CHAN".split(b"|")
)
UNKNOWN_SIZE = 0xFFFFFFFF


@dataclass(frozen=True)
class Chunk:
    """One chunk of a file.

    Attributes:
        name: Four bytes.
        start: Where its content begins, in bytes.
        size: Of its content.
    """

    name: bytes
    start: int
    size: int


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a RIFF, RF64 or FORM file that lie wholly in it, in order."""
    end = file.seek(0, 2)
    file.seek(0)
    order = _order(file.read(4))
    position, long_data = 12, None
    while position + 8 <= end:
        file.seek(position)
        name, size = struct.unpack(order + "4sI", file.read(8))
        if name == b"ds64" and size >= 16:
            long_data = struct.unpack("<8xQ", file.read(16))[0]
        if name == b"data" and size == UNKNOWN_SIZE:
            size = end if long_data is None else long_data
        if position + 8 + size > end:
            return
        yield Chunk(name, position + 8, size)
        position += 8 + size + size % 2


def copy_chunks(source: Path, target: Path) -> None:
    """Append to `target` what `source` holds beside samples: markers, loops, texts, broadcast data, ID3.

    Byte for byte, but for what is no longer true of another sound (`stale`).

    Args:
        source: WAV or AIFF.
        target: A finished file of the same kind.
    """
    with source.open("rb") as old:
        order = _order(old.read(4))
        with target.open("rb") as new:
            if order != _order(new.read(4)):
                return
        kept = [chunk for chunk in chunks(old) if chunk.name not in OF_THE_SAMPLES]
        append_chunks(target, ((chunk.name, _content(old, chunk)) for chunk in kept))


def append_chunks(target: Path, added: Iterable[tuple[bytes, Iterable[bytes]]]) -> None:
    """Append chunks to a finished WAV or AIFF file.

    Args:
        target: The file.
        added: Name and content of each, in pieces.
    """
    with target.open("r+b") as new:
        order = _order(new.read(4))
        new.seek(0, 2)
        for name, pieces in added:
            new.write(bytes(new.tell() % 2) + struct.pack(order + "4sI", name, 0))
            start = new.tell()
            for piece in pieces:
                new.write(piece)
            end = new.tell()
            new.seek(start - 4)
            new.write(struct.pack(order + "I", end - start))
            new.seek(end)
        size = new.seek(0, 2) + new.tell() % 2 - 8
        new.truncate(size + 8)
        new.seek(0)
        if new.read(4) == b"RF64":
            new.seek(20)  # the chunk ds64 comes first
            new.write(struct.pack("<Q", size))
        else:
            new.write(struct.pack(order + "I", size))


def _content(file: BinaryIO, chunk: Chunk) -> Iterator[bytes]:
    """A chunk's content in pieces; of one that may be about the sound, in one, and as it is still true."""
    file.seek(chunk.start)
    if chunk.size <= LARGEST_BYTES:
        yield without_stale(chunk.name, file.read(chunk.size))
        return
    size = chunk.size
    while size and (piece := file.read(min(size, 1 << 20))):
        yield piece
        size -= len(piece)


def _order(magic: bytes) -> str:
    return ">" if magic in (b"FORM", b"RIFX") else "<"

"""What a WAV or AIFF file holds beside its samples, copied byte for byte into another file of the kind."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# They describe the samples or are filling; the target has its own, or they would be wrong of two channels.
OF_THE_SAMPLES = frozenset(
    b"fmt |data|fact|ds64|PEAK|JUNK|junk|PAD |FLLR|levl|chna|axml|wavl|slnt|COMM|SSND|FVER|CHAN".split(b"|")
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

    Args:
        source: WAV or AIFF.
        target: A finished file of the same kind.
    """
    with source.open("rb") as old, target.open("r+b") as new:
        order, order_there = _order(old.read(4)), _order(new.read(4))
        kept = [chunk for chunk in chunks(old) if chunk.name not in OF_THE_SAMPLES]
        if order != order_there or not kept:
            return
        new.seek(0, 2)
        for chunk in kept:
            new.write(bytes(new.tell() % 2) + struct.pack(order + "4sI", chunk.name, chunk.size))
            old.seek(chunk.start)
            _copy(old, new, chunk.size)
        size = new.seek(0, 2) + new.tell() % 2 - 8
        new.truncate(size + 8)
        new.seek(0)
        if new.read(4) == b"RF64":
            new.seek(20)  # the chunk ds64 comes first
            new.write(struct.pack("<Q", size))
        else:
            new.write(struct.pack(order + "I", size))


def _order(magic: bytes) -> str:
    return ">" if magic in (b"FORM", b"RIFX") else "<"


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size and (block := source.read(min(size, 1 << 20))):
        target.write(block)
        size -= len(block)

"""What a WAV or AIFF file holds beside its samples, copied byte for byte into another file of the kind."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from mono2stereo.conversion.stale import LARGEST_BYTES, without_stale
from mono2stereo.sounds.chunks import Chunk, byte_order, chunks

# They describe the samples or are filling; the target has its own, or they would be wrong of two channels.
OF_THE_SAMPLES = frozenset(
    b"fmt |data|fact|ds64|PEAK|JUNK|junk|PAD |FLLR|levl|MD5 |chna|axml|wavl|slnt".split(b"|")
    + b"COMM|SSND|FVER|CHAN".split(b"|")
)


def copy_chunks(source: Path, target: Path) -> str:
    """Append to `target` what `source` holds beside samples: markers, loops, texts, broadcast data, ID3.

    Byte for byte, but for what is no longer true of another sound (`stale`).

    Args:
        source: WAV or AIFF.
        target: A finished file of the same kind.

    Returns:
        Which could not be kept, and why; empty if all could.
    """
    with source.open("rb") as old, target.open("rb") as new:
        order, order_there = byte_order(old.read(4)), byte_order(new.read(4))
        every_chunk, _ = chunks(old, source.stat().st_size)
        kept = [chunk for chunk in every_chunk if chunk.name not in OF_THE_SAMPLES]
        if kept and order != order_there:
            names = ", ".join(sorted({chunk.name.decode("latin-1").strip() for chunk in kept}))
            return f"the chunks {names} are in another byte order"
        append_chunks(target, ((chunk.name, _content(old, chunk)) for chunk in kept))
    return ""


def append_chunks(target: Path, added: Iterable[tuple[bytes, Iterable[bytes]]]) -> None:
    """Append chunks to a finished WAV or AIFF file.

    Args:
        target: The file.
        added: Name and content of each, in pieces.
    """
    with target.open("r+b") as new:
        order = byte_order(new.read(4))
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

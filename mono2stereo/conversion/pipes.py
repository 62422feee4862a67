"""From a pipe and into a pipe while the sound still comes: with a gain that is known beforehand."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase

from mono2stereo.conversion.formats import HEAD_BYTES, Encoding
from mono2stereo.errors import AudioError

# What libsndfile writes without seeking; a WAV header of our own goes before raw samples. A FLAC file would
# not know its length, which others stumble over.
WRITTEN = ("WAV", "OGG")
NOT_READ = (b"fLaC", b"RF64", b"BW64")  # first bytes of what it does not read whole without seeking
COPIED_BYTES = 1 << 16
UNKNOWN_LENGTH = 0xFFFFFFFF  # as ffmpeg and others write it


def read_head(stream: RawIOBase) -> bytes:
    """The first `HEAD_BYTES` of a stream that may give fewer at a time."""
    head = b""
    while len(head) < HEAD_BYTES and (more := stream.read(HEAD_BYTES - len(head))):
        head += more
    return head


@contextmanager
def with_head(head: bytes, rest: RawIOBase) -> Iterator[int]:
    """A pipe's reading end that gives `head` again and then what `rest` still holds."""
    reading, writing = os.pipe()

    def feed() -> None:
        with os.fdopen(writing, "wb") as pipe, suppress(BrokenPipeError):
            data: bytes | None = head
            while data:
                pipe.write(data)
                pipe.flush()
                data = rest.read(COPIED_BYTES)

    threading.Thread(target=feed, daemon=True).start()  # a stdin may never end
    try:
        yield reading
    finally:
        os.close(reading)


@contextmanager
def into(descriptor: int) -> Iterator[int]:
    """A pipe's writing end; what it takes goes to `descriptor`, which may be a redirected file as well.

    Raises:
        AudioError: The reader went away.
        OSError: Another reason why it could not be written.
    """
    reading, writing = os.pipe()
    faults: list[OSError] = []

    def drain() -> None:
        try:
            with os.fdopen(reading, "rb", 0) as pipe, os.fdopen(descriptor, "wb", closefd=False) as out:
                while data := pipe.read(COPIED_BYTES):
                    out.write(data)
                    out.flush()
        except OSError as error:
            faults.append(error)

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        yield writing
    except OSError:
        if not faults:
            raise
    finally:
        os.close(writing)
        thread.join()
    for fault in faults:
        if isinstance(fault, BrokenPipeError):
            raise AudioError("stdout: its reader went away before the end")
        fault.filename = "stdout"
        raise fault


def wav_header(sample_rate: int, encoding: Encoding) -> bytes:
    """Header of a stereo WAV file whose length is not known yet.

    Args:
        sample_rate: Hz.
        encoding: Integers or floats.
    """
    bits = encoding.bits or {"FLOAT": 32, "DOUBLE": 64}[encoding.subtype]
    frame = 2 * bits // 8
    tag = 1 if encoding.bits else 3
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, 2, sample_rate, sample_rate * frame, frame, bits)
    return (
        struct.pack("<4sI4s", b"RIFF", UNKNOWN_LENGTH, b"WAVE")
        + form
        + struct.pack("<4sI", b"data", UNKNOWN_LENGTH)
    )

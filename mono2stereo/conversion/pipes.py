"""From a pipe and into a pipe: while the sound still comes where the gain is known beforehand."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mono2stereo.conversion.file_conversion import convert_file, convert_into_pipe
from mono2stereo.conversion.formats import KINDS, suffix_for
from mono2stereo.conversion.options import Converted, FileOptions
from mono2stereo.conversion.reading import Recording
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.errors import AudioError
from mono2stereo.files import named_faults
from mono2stereo.sounds.opening import flows, open_sound, open_source
from mono2stereo.sounds.source import on_disk

PIPE = Path("-")
# What libsndfile writes without seeking; a WAV header of our own goes before raw samples. A FLAC file would
# not know its length, which others stumble over.
WRITTEN = ("WAV", "OGG")
COPIED_BYTES = 1 << 16


def convert_piped(
    source: Path, target: Path, *, decorrelator: Decorrelator, options: FileOptions, suffix: str = ""
) -> Converted:
    """Give a recording a side that comes from stdin, or goes to stdout, or both.

    With a gain sound comes out while it goes in, where both formats allow it; all else goes through
    temporary files.

    Args:
        source: A file, or `PIPE` for stdin.
        target: A file, or `PIPE` for stdout.
        decorrelator: What makes the side.
        options: As for files.
        suffix: Of the format on stdout; empty for the source's.

    Raises:
        AudioError: Unreadable or unfit, or nobody reads stdout any more.
        OSError: The disk, or what stdout leads to, is full.
    """
    name = "stdin" if source == PIPE else str(source)
    with closing(open_source(sys.stdin.fileno() if source == PIPE else source, name)) as stream:
        if target == PIPE and options.gain_db is not None and not options.keep_if_stereo and flows(stream):
            with Recording(stream, name, channel=options.channel) as recording:
                form = suffix or suffix_for(recording.kind)
                if KINDS[form] in WRITTEN:
                    with _ended_by_signals(), into(sys.stdout.fileno()) as pipe:
                        return convert_into_pipe(
                            recording, pipe, decorrelator=decorrelator, options=options, suffix=form
                        )
        with on_disk(stream, source) as file, TemporaryDirectory() as folder:
            if target != PIPE:
                return convert_file(file, target, decorrelator=decorrelator, options=options, name=name)
            with open_sound(file, name) as sound:
                stereo = Path(folder) / f"stdout{suffix or suffix_for(sound.kind)}"
            done = convert_file(file, stereo, decorrelator=decorrelator, options=options, name=name)
            _to_stdout(stereo)
            return done


def _to_stdout(stereo: Path) -> None:
    try:
        with stereo.open("rb") as file, named_faults(Path("stdout")):
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor at exit
        if isinstance(error, BrokenPipeError):
            raise AudioError("stdout: its reader went away before the end") from None
        raise


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the process at once: nothing is half-written, and who waits for stdin stays."""
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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

"""The project's errors: one line each, saying what was wrong, where, and what to do."""

from __future__ import annotations

import errno
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Mono2StereoError(Exception):
    """Base of every error a user can cause; its text is one line fit for a terminal."""

    def __str__(self) -> str:
        return printable(super().__str__())


class UsageError(Mono2StereoError):
    """Arguments of a command that contradict each other; the exit status is 2, as argparse's."""


class ConfigError(Mono2StereoError):
    """params.yaml holds an unknown key, a wrong type or an impossible value."""


class DataError(Mono2StereoError):
    """A recording, a manifest or a data tree is missing, broken or unfit."""


class AudioError(Mono2StereoError):
    """A signal has the wrong shape, rate or range."""


class ModelError(Mono2StereoError):
    """A model file is missing, damaged or of another format version."""


class TrainingError(Mono2StereoError):
    """Training diverged or cannot be resumed."""


class TerminatedError(SystemExit):
    """SIGTERM came."""


# Faults of the machine that a person can mend, and how.
REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f)",
    errno.EROFS: "make it writable",
    errno.EACCES: "make it accessible",
    errno.EPERM: "make it accessible",
    errno.EIO: "check the disk",
}


# Signals that came: what they raise can drown in a library that is imported, or calls back.
_came: list[int] = []


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End with one line on stderr, as stages and CLI do, where the cause is no defect of the program.

    The project's errors and the machine's faults exit with status 1, wrong usage with 2, Ctrl-C with 130,
    SIGTERM with 143, and whatever goes wrong once one of these came does, too.
    """
    _came.clear()
    try:
        with _interrupts(), sigterm_exits():
            yield
    except BaseException as error:
        if number := _signal_behind(error):
            print("interrupted" if number == signal.SIGINT else "terminated", file=sys.stderr)
            raise SystemExit(128 + number) from None
        if isinstance(error, Mono2StereoError):
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2 if isinstance(error, UsageError) else 1) from None
        if isinstance(error, OSError) and error.errno in REMEDIES:
            print(f"error: {fault(error)}", file=sys.stderr)
            raise SystemExit(1) from None
        raise


def _signal_behind(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    return signal.SIGTERM if isinstance(error, TerminatedError) else _came[0] if _came else 0


def printable(text: str) -> str:
    """Text from a stranger's file, or a file's name, without what would break a line or a terminal.

    >>> printable("caf" + chr(0xDCE9) + chr(10))
    'caf��'
    """
    return "".join(character if character.isprintable() else "�" for character in text)


def fault(error: OSError) -> str:
    """A fault of the machine in one line: where, what, and what to do if that is known."""
    where = error.filename2 or error.filename or "a file"
    remedy = REMEDIES.get(error.errno or 0)
    then = f"; {remedy}, then run the same command again" if remedy else ""
    return printable(f"{where}: {(error.strerror or str(error)).lower()}{then}")


def in_one_line(error: BaseException, name: str) -> str:
    """What a person should know of an error in work on `name`; empty for a defect of the program."""
    if isinstance(error, MemoryError):
        return f"{name}: more than the memory at hand"
    if isinstance(error, OSError):
        return fault(error)
    return str(error) if isinstance(error, Mono2StereoError) else ""


@contextmanager
def _interrupts() -> Iterator[None]:
    """Within the block Ctrl-C raises KeyboardInterrupt, unless it is ignored, as under `nohup` or `&`."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        yield
        return
    with _raised(signal.SIGINT, KeyboardInterrupt()):
        yield


@contextmanager
def sigterm_exits() -> Iterator[None]:
    """Within the block SIGTERM raises TerminatedError once; further ones do not disturb the cleaning up."""
    with _raised(signal.SIGTERM, TerminatedError(128 + signal.SIGTERM), once=True):
        yield


@contextmanager
def _raised(number: int, error: BaseException, *, once: bool = False) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    began = len(_came)

    def leave(number: int, frame: FrameType | None) -> None:
        if once:
            signal.signal(number, signal.SIG_IGN)
        others = {*_came[began:]} - {number}
        _came.append(number)
        if not others:  # whoever sends both, as Slurm and a job's script do, does not want less cleaning up
            raise error

    before = signal.signal(number, leave)
    try:
        yield
    finally:
        signal.signal(number, before)

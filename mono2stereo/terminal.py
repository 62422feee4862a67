"""Text that always arrives: whatever the encoding of stdout and stderr, and where they are closed."""

from __future__ import annotations

import codecs
import io
import os
import sys

# What the program itself writes, for encodings that lack it; everything else is escaped.
PLAIN = {"→": "->", "–": "-", "…": "...", "�": "?", "×": "x"}


def secure_output() -> None:
    """Have nothing that is printed fail, or land in a file that got a closed descriptor's number.

    Where stdout was closed `stdout_is_closed` says so.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    codecs.register_error("plain", _plain)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="plain", closefd=False))  # noqa: SIM115
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")


def stdout_is_closed() -> bool:
    """Whether the process was started without a stdout."""
    return sys.__stdout__ is None


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    escaped = (
        PLAIN.get(character) or character.encode("ascii", "backslashreplace").decode()
        for character in lacking
    )
    return "".join(escaped), error.end

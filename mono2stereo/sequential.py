"""Sound files read from front to back, whatever their names are."""

from __future__ import annotations

import os
from pathlib import Path

import soundfile


class SequentialFile(soundfile.SoundFile):
    """A `SoundFile` to read that does not seek between blocks, as soundfile does after each one.

    MP3 frames borrow bits from those before, and after a seek libmpg123 has too few of them: where a
    recording was silent before, 15 ms at a block's start come out wrong. Other formats are read faster.

    Args:
        source: path of the file, or the descriptor of a pipe, which stays open.
    """

    def __init__(self, source: Path | int) -> None:
        super().__init__(source if isinstance(source, int) else native(source), closefd=False)

    def seekable(self) -> bool:
        return False


def native(path: Path) -> str | bytes:
    """A path as soundfile opens it: it cannot encode names that are no text."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def reason(error: Exception) -> str:
    """What libsndfile says, without the path that soundfile adds and libsndfile's full stop."""
    reason = getattr(error, "error_string", str(error)).splitlines()[0].rstrip(". ").lower()
    return "nothing that can be decoded" if reason.startswith("file does not exist") else reason

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
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(native(path))

    def seekable(self) -> bool:
        return False


def native(path: Path) -> str | bytes:
    """A path as soundfile opens it: it cannot encode names that are no text."""
    return os.fsencode(path) if os.name == "posix" else str(path)

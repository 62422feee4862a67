"""Sound files read from front to back."""

from __future__ import annotations

import soundfile


class SequentialFile(soundfile.SoundFile):
    """A `SoundFile` that does not seek between reads, as soundfile does after each one.

    MP3 frames borrow bits from those before, and after a seek libmpg123 has too few of them: where a
    recording was silent before, 15 ms at a block's start come out wrong. Other formats are read faster.
    """

    def seekable(self) -> bool:
        return False

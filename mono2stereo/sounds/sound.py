"""What every reader of sounds gives: blocks to the real end, and a word about what is odd."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mono2stereo.sounds.source import Source

Block = NDArray[np.floating]
SKIPPED_FRAMES = 1 << 16


class Sound(ABC):
    """A recording that is being read.

    Args:
        source: Of its bytes.

    Attributes:
        kind: Of `kinds.KINDS`, its name.
        format: libsndfile's major format, where it has one.
        subtype: Samples, in libsndfile's words; of codecs that it does not know, their name.
        sample_rate: Hz.
        channels: How many.
        frames: What the header says; 0 where it says nothing.
        likely_frames: How many will come, as far as can be told.
        frames_read: So far.
        notices: What is odd about what was read so far.
    """

    kind: str
    format: str
    subtype: str
    sample_rate: int
    channels: int
    frames: int
    likely_frames: int
    slack_seconds = 0.0  # by which lengths may differ without a word
    start = Fraction(0)  # of a film's sound, seconds

    def __init__(self, source: Source) -> None:
        self._source, self.owns_source = source, True
        self.frames_read = 0
        self.notices: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, frames: int, dtype: str = "float64") -> Block:
        """The next samples, (up to frames, channels), full scale 1; none at the end.

        Raises:
            AudioError: It breaks off.
        """
        block = self._next(frames, dtype)
        self.frames_read += len(block)
        return block

    def blocks(self, frames: int, dtype: str = "float64") -> Iterator[Block]:
        """All samples that are left, (up to frames, channels) each."""
        while len(block := self.read(frames, dtype)):
            yield block

    def count(self) -> int:
        """How many samples are left; reads to the end where nothing else tells."""
        return sum(len(block) for block in self.blocks(SKIPPED_FRAMES, "float32"))

    def skip(self, frames: int) -> None:
        """Pass over samples."""
        while frames > 0 and len(block := self.read(min(frames, SKIPPED_FRAMES), "float32")):
            frames -= len(block)

    @property
    def missing_seconds(self) -> float:
        """How much longer its header says it is than what was read; negative where that is more."""
        missing = (self.frames - self.frames_read) / self.sample_rate if self.frames else 0.0
        return missing if abs(missing) > self.slack_seconds else 0.0

    def close(self) -> None:
        """Let go of the file, and of its source where that was opened for it."""
        self._close()
        if self.owns_source:
            self._source.close()

    @abstractmethod
    def _next(self, frames: int, dtype: str) -> Block: ...

    @abstractmethod
    def _close(self) -> None: ...

    @property
    def texts(self) -> dict[str, str]:
        """Title, artist and the like, by names of libsndfile's or FFmpeg's."""
        return {}

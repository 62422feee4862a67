"""A recording on disk as blocks of its mid, whatever the file may hold."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from mono2stereo.conversion.ahead import ahead
from mono2stereo.conversion.fold_down import Channel, FoldDown
from mono2stereo.conversion.formats import Encoding
from mono2stereo.dsp.signals import LOWEST_SAMPLE_RATE, Signal
from mono2stereo.errors import AudioError
from mono2stereo.sounds.opening import open_sound
from mono2stereo.sounds.source import Source

BLOCK_FRAMES = 1 << 16  # shorter ones cost more by the block, longer ones keep a listening pipe waiting
HIGHEST_SAMPLE_RATE = 384_000
LARGEST = 1e12  # of full scale; what floats leave room for in squares and sums


class Recording:
    """One or two channels, read block by block; nothing is allocated before the header is judged.

    Args:
        source: Path of a sound file, or a pipe's bytes, which can be read once.
        name: For messages.
        channel: Take this one where there are two, not their mean.
        track: Of several sound tracks, from 1 up; None for the first.

    Attributes:
        sample_rate: Hz.
        channels: One or two.
        kind: Of `sounds.kinds`, its name.
        encoding: libsndfile's words for what is read.
        likely_frames: How many there are, as far as can be told before they are read.
        fold_down: What is made of two channels.

    Raises:
        AudioError: Unreadable, or of a rate or number of channels that does not fit.
    """

    def __init__(
        self, source: Path | Source, name: str, *, channel: Channel = "", track: int | None = None
    ) -> None:
        self._source, self.name, self._track = source, name, track
        self.fold_down = FoldDown(channel)
        self._sound = open_sound(source, name, track=track)
        self.sample_rate, self.channels = self._sound.sample_rate, self._sound.channels
        self.kind, self.likely_frames = self._sound.kind, self._sound.likely_frames
        self.encoding = Encoding(self._sound.format, self._sound.subtype)
        unfit = ""
        if self.channels > 2:
            unfit = f"{self.channels} channels; mix it down to one or two"
        elif not LOWEST_SAMPLE_RATE <= self.sample_rate <= HIGHEST_SAMPLE_RATE:
            unfit = f"{self.sample_rate} Hz; from {LOWEST_SAMPLE_RATE} to {HIGHEST_SAMPLE_RATE} Hz"
        if unfit:
            self._sound.close()
            raise AudioError(f"{name}: {unfit}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sound.close()

    @property
    def texts(self) -> dict[str, str]:
        """Title, artist and the like, as far as every format knows them."""
        return self._sound.texts

    @property
    def frames_read(self) -> int:
        """How many there were, once `mids` has ended."""
        return self._sound.frames_read

    @property
    def start(self) -> Fraction:
        """When the first sample sounds, seconds, once `mids` has begun; other than 0 in films."""
        return self._sound.start

    @property
    def notices(self) -> list[str]:
        """What is odd about the file, once `mids` has ended."""
        missing = self._sound.missing_seconds
        if missing > 0:
            return [*self._sound.notices, f"ends {missing:.3f} s before its header says"]
        if missing < 0:
            return [*self._sound.notices, f"goes on {-missing:.3f} s after its header says; read to its end"]
        return self._sound.notices

    def mids(self) -> Generator[Signal]:
        """The mid from the start, (n,) float64: integers of up to 32 bits are exact, full scale is 1.

        Raises:
            AudioError: The file breaks off, or holds values that are no sound.
        """
        self.fold_down.restart()
        for block in self._blocks():
            yield self.fold_down.mid(block)

    def listen(self) -> None:
        """Hear two channels to their end, to know what to make of them.

        In a thread, as all that is read: a signal's error would drown in the callbacks of libsndfile.
        """
        with closing(ahead(self.mids())) as mids:
            for _ in mids:
                pass
        self.fold_down.choose()

    def _blocks(self) -> Iterator[Signal]:
        if self.frames_read:  # from the start again
            self._sound.close()
            self._sound = open_sound(self._source, self.name, track=self._track)
        for block in self._sound.blocks(BLOCK_FRAMES):
            if not (len(block) == 0 or -LARGEST <= block.min() <= block.max() <= LARGEST):
                sane = np.abs(block) <= LARGEST
                first = self.frames_read - len(block) + int(np.argmin(sane.all(axis=1)))
                raise AudioError(
                    f"{self.name}: values that are not finite or beyond {LARGEST:g}, the first at "
                    f"{first / self.sample_rate:.3f} s; repair the recording first"
                )
            yield block

"""A recording on disk as blocks of its mid, whatever the file may hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile

from mono2stereo.conversion.fold_down import Channel, FoldDown
from mono2stereo.conversion.formats import HEAD_BYTES, Encoding, kind_of
from mono2stereo.dsp.signals import LOWEST_SAMPLE_RATE, Signal
from mono2stereo.errors import AudioError
from mono2stereo.sequential import SequentialFile, reason

BLOCK_FRAMES = 1 << 16
HIGHEST_SAMPLE_RATE = 384_000
LARGEST = 1e12  # of full scale; what floats leave room for in squares and sums


class Recording:
    """One or two channels, read block by block; nothing is allocated before the header is judged.

    Args:
        source: Path of a WAV, FLAC, OGG, MP3 or AIFF file, or a pipe's descriptor.
        name: For messages.
        kind: Of a pipe; a file's is found out.
        channel: Take this one where there are two, not their mean.

    Attributes:
        sample_rate: Hz.
        channels: One or two.
        kind: WAV, FLAC, OGG, MP3 or AIFF.
        encoding: libsndfile's words for what is read.
        frames: What the header says; nothing for a pipe, which is often begun before its length is known.
        frames_read: How many there were, once `mids` has ended.
        fold_down: What is made of two channels.

    Raises:
        AudioError: Unreadable, or of a rate or number of channels that does not fit.
    """

    def __init__(self, source: Path | int, name: str, *, kind: str = "", channel: Channel = "") -> None:
        self._source, self._name = source, name
        self.fold_down = FoldDown(channel)
        self.frames_read = 0
        try:
            self.kind = _kind(source, name) if isinstance(source, Path) else kind
            self._audio = SequentialFile(source)
        except soundfile.LibsndfileError as error:
            raise AudioError(f"{name}: cannot be read ({reason(error)})") from None
        except OSError as error:
            raise AudioError(f"{name}: cannot be read ({(error.strerror or str(error)).lower()})") from None
        self.sample_rate, self.channels = self._audio.samplerate, self._audio.channels
        self.encoding = Encoding(self._audio.format, self._audio.subtype)
        self.frames = 0 if isinstance(source, int) else self._audio.frames
        unfit = ""
        if self.channels > 2:
            unfit = f"{self.channels} channels; mix it down to one or two"
        elif not LOWEST_SAMPLE_RATE <= self.sample_rate <= HIGHEST_SAMPLE_RATE:
            unfit = f"{self.sample_rate} Hz; from {LOWEST_SAMPLE_RATE} to {HIGHEST_SAMPLE_RATE} Hz"
        if unfit:
            self._audio.close()
            raise AudioError(f"{name}: {unfit}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._audio.close()

    @property
    def texts(self) -> dict[str, str]:
        """Title, artist and the like, as far as libsndfile knows them in every format."""
        return {key: value for key, value in self._audio.copy_metadata().items() if value}

    def mids(self) -> Iterator[Signal]:
        """The mid from the start, (n,) float64: integers of up to 32 bits are exact, full scale is 1.

        Raises:
            AudioError: The file breaks off, or holds values that are no sound.
        """
        self.fold_down.restart()
        for block in self._blocks():
            yield self.fold_down.mid(block)

    def listen(self) -> None:
        """Hear two channels to their end, to know what to make of them."""
        for _ in self.mids():
            pass
        self.fold_down.choose()

    def _blocks(self) -> Iterator[Signal]:
        try:
            if self.frames_read:  # from the start again
                self._audio.close()
                self._audio = SequentialFile(self._source)
            self.frames_read = 0
            while len(block := self._audio.read(BLOCK_FRAMES, dtype="float64", always_2d=True)):
                if not (sane := np.abs(block) <= LARGEST).all():
                    first = self.frames_read + int(np.argmin(sane.all(axis=1)))
                    raise AudioError(
                        f"{self._name}: values that are not finite or beyond {LARGEST:g}, the first at "
                        f"{first / self.sample_rate:.3f} s; repair the recording first"
                    )
                self.frames_read += len(block)
                yield block
        except soundfile.SoundFileError as error:
            where = f"after {self.frames_read / self.sample_rate:.3f} s"
            raise AudioError(f"{self._name}: breaks off {where} ({reason(error)})") from None


def _kind(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return kind_of(file.read(HEAD_BYTES), name)

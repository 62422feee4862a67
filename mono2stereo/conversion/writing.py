"""Mid and side to left and right in the target's own numbers, and into the file."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import soundfile

from mono2stereo.conversion.formats import Encoding
from mono2stereo.conversion.gain import Gain
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError

# Of libsndfile, from 0 (best) to 1: what was coded before should lose little more.
LOSSY_COMPRESSION = 0.1
# Arrays of so many numbers stay in a core's cache, and malloc does not ask the system for each.
PIECE_SAMPLES = 1 << 14
# Of an integer: what FFTs leave of silence, far below anything that dither could keep.
SILENT_STEPS = 1e-3
UNKNOWN_LENGTH = 0xFFFFFFFF  # as ffmpeg and others write it
ADD_PEAK_CHUNK = 0x1050  # SFC_SET_ADD_PEAK_CHUNK of sndfile.h
GUID = bytes.fromhex("000000001000800000aa00389b71")  # of WAVE_FORMAT_EXTENSIBLE, behind the tag


Dither = Literal["none", "side", "both"]


class StereoWriter:
    """A stereo file that is being written.

    Integers: L + R is twice the mid times the gain, rounded once, so at gain one exactly L + R = 2 M (and
    the two channels of a stereo input fold down to the same integer again). Only the side is quantised:
    with triangular dither, which left and right receive in opposite phase, so that the fold-down does not
    hold it; so is a mid that had longer samples, on its own. Where there is no side, or no mid, there is
    none: silence stays silence. A side that full scale has no room for is cut back, never the mid.

    Args:
        target: Path to write to, or a pipe's descriptor, which stays open.
        sample_rate: Hz.
        encoding: Of the file.
        gain: Of mid and side.
        texts: Title, artist and the like, in libsndfile's words.
        dither: Of integers: of the side, of the mid as well, because it had longer samples, or of neither.

    Attributes:
        cut_samples: Where the side was cut back by more than rounding, or the mid clipped.

    Raises:
        AudioError: The format does not take it.
    """

    def __init__(
        self,
        target: Path | int,
        sample_rate: int,
        encoding: Encoding,
        gain: Gain,
        texts: Mapping[str, str],
        dither: Dither = "side",
    ) -> None:
        self._bits, self._gain, self._dither = encoding.bits, gain.factor, dither
        self._random = np.random.default_rng(0)
        self.cut_samples = 0
        level = LOSSY_COMPRESSION if encoding.is_lossy else None
        mode = "VARIABLE" if encoding.format == "MP3" else None
        form, endian = encoding.format, None
        if isinstance(target, int) and form in ("WAV", "WAVEX", "RF64"):
            with _named_faults():
                os.write(target, wav_header(sample_rate, encoding))
            form, endian, texts = "RAW", "LITTLE", {}
        try:
            self._file = soundfile.SoundFile(
                _as_named(target), "w", sample_rate, 2, encoding.subtype,
                endian, form, closefd=False, compression_level=level, bitrate_mode=mode,
            )  # fmt: skip
        except soundfile.LibsndfileError as error:
            raise AudioError(f"{encoding.format} at {sample_rate} Hz: {error.error_string}") from None
        # Floats would get a chunk with the time of day; soundfile has no word for that.
        soundfile._snd.sf_command(self._file._file, ADD_PEAK_CHUNK, soundfile._ffi.NULL, 0)
        for key, value in texts.items():
            setattr(self._file, key, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _named_faults():
            self._file.close()

    def write(self, mid: Signal, side: Signal) -> None:
        """Append samples, (n,) each; the mid is float64, full scale 1."""
        if self._bits is None:
            mid, side = self._gain * mid, self._gain * side
            self._append(np.stack([mid + side, mid - side], axis=1))
            return
        for start in range(0, len(mid), PIECE_SAMPLES):
            piece = slice(start, start + PIECE_SAMPLES)
            self._append(self._integers(mid[piece], side[piece], self._bits))

    def _noise(self, signal: Signal, silent: float) -> Signal:
        """Triangular, of one step up and down, where there is a signal."""
        dither = self._random.random((len(signal), 2), np.float32)
        return (dither[:, 0] - dither[:, 1]) * (np.abs(signal) >= silent)

    def _append(self, stereo: Signal) -> None:
        with _named_faults():
            self._file.write(stereo)

    def _integers(self, mid: Signal, side: Signal, bits: int) -> Signal:
        """Left and right, (n, 2), in the upper bits of an integer as libsndfile takes them."""
        lowest, highest = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        scale = self._gain * (1 << (bits - 1))
        total = 2 * scale * mid
        if self._dither == "both":
            total += self._noise(total, SILENT_STEPS)
        np.rint(total, out=total)
        # L and R are integers where the halves of L + R and of L - R are both whole, or neither is.
        middle = total / 2
        half = middle - np.floor(middle)
        apart = np.multiply(side, scale, dtype=np.float64)
        noise = 0.0 if self._dither == "none" else self._noise(apart, SILENT_STEPS / 2)
        apart -= half
        apart += noise
        np.rint(apart, out=apart)
        apart += half
        left, right = middle + apart, middle - apart
        if min(left.min(), right.min()) < lowest or max(left.max(), right.max()) > highest:
            kept = np.clip(middle, lowest, highest)
            room = (highest - lowest) / 2 - np.abs(kept + 0.5)
            fitted = np.clip(apart, -room, room)
            # One step of rounding and two of dither are no loss of width, nor one of the mid's.
            clipped = np.abs(middle - kept) > (self._dither == "both") / 2
            self.cut_samples += int(np.count_nonzero(clipped | (np.abs(apart - fitted) > 3)))
            left, right = kept + fitted, kept - fitted
        word = 16 if bits <= 16 else 32
        stereo = np.empty((len(mid), 2), f"int{word}")
        for column, whole in zip(stereo.T, (left, right), strict=True):
            np.multiply(whole, 2.0 ** (word - bits), out=column, casting="unsafe")
        return stereo


def _as_named(target: Path | int) -> str | bytes | int:
    """As soundfile opens it: it cannot encode names that are no text."""
    if isinstance(target, int):
        return target
    return os.fsencode(target) if os.name == "posix" else str(target)


@contextmanager
def _named_faults() -> Iterator[None]:
    """What libsndfile calls a system error, and soundfile an assertion."""
    try:
        yield
    except (soundfile.LibsndfileError, AssertionError):
        raise OSError(errno.EIO, "could not be written, perhaps for lack of space") from None


def wav_header(sample_rate: int, encoding: Encoding) -> bytes:
    """Header of a stereo WAV file whose length is not known yet; an RF64 file's cannot be told from it.

    Args:
        sample_rate: Hz.
        encoding: Integers or floats; WAVE_FORMAT_EXTENSIBLE stays one.
    """
    bits = encoding.bits or {"FLOAT": 32, "DOUBLE": 64}[encoding.subtype]
    frame, tag, extension = 2 * bits // 8, 1 if encoding.bits else 3, b""
    if encoding.format == "WAVEX":
        tag, extension = 0xFFFE, struct.pack("<HHIH", 22, bits, 3, tag) + GUID
    form = struct.pack("<HHIIHH", tag, 2, sample_rate, sample_rate * frame, frame, bits) + extension
    return (
        struct.pack("<4sI4s", b"RIFF", UNKNOWN_LENGTH, b"WAVE")
        + struct.pack("<4sI", b"fmt ", len(form))
        + form
        + struct.pack("<4sI", b"data", UNKNOWN_LENGTH)
    )

"""WAV, AIFF and FLAC by libsndfile, which decodes their integers and floats exactly."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import soundfile

from mono2stereo.errors import AudioError
from mono2stereo.sounds.chunks import byte_order, chunks, is_streamed
from mono2stereo.sounds.sound import Block, Sound
from mono2stereo.sounds.source import ENDLESS, Section, Source

INTEGERS = {1: "PCM_U8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}
WAV_TAGS = {1: INTEGERS, 3: {4: "FLOAT", 8: "DOUBLE"}, 6: {1: "ALAW"}, 7: {1: "ULAW"}}
EXTENSIBLE = 0xFFFE
AIFC_CODES = {
    b"fl32": ("FLOAT", "BIG", 4),
    b"fl64": ("DOUBLE", "BIG", 8),
    b"ulaw": ("ULAW", "BIG", 1),
    b"alaw": ("ALAW", "BIG", 1),
    b"raw ": ("PCM_U8", "BIG", 1),
}
AIFC_ENDIAN = {b"none": "BIG", b"twos": "BIG", b"in24": "BIG", b"in32": "BIG", b"sowt": "LITTLE"}
UNSTATED = -1
RAW_RATE = 48000  # samples without a header have none of their own
READ_AHEAD_BYTES = 1 << 14  # libsndfile's; ID3v1 and the like at the end are nothing to speak of


@dataclass(frozen=True)
class Layout:
    """How the samples of a WAV or AIFF file are written, and where.

    Attributes:
        format: WAV, WAVEX, RF64 or AIFF, as libsndfile calls it.
        subtype: libsndfile's word for the samples.
        endian: LITTLE or BIG.
        width: Of a sample, in bytes.
        sample_rate: Hz.
        channels: How many.
        start: Of the samples, in bytes.
        size: Of the samples in bytes; to `ENDLESS` in a pipe that does not say it.
        stated: What the header says of it, or `UNSTATED`.
        stray: How many bytes behind it all are neither samples nor chunks.
    """

    format: str
    subtype: str
    endian: str
    width: int
    sample_rate: int
    channels: int
    start: int = 0
    size: int = 0
    stated: int = 0
    stray: int = 0


def layout(source: Source) -> Layout | None:
    """Of a WAV or AIFF file; None where its samples are coded, or its header is beyond understanding."""
    magic = source.at(0, 12)
    every_chunk, stray = chunks(source, ENDLESS if source.size is None else source.size)
    by_name = {chunk.name: chunk for chunk in reversed(every_chunk)}
    try:
        if magic[:4] == b"FORM":
            form, sound = by_name[b"COMM"], by_name[b"SSND"]
            samples = _of_aiff(source.at(form.start, min(form.size, 22)), magic[8:12])
            skipped = 8 + struct.unpack(">I", source.at(sound.start, 4))[0]
        else:
            form, sound = by_name[b"fmt "], by_name[b"data"]
            samples = _of_wav(source.at(form.start, min(form.size, 40)), magic)
            skipped = 0
    except (KeyError, struct.error):
        return None
    size, stated = sound.size - skipped, max(sound.stated - skipped, 0)
    if not samples.channels or size < 0:
        return None
    (whole,) = struct.unpack(byte_order(magic) + "I", magic[4:8])
    unknown = not stated or is_streamed(stated)
    if source.size is not None:
        unknown = unknown and is_streamed(whole) and not 0 < stated <= size
    stated = UNSTATED if unknown else stated
    return replace(samples, start=sound.start + skipped, size=size, stated=stated, stray=stray)


def _of_wav(form: bytes, magic: bytes) -> Layout:
    order = byte_order(magic)
    tag, channels, rate, _, block, _ = struct.unpack(order + "HHIIHH", form[:16])
    name = "WAV" if tag != EXTENSIBLE else "WAVEX"
    if tag == EXTENSIBLE:
        (tag,) = struct.unpack(order + "H", form[24:26])
    width = block // (channels or 1)
    subtype = WAV_TAGS[tag][width]
    name = "RF64" if magic[:4] in (b"RF64", b"BW64") else name
    return Layout(name, subtype, "BIG" if order == ">" else "LITTLE", width, rate, channels)


def _of_aiff(form: bytes, kind: bytes) -> Layout:
    channels, _, bits, exponent, mantissa = struct.unpack(">HIHHQ", form[:18])
    rate = int(mantissa / 2.0 ** (16446 - exponent)) if 16383 <= exponent < 16446 else 0
    code = form[18:22].lower() if kind == b"AIFC" else b"none"
    if code in AIFC_CODES:
        return Layout("AIFF", *AIFC_CODES[code], rate, channels)
    width = (bits + 7) // 8
    return Layout("AIFF", INTEGERS[width].replace("U8", "S8"), AIFC_ENDIAN[code], width, rate, channels)


class _Forward(soundfile.SoundFile):
    """Does not seek between blocks, as soundfile does after each one: pipes cannot."""

    def seekable(self) -> bool:
        return False


class PcmSound(Sound):
    """What libsndfile reads.

    Args:
        source: Of the bytes.
        start: Where the file begins in it, behind what others have put before.
        kind: WAV, AIFF, FLAC or OGG.
        name: For messages.

    Raises:
        soundfile.LibsndfileError: It does not.
    """

    def __init__(self, source: Source, start: int, kind: str, name: str) -> None:
        super().__init__(source)
        self.kind, self._name = kind, name
        laid_out = layout(source) if kind in ("WAV", "AIFF") and not start else None
        if laid_out:
            frame = laid_out.channels * laid_out.width
            self._section = Section(source, laid_out.start, laid_out.size // frame * frame)
            self._file = _Forward(
                self._section, "r", RAW_RATE, laid_out.channels, laid_out.subtype, laid_out.endian, "RAW"
            )
            self.format, self.sample_rate = laid_out.format, laid_out.sample_rate
            self.frames = max(laid_out.stated // frame, 0)
            if laid_out.size >= frame > laid_out.stated >= 0:
                self.notices.append("its header says 0 s, as of an unfinished recording; read to its end")
            if laid_out.stray > 1:
                self.notices.append(
                    f"{laid_out.stray} bytes at its end are neither sound nor chunks; left out"
                )
        else:
            self._section = Section(source, start)
            self._file = _Forward(self._section)
            self.format, self.sample_rate = self._file.format, self._file.samplerate
            self.frames = self._file.frames if self._file.frames < ENDLESS else 0
        self.subtype, self.channels = self._file.subtype, self._file.channels
        self.likely_frames = self._file.frames if source.size is not None else 0
        source.forget()

    @property
    def texts(self) -> dict[str, str]:
        return {key: value for key, value in self._file.copy_metadata().items() if value}

    def count(self) -> int:
        known = self.likely_frames and self._file.frames < ENDLESS
        return self._file.frames - self.frames_read if known else super().count()

    def skip(self, frames: int) -> None:
        self.frames_read = self._file.seek(min(self.frames_read + frames, self._file.frames))

    def _close(self) -> None:
        self._file.close()

    def _next(self, frames: int, dtype: str) -> Block:
        if self.kind != "WAV" and self.frames:
            frames = min(frames, self.frames - self.frames_read)  # behind them libFLAC loses its way
        try:
            block = self._file.read(frames, dtype=dtype, always_2d=True)
        except soundfile.SoundFileError as error:
            where = f"after {self.frames_read / self.sample_rate:.3f} s"
            raise AudioError(f"{self._name}: breaks off {where} ({reason(error)})") from None
        behind = self._section.size - self._section.furthest
        if not len(block) and self.kind == "FLAC" and READ_AHEAD_BYTES < behind < ENDLESS // 2:
            self.notices.append(f"{behind} bytes follow its end and were left out")
        return block


def reason(error: Exception) -> str:
    """What libsndfile says, without the path that soundfile adds and libsndfile's full stop."""
    text = getattr(error, "error_string", str(error)).splitlines()[0].rstrip(". ").lower()
    return "nothing that can be decoded" if text.startswith("file does not exist") else text

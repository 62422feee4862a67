"""Everything compressed, and what else FFmpeg reads, to its real end."""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import soxr

from mono2stereo.errors import AudioError
from mono2stereo.sounds.kinds import BY_DEMUXER, COMMON
from mono2stereo.sounds.sound import SKIPPED_FRAMES, Block, Sound
from mono2stereo.sounds.source import Section, Source

# Only what the table names, and nothing but these bytes: a playlist would have FFmpeg open other files.
OPENED = {"format_whitelist": ",".join(BY_DEMUXER), "protocol_whitelist": "", "max_streams": "100"}
PIPED = {"probesize": "65536", "analyzeduration": "0"}  # sound comes out while it goes in
SUBTYPES = {"mp3": "MPEG_LAYER_III", "mp2": "MPEG_LAYER_II", "mp1": "MPEG_LAYER_I"}
INTEGER_BITS = {"u8": 8, "s16": 16, "s32": 32}
OF_THE_CONTAINER = re.compile(
    r"major_brand|minor_version|compatible_brands|handler_name|vendor_id|language|duration|source_id",
    re.IGNORECASE,
)
ITUNES = re.compile(r"\s*(?:[0-9A-F]{8}\s+){3}([0-9A-F]{16})")  # the length without priming and padding
TOO_MANY_CHANNELS = 8  # of a frame; behind so many pointers to planes PyAV takes what follows for another one
MOST_PADDING_SAMPLES = 8192  # what encoders add at the end
XING_WITHIN_BYTES = 4096
MOST_FILLED_SECONDS = 600  # in all gaps: beyond, times are wrong or somebody's trap
LEAST_GAP_SECONDS = 0.03  # containers round times, and Vorbis' vary within blocks


class CompressedSound(Sound):
    """What FFmpeg reads, by PyAV.

    The priming and padding that containers name (LAME's, AAC's, Opus') are left out, gaps are filled. Where
    rate or channels change midway, what follows is brought to the first.

    Args:
        source: Of the bytes.
        name: For messages.
        start: Where the file begins in it, behind ID3.
        track: Of several sound tracks, from 1 up; None for the first.

    Raises:
        AudioError: FFmpeg sees no sound in it.
    """

    slack_seconds = 0.1  # headers round, encoders pad

    def __init__(self, source: Source, start: int, name: str, track: int | None = None) -> None:
        import av  # of all that convert imports, the slowest

        super().__init__(source)
        self._av, self._name = av, name
        options = OPENED if source.seekable() else OPENED | PIPED
        announced = _xing_samples(source, start)
        source.seek(0)
        try:
            self._container = av.open(Section(source), "r", options=options, metadata_errors="replace")
        except (av.FFmpegError, ValueError):
            raise AudioError(
                f"{name}: no {COMMON}, nor another kind that FFmpeg reads; convert it to one of these first"
            ) from None
        source.forget()
        streams = self._container.streams
        number = 1 if track is None else track
        if not 1 <= number <= len(streams.audio):
            missing = f"no sound track {track}" if streams.audio else "no sound"
            raise AudioError(f"{name}: holds {missing}")
        if not track and len(streams.audio) > 1:
            self.notices.append(f"has {len(streams.audio)} sound tracks; the first was taken")
        self._stream = streams.audio[number - 1]
        kind = BY_DEMUXER[next(each for each in self._container.format.name.split(",") if each in BY_DEMUXER)]
        self.kind = self.format = kind.name
        codec = self._stream.codec_context
        if not codec or not codec.format or not codec.sample_rate or not codec.layout.nb_channels:
            raise AudioError(f"{name}: cannot be read (nothing that can be decoded)")
        self.sample_rate, self.channels = codec.sample_rate, codec.layout.nb_channels
        self.subtype = _subtype(codec)
        duration, base = self._stream.duration, self._stream.time_base
        if kind.states_length and duration and base:
            announced = round(duration * base * self.sample_rate)
        elif kind.states_length and len(streams) == 1 and self._container.duration:
            seconds = (self._container.duration - max(self._container.start_time or 0, 0)) / av.time_base
            announced = round(seconds * self.sample_rate)
        if itunes := ITUNES.match(self._container.metadata.get("iTunSMPB", "")):
            announced = int(itunes[1], 16)
        self.frames = announced
        self.likely_frames = announced or (self._container.duration or 0) * self.sample_rate // av.time_base
        # FFmpeg leaves out AAC's padding not at all, LAME's only where it can seek.
        exact = kind.name == "MP4" and base and base.denominator == self.sample_rate
        exact = exact or (kind.name == "MP3" and not source.seekable())
        self._blocks = self._whole(announced if announced and exact else None)
        self._waiting: Block = np.zeros((0, self.channels))

    @property
    def texts(self) -> dict[str, str]:
        given = self._stream.metadata | self._container.metadata  # Ogg's are the stream's
        return {key: value for key, value in given.items() if not OF_THE_CONTAINER.match(key)}

    def _close(self) -> None:
        self._blocks.close()
        self._container.close()

    def _next(self, frames: int, dtype: str) -> Block:
        taken: list[Block] = [self._waiting]
        count = len(self._waiting)
        while count < frames and (block := next(self._blocks, None)) is not None:
            taken.append(block)
            count += len(block)
        with np.errstate(all="ignore"):  # of what is no sound, its users tell
            joined = np.concatenate(taken)
            self._waiting = joined[frames:]
            return joined[:frames].astype(dtype, copy=False)

    def _whole(self, exact_end: int | None) -> Generator[Block]:
        """All blocks, without the padding behind an end that is known to the sample."""
        position, behind = 0, list[Block]()
        for block in self._decoded():
            position += len(block)
            over = 0 if exact_end is None else min(max(position - exact_end, 0), len(block))
            if exact_end is not None and position - exact_end > MOST_PADDING_SAMPLES:  # the header is wrong
                yield from behind
                exact_end, over, behind = None, 0, []
            yield block[: len(block) - over]
            if over:
                behind.append(block[len(block) - over :])

    def _decoded(self) -> Generator[Block]:
        """Frames in step with their times, at the first's rate and with its channels, full scale 1."""
        lost, rate, position, filled = 0, self.sample_rate, 0, 0
        due: Fraction | None = None  # when the next frame should sound
        resampler: Any = None
        for packet in self._packets():
            try:
                frames = packet.decode()
            except (self._av.FFmpegError, ValueError):
                lost += 1
                continue
            for frame in frames:
                if frame.layout.nb_channels >= TOO_MANY_CHANNELS:
                    lost += 1
                    continue
                if frame.pts is not None:
                    time = frame.pts * frame.time_base
                    if due is None:
                        self.start = _exact_start(packet, frame)
                    elif time - due > LEAST_GAP_SECONDS:
                        gap = round((time - due) * self.sample_rate)
                        filled += gap
                        if filled > MOST_FILLED_SECONDS * self.sample_rate:
                            self._remark("has gaps of more than ten minutes, which were left out", position)
                        elif position + gap <= self.likely_frames:
                            self._remark("has gaps, which were filled with silence", position)
                            position += gap
                            yield from self._silence(gap)
                    due = time + Fraction(frame.samples, frame.sample_rate)
                block = _samples(frame)
                if block.shape[1] != self.channels:
                    self._remark(
                        f"has {_channels(block.shape[1])}, taken as {_channels(self.channels)}", position
                    )
                    mean = block.mean(axis=1, keepdims=True)
                    block = np.repeat(mean, self.channels, axis=1)
                if frame.sample_rate != rate:
                    if resampler:
                        yield resampler.resample_chunk(np.zeros((0, self.channels)), last=True)
                    rate, resampler = frame.sample_rate, None
                    if rate != self.sample_rate:
                        self._remark(f"has {rate} Hz and was resampled", position)
                        resampler = soxr.ResampleStream(rate, self.sample_rate, self.channels, "float64")
                if resampler:
                    block = resampler.resample_chunk(np.ascontiguousarray(block, np.float64))
                position += len(block)
                yield block
        if resampler:
            yield resampler.resample_chunk(np.zeros((0, self.channels)), last=True)
        if lost:
            self.notices.append(f"{lost} of its packets could not be decoded; what they held is missing")

    def _silence(self, frames: int) -> Iterator[Block]:
        for start in range(0, frames, SKIPPED_FRAMES):
            yield np.zeros((min(SKIPPED_FRAMES, frames - start), self.channels))

    def _packets(self) -> Iterator[Any]:
        try:
            yield from self._container.demux(self._stream)
        except self._av.FFmpegError as error:
            why = (error.strerror or "damaged").lower()
            self._remark(f"cannot be read ({why}) and was left out", self.frames_read)

    def _remark(self, what: str, position: int) -> None:
        """Once, with its place."""
        if not any(what in notice for notice in self.notices):
            self.notices.append(f"from {position / self.sample_rate:.3f} s on it {what}")


def _exact_start(packet: Any, frame: Any) -> Fraction:
    """When the first frame sounds; FFmpeg rounds its priming to the container's milliseconds."""
    time = frame.pts * frame.time_base
    if packet.pts is None or not packet.duration:
        return Fraction(time)
    primed = round(packet.duration * packet.time_base * frame.sample_rate) - frame.samples
    exact = packet.pts * packet.time_base + Fraction(primed, frame.sample_rate)
    return Fraction(exact if primed > 0 and abs(exact - time) < packet.time_base else time)


def _channels(count: int) -> str:
    return "one channel" if count == 1 else f"{count} channels"


def _samples(frame: Any) -> Block:
    """(samples, channels), full scale 1; integers become float64 exactly."""
    data = frame.to_ndarray()
    data = data.T if frame.format.is_planar else data.reshape(-1, frame.layout.nb_channels)
    bits = INTEGER_BITS.get(frame.format.name.removesuffix("p"))
    if bits is None:
        return data
    return (data.astype(np.float64) - (128 if bits == 8 else 0)) / 2.0 ** (bits - 1)


def _subtype(codec: Any) -> str:
    """What the samples were coded as; integers of codecs that lose some are worth 16 bits."""
    decoded = codec.format.name.removesuffix("p")
    if decoded in INTEGER_BITS:
        bits = INTEGER_BITS[decoded]
        if bits == 32 and not codec.name.startswith("pcm_s32"):
            bits = 24
        return "PCM_U8" if bits == 8 else f"PCM_{bits}"
    if codec.name.startswith("pcm_f"):
        return "DOUBLE" if decoded == "dbl" else "FLOAT"
    return SUBTYPES.get(codec.name.removesuffix("float"), codec.name.upper())


def _xing_samples(source: Source, start: int) -> int:
    """How many samples an MP3 says it has, less LAME's delay and padding; 0 where it says nothing."""
    head = source.at(start, XING_WITHIN_BYTES)
    place = max(head.find(b"Xing"), head.find(b"Info"))
    if head[:1] != b"\xff" or not 4 < place < min(200, len(head) - 11):
        return 0
    flags, frames = struct.unpack_from(">II", head, place + 4)
    if not flags & 1:
        return 0
    lame = place + 8 + sum(size for bit, size in ((1, 4), (2, 4), (4, 100), (8, 4)) if flags & bit)
    ends = int.from_bytes(head[lame + 21 : lame + 24], "big")
    per_frame = 1152 if head[1] >> 3 & 3 == 3 else 576
    return max(frames * per_frame - (ends >> 12) - (ends & 0xFFF), 0)

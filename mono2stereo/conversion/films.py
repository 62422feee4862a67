"""Containers of pictures and sound: all is copied as it is but one sound track, which becomes stereo.

M4A files are such containers too, with a cover for a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from mono2stereo.conversion.stale import is_stale
from mono2stereo.errors import AudioError, printable
from mono2stereo.sounds.compressed import OPENED
from mono2stereo.sounds.source import Section, Source

# Of tracks in stereo: what encoders lose there is below what they lost of the source.
BIT_RATES = {"aac": 320_000, "libopus": 256_000}
SAMPLES = {"PCM_16": ("s16", "int16"), "PCM_24": ("s32", "int32"), "FLOAT": ("flt", "float32")}
BLOCK_FRAMES = 1 << 12


def codec_for(suffix: str, subtype: str) -> str:
    """FFmpeg's name of the codec of a stereo track.

    Args:
        suffix: Of the film.
        subtype: PCM_16, PCM_24 or FLOAT: what the stereo sound is.
    """
    if suffix == ".mov":
        return {"PCM_16": "pcm_s16le", "PCM_24": "pcm_s24le", "FLOAT": "pcm_f32le"}[subtype]
    if suffix == ".webm":
        return "libopus"
    if suffix in (".mkv", ".mka"):
        return "flac"
    return "alac" if suffix in (".m4a", ".m4b") and subtype != "FLOAT" else "aac"


def write_film(
    source: Path, sound: Path, target: Path, *, track: int | None, add_track: bool, start: Fraction, name: str
) -> list[str]:
    """Write a film anew with a stereo track.

    Args:
        source: The film.
        sound: WAV file of the new track.
        target: To write; its suffix decides container and codec.
        track: Which sound track the new one is made of, from 1 up; None for the first.
        add_track: Put the new one behind it, instead of replacing it.
        start: When the first sample sounds, seconds.
        name: Of the source, in messages.

    Returns:
        What could not be copied.

    Raises:
        AudioError: The container does not take it.
    """
    import av

    notices: list[str] = []
    try:
        with (
            Source(source) as file,
            av.open(Section(file), "r", options=OPENED, metadata_errors="replace") as old,
            soundfile.SoundFile(sound) as stereo,
            av.open(str(target), "w", options=_exact_times(target, stereo.samplerate)) as new,
        ):
            chosen = old.streams.audio[(track or 1) - 1]
            copies: dict[int, Any] = {}
            for stream in old.streams:
                if stream is not chosen or add_track:
                    copies[stream.index] = _copied(stream, new, bool(old.chapters()), notices)
                if stream is chosen:
                    new_track = _stereo_stream(new, chosen, stereo, target.suffix.lower(), added=add_track)
            new.metadata.update(_said(old))
            new.set_chapters(old.chapters())
            new_packets = _encoded(new_track, stereo, start)
            waiting = next(new_packets, None)
            for packet in old.demux():
                if not packet.size or not (copy := copies.get(packet.stream.index)):
                    continue
                # Matroska has no order of decoding; at the start FFmpeg cannot tell it from the times.
                now = (packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base
                while waiting is not None and waiting.dts * waiting.time_base <= now:
                    new.mux(waiting)
                    waiting = next(new_packets, None)
                packet.stream = copy
                new.mux(packet)
            while waiting is not None:
                new.mux(waiting)
                waiting = next(new_packets, None)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (28, 27, 122):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        suffix = target.suffix
        then = "name it .mkv" if suffix != ".mkv" else "have ffmpeg change its picture first"
        raise AudioError(f"{name}: {suffix} does not take it ({reason.lower()}); {then}") from None
    return notices


def _exact_times(target: Path, sample_rate: int) -> dict[str, str]:
    """Options under which MP4 and MOV say to the sample when a track begins; they count milliseconds else."""
    matroska = target.suffix.lower() in (".mkv", ".mka", ".webm")
    return {} if matroska else {"movie_timescale": str(sample_rate)}


def _copied(stream: Any, new: Any, has_chapters: bool, notices: list[str]) -> Any:
    """A stream of the new film like one of the old; None where its packets are not wanted."""
    import av

    if stream.type == "attachment":
        name = stream.metadata.get("filename", "attachment")
        if new.format.name == "matroska":
            new.add_attachment(name, stream.mimetype or "", stream.data)
        else:
            notices.append(f"its attachment {printable(name)} has no place there; left out")
        return None
    if not stream.codec_context:
        if stream.type != "data" or not has_chapters:  # those of chapters are made anew
            notices.append(f"its track {stream.index} ({stream.type}) cannot be copied; left out")
        return None
    try:
        copy = new.add_stream_from_template(stream)
    except (av.FFmpegError, ValueError):
        if stream.type == "video":
            raise
        notices.append(f"its {stream.type} track {stream.index} has no place there; left out")
        return None
    copy.metadata.update(_said(stream))
    copy.disposition = stream.disposition
    return copy


def _said(old: Any) -> dict[str, str]:
    """What a file or a track says that stays true; a track's title is read from MP4 as its name."""
    renamed = {"title" if key == "name" else key: text for key, text in old.metadata.items()}
    return {key: text for key, text in renamed.items() if not is_stale(key)}


def _stereo_stream(new: Any, chosen: Any, stereo: soundfile.SoundFile, suffix: str, *, added: bool) -> Any:
    codec = codec_for(suffix, stereo.subtype)
    new_track = new.add_stream(codec, rate=stereo.samplerate, layout="stereo")
    offered = [form.name for form in new_track.codec_context.codec.audio_formats]
    form, _ = SAMPLES[stereo.subtype]
    new_track.codec_context.format = next(
        (each for each in offered if each in (form, f"{form}p")), offered[0]
    )
    if codec in BIT_RATES:
        new_track.bit_rate = BIT_RATES[codec]
    new_track.metadata.update(_said(chosen))
    new_track.disposition = 0 if added else chosen.disposition
    return new_track


def _encoded(new_track: Any, stereo: soundfile.SoundFile, start: Fraction) -> Iterator[Any]:
    """The packets of the new track."""
    import av

    rate = stereo.samplerate
    form, dtype = SAMPLES[stereo.subtype]
    position = round(start * rate)
    while len(block := stereo.read(BLOCK_FRAMES, dtype, always_2d=True)):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), form, "stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, position, Fraction(1, rate)
        position += len(block)
        yield from new_track.encode(frame)
    yield from new_track.encode(None)

"""Real files of every kind that is read, and seeded ways to damage them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import av
import mutagen
import numpy as np
import soundfile
from mutagen.id3 import APIC, TIT2

SAMPLES = 6000
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 10**6, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
FORMATS = [
    *(
        ("wav", "WAV", subtype)
        for subtype in ("PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ULAW", "MS_ADPCM")
    ),
    ("wav", "WAVEX", "PCM_24"),
    ("wav", "RF64", "PCM_16"),
    ("aiff", "AIFF", "PCM_16"),
    ("aiff", "AIFF", "FLOAT"),
    ("flac", "FLAC", "PCM_16"),
    ("ogg", "OGG", "VORBIS"),
    ("ogg", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
]
BY_FFMPEG = [
    *(("m4a", "aac"), ("m4a", "alac"), ("mkv", "flac"), ("webm", "libopus"), ("wma", "wmav2")),
    *(("aac", "aac"), ("ac3", "ac3"), ("caf", "pcm_s16le"), ("mov", "pcm_s24le")),
    *(("avi", "libmp3lame"), ("tta", "tta")),
]


def originals(folder: Path) -> Iterator[Path]:
    """Write one file of each kind, with tags and chunks where the kind has them."""
    sound = 0.2 * np.sin(np.arange(SAMPLES) / 9) + 0.01 * np.random.default_rng(0).normal(size=SAMPLES)
    for number, (suffix, format_, subtype) in enumerate(FORMATS):
        path = folder / f"{number}-{subtype}.{suffix}"
        channels = sound if number % 2 else np.stack([sound, sound[::-1]], axis=1)
        soundfile.write(path, channels, 48000, format=format_, subtype=subtype)
        if suffix == "wav":
            extra = b"LIST" + struct.pack("<I", 18) + b"INFOINAM" + struct.pack("<I", 6) + b"Title\0"
            data = path.read_bytes() + extra + b"cue " + struct.pack("<IIIIIIII", 28, 1, 1, 9, 0, 0, 0, 9)
            if data[:4] == b"RIFF":
                data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
            path.write_bytes(data)
        elif tagged := mutagen.File(path):
            if tagged.tags is None:
                tagged.add_tags()
            if hasattr(tagged.tags, "getall"):
                tagged.tags.add(TIT2(encoding=3, text="Title"))
                tagged.tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=bytes(300)))
            else:
                tagged.tags["TITLE"] = "Title"
            tagged.save()
        yield path
    for suffix, codec in BY_FFMPEG:
        yield from _by_ffmpeg(folder / f"{codec}.{suffix}", codec, sound)


def _by_ffmpeg(path: Path, codec: str, sound: np.ndarray) -> Iterator[Path]:
    with av.open(str(path), "w") as file:
        file.metadata["title"] = "Title"
        stream = file.add_stream(codec, rate=48000, layout="mono", bit_rate=96_000)
        frame = av.AudioFrame.from_ndarray(sound.astype(np.float32).reshape(1, -1), "flt", "mono")
        frame.sample_rate, frame.pts = 48000, 0
        stream.codec_context.format = stream.codec_context.codec.audio_formats[0]
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    yield path


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """One to four wounds: headers more often than the rest, for they decide what is allocated."""
    wounded = bytearray(data)
    for _ in range(random.integers(1, 5)):
        reach = len(wounded) if random.random() < 0.3 else min(len(wounded), 200)
        at = int(random.integers(reach or 1))
        match random.integers(6):
            case 0:
                wounded[at : at + 1] = random.bytes(1)
            case 1:
                size, order = [(1, "B"), (2, "H"), (4, "I")][random.integers(3)], "<>"[random.integers(2)]
                value = EXTREMES[random.integers(len(EXTREMES))] % (1 << 8 * size[0])
                wounded[at : at + size[0]] = struct.pack(order + size[1], value)
            case 2:
                del wounded[at:]
            case 3:
                del wounded[at : at + int(random.integers(1, 64))]
            case 4:
                wounded[at:at] = wounded[at : at + int(random.integers(1, 4096))]
            case 5:
                wounded[at : at + 8] = struct.pack("<d", [np.nan, np.inf, 1e300][random.integers(3)])
    return bytes(wounded)

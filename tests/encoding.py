"""Sounds encoded by FFmpeg, so that tests need no program of the system's."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

INTEGER = {"s16": np.int16, "s16p": np.int16, "s32": np.int32, "s32p": np.int32}


def tone(seconds: float, rate: int = 44100, channels: int = 1, level: float = 0.4) -> np.ndarray:
    """(samples, channels): a tone in a little noise, other in each channel."""
    time = np.arange(round(seconds * rate)) / rate
    noise = 0.02 * np.random.default_rng(0).normal(size=(len(time), channels))
    return level * (np.sin(2 * np.pi * 440 * time[:, None] * (1 + np.arange(channels) / 2)) + noise)


def encode(
    path: Path,
    sound: np.ndarray,
    rate: int = 44100,
    *,
    codec: str,
    container: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    bit_rate: int | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write (samples, channels), full scale 1, in the container that the suffix names."""
    with av.open(str(path), "w", options=container or {}) as file:
        file.metadata.update(metadata or {})
        layout = "stereo" if sound.shape[1] == 2 else "mono"
        stream = file.add_stream(codec, rate=rate, layout=layout, options=options or {})
        forms = [form.name for form in stream.codec_context.codec.audio_formats]
        form = next((form for form in forms if form.startswith("s16")), forms[0])
        stream.codec_context.format = form
        if bit_rate:
            stream.bit_rate = bit_rate
        for packet in encoded(stream, sound, rate, form, layout):
            file.mux(packet)
    return path


def encoded(stream, sound, rate, form, layout):
    """The packets of a stream that is being written."""
    kind = INTEGER.get(form, np.float32)
    scaled = np.round(sound * np.iinfo(kind).max) if kind != np.float32 else sound
    samples = np.ascontiguousarray(scaled.astype(kind))
    samples = samples.T if form.endswith("p") else samples.reshape(1, -1)
    step = 1024 if form.endswith("p") else 1024 * sound.shape[1]
    for place in range(0, samples.shape[1], step):
        block = np.ascontiguousarray(samples[:, place : place + step])
        frame = av.AudioFrame.from_ndarray(block, form, layout)
        frame.sample_rate, frame.pts = rate, place // (1 if form.endswith("p") else sound.shape[1])
        yield from stream.encode(frame)
    yield from stream.encode(None)

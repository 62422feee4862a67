"""Films keep all but one sound track, and the stereo one sounds where the mono one did."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.conversion.options import FileOptions
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.errors import AudioError

RATE, SECONDS, START = 48000, 2, Fraction(1, 4)
CHAPTERS = [("One", 0, 900), ("Two", 900, 2000)]  # ms
SUBTITLES = [(0.3, "Hello"), (1.2, "again")]
FONT = b"font" * 100


def sound(hz: float) -> np.ndarray:
    time = np.arange(SECONDS * RATE) / RATE
    return 0.4 * np.sin(2 * np.pi * hz * time) * np.exp(-3 * (time % 0.5))


def film(path: Path, codec: str, tracks: int = 1) -> Path:
    """25 pictures a second with B-frames, and mono tracks that begin at 0.25 s."""
    with av.open(str(path), "w") as file:
        file.metadata["title"] = "A film"
        codec_of_pictures = "libvpx" if path.suffix == ".webm" else "libx264"
        picture = file.add_stream(codec_of_pictures, rate=25, width=64, height=48, pix_fmt="yuv420p")
        streams = []
        for number in range(tracks):
            stream = file.add_stream(codec, rate=RATE, layout="mono")
            stream.metadata.update({"language": ("deu", "eng")[number], "title": f"Track {number}"})
            streams.append(stream)
        words = None
        if path.suffix == ".mkv":
            file.add_attachment("font.ttf", "application/x-truetype-font", FONT)
            words = file.add_stream("ass")
            words.codec_context.subtitle_header = (
                b"[Script Info]\n[Events]\nFormat: Layer, Start, End, Text\n"
            )
            words.metadata["language"] = "fra"
        file.set_chapters(
            [
                {"id": n, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                for n, (title, a, b) in enumerate(CHAPTERS, 1)
            ]
        )
        packets: list[Any] = []
        for number in range(25 * SECONDS):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), 4 * number % 256, np.uint8), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            packets += picture.encode(frame)
        packets += picture.encode(None)
        for number, stream in enumerate(streams):
            samples = sound(440 + 110 * number).astype(np.float32)
            for place in range(0, len(samples), 1024):
                block = samples[place : place + 1024].reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(block, "flt", "mono")
                frame.sample_rate, frame.pts = RATE, place + int(START * RATE)
                frame.time_base = Fraction(1, RATE)
                packets += stream.encode(frame)
            packets += stream.encode(None)
        for number, (time, text) in enumerate(SUBTITLES if words else []):
            packet = av.Packet(f"{number},0,Default,,0,0,0,,{text}".encode())
            packet.stream, packet.time_base = words, Fraction(1, 1000)
            packet.pts = packet.dts = int(1000 * time)
            packet.duration = 400
            packets.append(packet)
        for packet in sorted(packets, key=lambda each: each.dts * each.time_base):
            file.mux(packet)
    return path


def copied(path: Path, kind: str) -> list[tuple[float, bytes]]:
    """When each packet of a kind is shown, and what is in it."""
    with av.open(str(path)) as file:
        packets = [packet for packet in file.demux(**{kind: 0}) if packet.size]
    return sorted((float(packet.pts * packet.time_base), bytes(packet)) for packet in packets)


def heard(path: Path, track: int = 0) -> tuple[np.ndarray, dict[str, str]]:
    """A track as it sounds in time, (samples, channels) from 0 s on, and what is said about it."""
    timeline = None
    with av.open(str(path)) as file:
        stream = file.streams.audio[track]
        for frame in file.decode(stream):
            data = frame.to_ndarray()
            data = data.T if frame.format.is_planar else data.reshape(-1, frame.layout.nb_channels)
            scale = {"s16": 2**15, "s32": 2**31}.get(frame.format.name, 1)
            if timeline is None:
                place, timeline = (
                    round(frame.pts * frame.time_base * RATE),
                    np.zeros((3 * RATE, data.shape[1])),
                )
            timeline[place : place + len(data)] = data / scale
            place += len(data)
        return timeline, dict(stream.metadata)


def convert(source: Path, target: Path, **options: Any):
    return convert_file(source, target, decorrelator=Velvet(), options=FileOptions(**options))


@pytest.mark.parametrize(
    ("suffix", "codec", "made", "worst"),
    [
        ("mkv", "flac", "flac", 0),
        ("mkv", "aac", "flac", 1e-4),
        ("mov", "pcm_s16le", "pcm_s16le", 0),
        ("mov", "pcm_f32le", "pcm_f32le", 1e-7),
        ("mp4", "aac", "aac", 0.02),
        ("webm", "libopus", "opus", 0.1),
    ],
)
def test_all_but_the_sound_is_the_same_picture_by_picture(suffix, codec, made, worst, tmp_path):
    source, target = film(tmp_path / f"a.{suffix}", codec), tmp_path / f"b.{suffix}"
    done = convert(source, target)
    assert not any("left out" in notice for notice in done.notices)
    lossy = [notice for notice in done.notices if notice.startswith("its codec is lossy: ")]
    assert len(lossy) == (made in ("aac", "opus"))
    assert copied(target, "video") == copied(source, "video")
    mono, said_before = heard(source)
    stereo, said = heard(target)
    assert stereo.shape[1] == 2
    assert np.abs(stereo.mean(axis=1) - done.gain.factor * mono[:, 0]).max() <= worst
    assert np.std(stereo[:, 0] - stereo[:, 1]) > 0.1 * np.std(mono)
    assert said.get("language") == said_before.get("language")  # MOV has no place for German
    assert "Track 0" in said.values()
    with av.open(str(target)) as file:
        assert file.metadata["title"] == "A film"
        assert len(file.streams.audio) == 1
        assert file.streams.audio[0].codec_context.name.removesuffix("float") == made
        times = [each["start"] * each["time_base"] for each in file.chapters()]
        assert [each["metadata"]["title"] for each in file.chapters()] == ["One", "Two"]
        assert times == [0, Fraction(9, 10)]
    if suffix == "mkv":
        assert copied(target, "subtitles") == copied(source, "subtitles") != []
        with av.open(str(target)) as file:
            assert [stream.data for stream in file.streams if stream.type == "attachment"] == [FONT]
            assert file.streams.subtitles[0].metadata["language"] == "fra"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_what_another_container_has_no_place_for_is_named_and_pictures_keep_their_order(suffix, tmp_path):
    source, target = film(tmp_path / "a.mkv", "flac"), tmp_path / f"b.{suffix}"
    lost = [notice for notice in convert(source, target).notices if "left out" in notice]
    assert [notice.split(" has ")[0] for notice in lost] == [
        "its subtitle track 2",
        "its attachment font.ttf",
    ]
    assert copied(target, "video") == copied(source, "video")
    with av.open(str(target)) as file:
        orders = [(packet.dts, packet.pts) for packet in file.demux(video=0) if packet.size]
    assert [dts for dts, _ in orders] == sorted({dts for dts, _ in orders})
    assert all(dts <= pts for dts, pts in orders)
    assert [pts for _, pts in orders] != sorted(pts for _, pts in orders)


def test_a_track_is_chosen_and_may_be_added(tmp_path):
    source, target = film(tmp_path / "a.mkv", "flac", tracks=2), tmp_path / "b.mkv"
    assert any("2 sound tracks" in notice for notice in convert(source, target).notices)
    convert(source, target, track=2, add_track=True, force=True)
    with av.open(str(target)) as file:
        assert [stream.codec_context.layout.nb_channels for stream in file.streams.audio] == [1, 1, 2]
    for track in (0, 1):
        np.testing.assert_array_equal(heard(target, track)[0], heard(source, track)[0])
    stereo, said = heard(target, 2)
    np.testing.assert_array_equal(stereo.mean(axis=1), heard(source, 1)[0][:, 0])
    assert said["language"] == "eng"
    with pytest.raises(AudioError, match="no sound track 3"):
        convert(source, target, track=3, force=True)


def test_what_floats_held_above_full_scale_is_not_cut(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "sound", lambda hz, quiet=sound: 2.4 * quiet(hz))
    done = convert(film(tmp_path / "a.mkv", "aac"), tmp_path / "b.mkv")  # into FLAC, which has none
    assert done.gain.db < -1
    assert np.abs(heard(tmp_path / "b.mkv")[0]).max() < 1


def test_a_container_that_does_not_take_the_picture_is_refused(tmp_path):
    with pytest.raises(AudioError, match=r"a\.mkv: \.webm does not take it"):
        convert(film(tmp_path / "a.mkv", "flac"), tmp_path / "b.webm")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_m4a_stays_m4a(codec, tmp_path):
    source = tmp_path / "a.m4a"
    with av.open(str(source), "w") as file:
        file.metadata["title"] = "A song"
        stream = file.add_stream(codec, rate=RATE, layout="mono")
        block = sound(440).astype(np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, "flt", "mono")
        frame.sample_rate, frame.pts = RATE, 0
        stream.codec_context.format = "fltp" if codec == "aac" else "s16p"
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    convert(source, tmp_path / "b.m4a")
    with av.open(str(tmp_path / "b.m4a")) as file:
        assert file.streams.audio[0].codec_context.name == codec
        assert file.metadata["title"] == "A song"
        assert file.streams.audio[0].duration == SECONDS * RATE
    stereo, mono = heard(tmp_path / "b.m4a")[0], heard(source)[0]
    assert np.abs(stereo.mean(axis=1) - mono[:, 0]).max() < (0.02 if codec == "aac" else 1e-9)

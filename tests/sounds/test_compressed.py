"""What is compressed is read to its real end, sample for sample, whatever its header says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import av
import mutagen
import numpy as np
import pytest
import soundfile
from encoding import encode, tone

from mono2stereo.errors import AudioError
from mono2stereo.sounds.opening import open_sound
from mono2stereo.sounds.source import Source


def read(path: Path):
    with open_sound(path) as sound:
        return np.concatenate([np.zeros((0, sound.channels)), *sound.blocks(5000)]), sound


def first_frame(mp3: bytes) -> int:
    """Bytes of the frame that says how many there are."""
    return mp3.index(mp3[:2], 100)


@pytest.mark.parametrize("seconds", [(2, 3), (0.5, 4)])
def test_an_mp3_of_variable_rate_that_does_not_say_its_length_is_read_whole(seconds, tmp_path):
    soft, loud = seconds
    sound = np.concatenate(
        [
            0.001 * tone(soft),
            tone(loud) + 0.2 * np.random.default_rng(1).normal(size=(round(loud * 44100), 1)),
        ]
    )
    soundfile.write(tmp_path / "x.mp3", np.clip(sound, -1, 1), 44100, bitrate_mode="VARIABLE")
    data = (tmp_path / "x.mp3").read_bytes()
    (tmp_path / "x.mp3").write_bytes(data[first_frame(data) :])
    samples, found = read(tmp_path / "x.mp3")
    assert 0 <= len(samples) - len(sound) < 4 * 1152  # nothing says how much of it is padding
    assert (found.frames, found.missing_seconds, found.notices) == (0, 0, [])


@pytest.mark.parametrize(
    ("suffix", "how", "slack"),
    [
        ("mp3", {}, 4 * 1152),  # the second one's delay and padding stay
        ("ogg", {}, 128),
        ("opus", {"format": "OGG", "subtype": "OPUS"}, 0),
    ],
)
def test_files_one_after_the_other_are_all_read(suffix, how, slack, tmp_path):
    sound = tone(3.1, 48000)
    soundfile.write(tmp_path / f"x.{suffix}", sound, 48000, **how)
    data = (tmp_path / f"x.{suffix}").read_bytes()
    (tmp_path / f"x.{suffix}").write_bytes(data + data)
    samples, found = read(tmp_path / f"x.{suffix}")
    assert 0 <= len(samples) - 2 * len(sound) <= slack
    assert np.std(samples[-len(sound) :]) == pytest.approx(np.std(sound), rel=0.05)
    assert found.missing_seconds <= 0


def test_an_mp3_that_ends_within_its_count_is_refused_in_a_line(tmp_path):
    soundfile.write(tmp_path / "x.mp3", tone(0.2)[:, 0], 44100)
    data = (tmp_path / "x.mp3").read_bytes()
    place = max(data.find(b"Xing"), data.find(b"Info"))
    (tmp_path / "x.mp3").write_bytes(data[: place + 8])
    with pytest.raises(AudioError, match=r"x\.mp3: "):
        open_sound(tmp_path / "x.mp3")


def test_two_flac_files_in_one_are_named(tmp_path):
    soundfile.write(tmp_path / "x.flac", 0.1 * np.random.default_rng(0).normal(size=40000), 44100)
    data = (tmp_path / "x.flac").read_bytes()
    (tmp_path / "x.flac").write_bytes(data + data)
    samples, found = read(tmp_path / "x.flac")
    assert len(samples) == 40000
    assert "follow its end and were left out" in found.notices[0]


@pytest.mark.parametrize(
    ("rate", "channels", "said"),
    [(22050, 1, "22050 Hz and was resampled"), (44100, 2, "2 channels, taken as one")],
)
def test_an_mp3_that_changes_midway_is_read_on(rate, channels, said, tmp_path):
    for name, (hz, count) in {"a": (44100, 1), "b": (rate, channels)}.items():
        soundfile.write(tmp_path / f"{name}.mp3", tone(2, hz, count), hz)
    (tmp_path / "x.mp3").write_bytes((tmp_path / "a.mp3").read_bytes() + (tmp_path / "b.mp3").read_bytes())
    samples, found = read(tmp_path / "x.mp3")
    assert len(samples) == pytest.approx(4 * 44100, abs=4000)
    assert found.notices[0].startswith("from 2.0")
    assert said in found.notices[0]
    assert "header says" not in found.notices[0]
    later = np.abs(np.fft.rfft(samples[100_000:160_000, 0]))
    assert round(np.argmax(later) * 44100 / 60000) in (440, 660)  # of the second channel


@pytest.mark.parametrize("seconds", [0.1, 2.7])
@pytest.mark.parametrize(
    ("suffix", "codec", "rate"),
    [
        ("mp3", "libmp3lame", 44100),
        ("m4a", "aac", 44100),
        ("m4a", "alac", 44100),
        ("opus", "libopus", 48000),
        ("webm", "libopus", 48000),
        ("mka", "flac", 44100),
        ("caf", "pcm_s16le", 44100),
    ],
)
def test_lengths_are_exact(suffix, codec, rate, seconds, tmp_path):
    sound = tone(seconds, rate)
    samples, found = read(encode(tmp_path / f"x.{suffix}", sound, rate, codec=codec))
    assert samples.shape == sound.shape
    assert found.notices == []
    lossy = codec not in ("alac", "flac") and not codec.startswith("pcm")
    if not lossy:
        assert np.abs(samples - np.round(sound * 32767) / 32768).max() == 0
    elif seconds > 1:  # in step: no codec's delay is left
        middle = slice(rate, 2 * rate)
        shifts = [np.dot(np.roll(samples[:, 0], shift)[middle], sound[middle, 0]) for shift in range(-20, 21)]
        assert np.argmax(shifts) == 20


def test_itunes_says_where_aac_ends(tmp_path):
    sound = tone(1.3)
    encode(tmp_path / "x.m4a", sound, codec="aac", container={"use_editlist": "0"})
    before, _ = read(tmp_path / "x.m4a")
    tags = mutagen.File(tmp_path / "x.m4a")
    words = f" 00000000 00000400 {len(before) - 1024 - len(sound):08X} {len(sound):016X}" + " 00000000" * 8
    tags["----:com.apple.iTunes:iTunSMPB"] = words.encode()
    tags.save()
    samples, _ = read(tmp_path / "x.m4a")
    assert len(samples) == len(sound)
    assert np.corrcoef(samples[:, 0], sound[:, 0])[0, 1] > 0.99


def test_gaps_are_filled(tmp_path):
    with av.open(str(tmp_path / "x.mka"), "w") as file:
        stream = file.add_stream("flac", rate=8000, layout="mono")
        packets = []
        for number in range(8):
            frame = av.AudioFrame.from_ndarray(np.full((1, 4608), 99, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = 8000, 4608 * number
            packets += stream.encode(frame)
        for number, packet in enumerate([*packets, *stream.encode(None)]):
            if number >= 4:
                packet.pts = packet.dts = packet.pts + round(0.5 / packet.time_base)
            file.mux(packet)
    samples, found = read(tmp_path / "x.mka")
    assert len(samples) == 8 * 4608 + 4000
    assert np.count_nonzero(samples) == 8 * 4608
    assert found.notices == ["from 0.288 s on it has gaps, which were filled with silence"]


@pytest.mark.system
@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg")
@pytest.mark.parametrize(
    ("suffix", "codec"), [("wma", "wmav2"), ("mp3", "libmp3lame"), ("ac3", "ac3"), ("mp2", "mp2")]
)
def test_samples_are_those_of_the_ffmpeg_program(suffix, codec, tmp_path):
    encode(tmp_path / f"x.{suffix}", tone(1.5, channels=2), codec=codec, bit_rate=128_000)
    command = ["ffmpeg", "-v", "error", "-i", f"x.{suffix}", "-c:a", "pcm_f32le", "x.wav"]
    subprocess.run(command, cwd=tmp_path, check=True)
    expected = soundfile.read(tmp_path / "x.wav")[0]
    samples, _ = read(tmp_path / f"x.{suffix}")
    assert samples.shape == expected.shape
    assert np.abs(samples - expected).max() < 1e-6


@pytest.mark.parametrize("name", ["x.mp3", "x.wav", "x"])
@pytest.mark.parametrize(
    ("suffix", "codec", "kind"), [("m4a", "aac", "MP4"), ("aac", "aac", "AAC"), ("oga", "flac", "OGG")]
)
def test_bytes_and_not_names_decide(suffix, codec, kind, name, tmp_path):
    sound = tone(1)
    encode(tmp_path / f"made.{suffix}", sound, codec=codec)
    (tmp_path / f"made.{suffix}").rename(tmp_path / name)
    samples, found = read(tmp_path / name)
    assert found.kind == kind
    assert len(samples) == pytest.approx(len(sound), abs=2048)
    assert np.corrcoef(samples[: len(sound), 0], sound[: len(samples), 0])[0, 1] > 0.3 or kind == "AAC"


def test_id3_before_flac_is_flac(tmp_path):
    soundfile.write(tmp_path / "x.flac", tone(0.5), 44100)
    (tmp_path / "x.flac").write_bytes(b"ID3\3\0\0\0\0\1\0" + bytes(128) + (tmp_path / "x.flac").read_bytes())
    samples, found = read(tmp_path / "x.flac")
    assert (found.kind, found.subtype, len(samples)) == ("FLAC", "PCM_16", 22050)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"nonsense" * 900, "no WAV, FLAC, OGG, MP3 or AIFF file"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nsecret.mp3\n#EXT-X-ENDLIST\n", "no WAV, FLAC"),
        (b"ffconcat version 1.0\nfile secret.mp3\n", "no WAV, FLAC"),
    ],
)
def test_what_is_no_sound_is_refused_and_leads_nowhere(data, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    soundfile.write("secret.mp3", tone(1), 44100)
    for name in ("x.mp3", "x.m3u8"):
        Path(name).write_bytes(data)
        with pytest.raises(AudioError, match=f"{name}: {said}"):
            open_sound(Path(name))


def test_a_film_without_sound_and_a_track_that_is_not_there(tmp_path):
    encode(tmp_path / "x.mka", tone(1), codec="flac")
    with pytest.raises(AudioError, match="holds no sound track 2"):
        open_sound(tmp_path / "x.mka", track=2)


def test_damaged_packets_are_counted(tmp_path):
    encode(tmp_path / "x.mka", tone(3), codec="flac")
    data = bytearray((tmp_path / "x.mka").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    (tmp_path / "x.mka").write_bytes(data)
    samples, found = read(tmp_path / "x.mka")
    assert len(samples) == pytest.approx(3 * 44100, abs=100)  # in step
    assert "has gaps" in " ".join(found.notices)


def test_a_pipe_is_read_once_and_whole(tmp_path):
    import os
    import threading

    sound = tone(2)
    soundfile.write(tmp_path / "x.mp3", sound, 44100)
    reading, writing = os.pipe()
    data = (tmp_path / "x.mp3").read_bytes()
    threading.Thread(target=lambda: (os.write(writing, data), os.close(writing))).start()
    with Source(reading) as source, open_sound(source, "pipe") as found:
        assert sum(len(block) for block in found.blocks(999)) == len(sound)
    os.close(reading)

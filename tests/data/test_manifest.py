from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.data.manifest import build_manifest, inspect_track, read_manifest, write_manifest
from mono2stereo.data.sources import Track
from mono2stereo.errors import DataError


@pytest.fixture(autouse=True)
def _one_process(monkeypatch) -> None:
    monkeypatch.setattr("mono2stereo.parallel.usable_cores", lambda: 1)


def _inspect(path: Path, root: Path, min_seconds: float = 0.5):
    return inspect_track(Track(path.stem, "train", path), root=root, min_seconds=min_seconds)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_reads_every_format(tmp_path: Path, write_stereo, suffix: str) -> None:
    path = tmp_path / "in" / f"x.{suffix}"
    stereo = write_stereo(path, seconds=1.0, rate=44100)
    row = _inspect(path, tmp_path)
    assert row.status == "ok"
    assert (row.path, row.sample_rate) == (f"in/x.{suffix}", 44100)
    assert row.seconds == pytest.approx(1.0, abs=0.06)
    assert row.bytes == path.stat().st_size
    assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    mid, side = (stereo[:, 0] + stereo[:, 1]) / 2, (stereo[:, 0] - stereo[:, 1]) / 2
    expected = 10 * math.log10(np.sum(side**2) / np.sum(mid**2))
    assert row.side_to_mid_db == pytest.approx(expected, abs=0.3)


def test_a_broken_file_and_a_name_that_is_no_text_get_a_reason(tmp_path: Path, write_stereo) -> None:
    (tmp_path / "broken.mp3").write_bytes(b"ID3" + bytes(range(256)) * 9)
    assert _inspect(tmp_path / "broken.mp3", tmp_path).status.startswith("unreadable: no WAV, FLAC")
    write_stereo(tmp_path / "x.wav")
    latin = (tmp_path / "x.wav").rename(tmp_path / os.fsdecode(b"caf\xe9.wav"))
    row = inspect_track(Track("x", "train", latin), root=tmp_path, min_seconds=0.5)
    assert row.status == "name not in UTF-8, as DVC needs it; rename it"
    write_manifest([row], tmp_path / "manifest.csv")
    assert read_manifest(tmp_path / "manifest.csv")[0].path == "caf?.wav"


def test_paths_outside_the_root_are_absolute(tmp_path: Path, write_stereo) -> None:
    write_stereo(tmp_path / "x.wav")
    assert _inspect(tmp_path / "x.wav", tmp_path / "root").path == (tmp_path / "x.wav").resolve().as_posix()


def _unfit(folder: Path, write_stereo) -> dict[str, str]:
    write_stereo(folder / "identical.wav", side=0.0)
    write_stereo(folder / "barely.wav", side=2e-4, subtype="FLOAT")
    write_stereo(folder / "short.wav", seconds=0.2)
    soundfile.write(folder / "one.wav", np.random.default_rng(0).standard_normal(44100) * 0.1, 44100)
    soundfile.write(folder / "six.wav", np.random.default_rng(0).standard_normal((44100, 6)) * 0.1, 44100)
    soundfile.write(folder / "silent.wav", np.zeros((44100, 2)), 44100)
    soundfile.write(folder / "opposite.wav", np.outer(np.sin(np.arange(44100) / 9), [0.5, -0.5]), 44100)
    soundfile.write(folder / "nan.wav", np.full((44100, 2), np.nan), 44100, subtype="FLOAT")
    (folder / "text.wav").write_text("not audio")
    (folder / "empty.wav").touch()
    return {
        "identical": "mono",
        "barely": "mono",
        "short": "too short: 0.20 s",
        "one": "mono",
        "six": "6 channels; mix it down to two",
        "silent": "silent",
        "opposite": "channels in opposite phase",
        "nan": "88200 samples that are not finite",
        "text": "unreadable",
        "empty": "unreadable",
    }


def test_unfit_recordings_are_named_and_left_out(tmp_path: Path, write_stereo, capfd) -> None:
    for n, split in enumerate(("train", "valid", "test")):
        write_stereo(tmp_path / split / "good.wav", seed=n)
    expected = _unfit(tmp_path / "train", write_stereo)
    tracks = [Track(split, split, tmp_path / split / "good.wav") for split in ("train", "valid", "test")]
    tracks += [Track(name, "train", tmp_path / "train" / f"{name}.wav") for name in expected]
    rows = build_manifest(tracks, root=tmp_path, min_seconds=0.5)
    assert [row.track for row in rows] == [track.name for track in tracks]
    printed = capfd.readouterr().err
    for row in rows[:3]:
        assert row.status == "ok"
    for row in rows[3:]:
        assert row.status.startswith(expected[row.track]), row
        assert f"left out: train/{row.track}.wav: {row.status}" in printed
    with pytest.raises(
        DataError, match=r"10 of 13 .*train/short\.wav \(too short: 0\.20 s, 8820 samples\)"
    ) as refusal:
        build_manifest(tracks, root=tmp_path, min_seconds=0.5, strict=True)
    assert "\n" not in str(refusal.value)


def test_copies_do_not_leak_between_splits(tmp_path: Path, write_stereo) -> None:
    for n, name in enumerate("abc"):
        write_stereo(tmp_path / f"{name}.wav", seed=n)
    (tmp_path / "copy.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    tracks = [
        Track(name, split, tmp_path / f"{name}.wav")
        for name, split in zip("abc", ("train", "valid", "test"), strict=True)
    ]
    rows = build_manifest(
        [*tracks, Track("copy", "test", tmp_path / "copy.wav")], root=tmp_path, min_seconds=0.5
    )
    assert [row.status for row in rows] == ["ok", "ok", "ok", "copy of a.wav"]


@pytest.mark.parametrize("missing", ["train", "valid", "test"])
def test_an_empty_split_is_refused(tmp_path: Path, write_stereo, missing: str) -> None:
    tracks = []
    for n, split in enumerate({"train", "valid", "test"} - {missing}):
        write_stereo(tmp_path / f"{split}.wav", seed=n)
        tracks.append(Track(split, split, tmp_path / f"{split}.wav"))
    with pytest.raises(DataError, match=f"^{missing}: no fit recording"):
        build_manifest(tracks, root=tmp_path, min_seconds=0.5)


def test_csv_round_trip(tmp_path: Path, write_stereo) -> None:
    write_stereo(tmp_path / 'a, "b".wav')
    (tmp_path / "broken.wav").touch()
    rows = [_inspect(tmp_path / name, tmp_path) for name in ('a, "b".wav', "broken.wav")]
    write_manifest(rows, tmp_path / "manifest.csv")
    back = read_manifest(tmp_path / "manifest.csv")
    assert back[0] == rows[0]
    assert math.isnan(back[1].side_to_mid_db)
    header = (tmp_path / "manifest.csv").read_text().splitlines()[0]
    assert header == (
        "track,split,path,sample_rate,seconds,bytes,sha256,side_to_mid_db,clipped_samples,status,note"
    )


@pytest.mark.parametrize("text", ["", "track,split\nx,train\n", None])
def test_reading_another_file_is_one_line(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "manifest.csv"
    if text == "":
        assert_text = "track,split,path,sample_rate\nx,train,y,fast\n"
        path.write_text(assert_text)
    elif text:
        path.write_text(text)
    with pytest.raises(DataError, match="run the stage download"):
        read_manifest(path)

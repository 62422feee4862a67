from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.data.sources import DEMO_PATH, choose_source
from mono2stereo.data.sources.musdb_tree import musdb_settings
from mono2stereo.errors import DataError


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch) -> None:
    monkeypatch.delenv("MUSDB_PATH", raising=False)


def test_says_what_is_missing_before_anything_else(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"ffmpeg and ffprobe not on PATH.*install ffmpeg"):
        choose_source("musdb18-sample", path=DEMO_PATH, root=tmp_path).prepare()
    assert list(tmp_path.iterdir()) == []


def make_stems(folder: Path, *, seconds: float = 7.0) -> Path:
    """Three tracks as MUSDB18 has them: five AAC streams of a stereo recording in one MP4."""
    valid = musdb_settings()["validation_tracks"][0]
    for seed, name in enumerate((f"train/{valid}", "train/Other - Song", "test/Tester - Song")):
        recording = folder / f"{seed}.wav"
        file = folder / f"{name}.stem.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).normal(size=(round(seconds * 44100), 2)) * 0.1
        soundfile.write(recording, noise, 44100)
        inputs = [part for _ in range(5) for part in ("-i", str(recording))]
        maps = [part for n in range(5) for part in ("-map", f"{n}:a")]
        subprocess.run(
            ["ffmpeg", "-loglevel", "error", "-y", *inputs, *maps, "-c:a", "aac", str(file)], check=True
        )
        recording.unlink()
    return folder


@pytest.mark.system
@pytest.mark.skipif(not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg, ffprobe")
class TestWithFfmpeg:
    def test_decodes_once_what_lies_on_disk(self, tmp_path: Path, monkeypatch) -> None:
        stems = make_stems(tmp_path / "stems")
        source = choose_source("musdb18-sample", path=stems, root=tmp_path)
        source.prepare()
        tracks = source.tracks()
        assert [track.split for track in tracks] == ["train", "valid", "test"]
        raw = tmp_path / "data" / "raw" / "musdb18-sample"
        for track in tracks:
            info = soundfile.info(track.path)
            assert raw in track.path.parents
            assert (info.samplerate, info.channels, info.subtype) == (44100, 2, "PCM_16")
            assert info.duration == pytest.approx(7.0, abs=0.05)
        heard, _ = soundfile.read(tracks[1].path)
        truth = np.random.default_rng(0).normal(size=heard.shape) * 0.1
        assert np.std(heard) == pytest.approx(np.std(truth), rel=0.2)

        before = {track.path: track.path.stat().st_mtime_ns for track in tracks}
        monkeypatch.setenv("PATH", str(tmp_path))
        source.prepare()  # nothing to do, so no ffmpeg either
        monkeypatch.undo()
        tracks[0].path.unlink()
        source.prepare()
        after = {track.path: track.path.stat().st_mtime_ns for track in source.tracks()}
        assert {path for path in before if before[path] == after[path]} == {t.path for t in tracks[1:]}

        make_stems(stems, seconds=6.0)
        source.prepare()
        assert {round(soundfile.info(track.path).duration) for track in source.tracks()} == {6}

    def test_a_broken_file_is_named(self, tmp_path: Path) -> None:
        stems = make_stems(tmp_path / "stems")
        (stems / "test" / "Tester - Song.stem.mp4").write_bytes(b"no audio")
        with pytest.raises(DataError, match="musdb cannot read it") as error:
            choose_source("musdb18-sample", path=stems, root=tmp_path).prepare()
        assert "\n" not in str(error.value)

    def test_from_an_archive(self, tmp_path: Path, capsys) -> None:
        stems = make_stems(tmp_path / "stems")
        archive = tmp_path / "MUSDB18-7-STEMS.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for stem in stems.rglob("*.mp4"):
                file.write(stem, stem.relative_to(stems))
        source = choose_source("musdb18-sample", path=archive, root=tmp_path)
        source.prepare()
        assert [track.split for track in source.tracks()] == ["train", "valid", "test"]
        assert "Commercial use" in capsys.readouterr().err

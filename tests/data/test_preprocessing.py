from __future__ import annotations

import csv
import json
import threading
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from filelock import FileLock

from mono2stereo.data import preprocessing
from mono2stereo.data.manifest import build_manifest
from mono2stereo.data.own_side import level_bands, measure_own_side, sounding_stretches
from mono2stereo.data.pairs import load_natural, load_pairs
from mono2stereo.data.preprocess_report import write_reports
from mono2stereo.data.preprocessed_track import PreprocessedTrack
from mono2stereo.data.preprocessing import (
    Settings,
    missing_audio,
    natural_of,
    preprocess,
    round_trip_db,
    write_pair,
)
from mono2stereo.data.sources import Track
from mono2stereo.dsp.mel import mel_magnitudes
from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.movement import FIGURES, movement
from mono2stereo.dsp.resampling import resample
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import DataError

STFT = Stft(116, 58, 128)
SETTINGS = Settings(22050, STFT, crop_samples=22620, coherence_frame_lengths=(1024,), n_mels=80)
SUFFIX = {"train": "wav", "valid": "flac", "test": "ogg"}


@pytest.fixture(autouse=True)
def _one_process(monkeypatch) -> None:
    monkeypatch.setattr("mono2stereo.parallel.usable_cores", lambda: 1)


@pytest.fixture
def rows(tmp_path: Path, write_stereo):
    tracks = []
    for n, (split, suffix) in enumerate(SUFFIX.items()):
        write_stereo(tmp_path / f"{split}.{suffix}", seconds=4.0, rate=(44100, 22050, 48000)[n], seed=n)
        tracks.append(Track(split, split, tmp_path / f"{split}.{suffix}"))
    return build_manifest(tracks, root=tmp_path, min_seconds=1.0)


def _preprocess(rows, root: Path, limit: float = 110.0):
    return preprocess(rows, root / "data" / "pairs", root=root, settings=SETTINGS, min_round_trip_db=limit)


def test_pairs_equal_the_direct_computation(tmp_path: Path, rows) -> None:
    tracks = _preprocess(rows, tmp_path)
    for split, suffix in SUFFIX.items():
        (pair,) = load_pairs(tmp_path / "data" / "pairs", split)
        stereo, rate = soundfile.read(tmp_path / f"{split}.{suffix}", dtype="float32", always_2d=True)
        expected = resample(np.stack(encode(stereo), axis=1), rate, 22050)
        assert pair.mid_side.shape == expected.shape
        assert np.max(np.abs(pair.mid_side - expected)) < 1e-5
        assert isinstance(pair.mid_side, np.memmap)
        assert pair.mid_side.flags.c_contiguous
        assert pair.sample_rate == 22050
        for column, levels in enumerate((pair.mid_level_bands, pair.side_level_bands)):
            bands = mel_magnitudes(expected[:, column].astype(np.float64), 22050)
            np.testing.assert_allclose(levels, np.sqrt(np.mean(bands**2, axis=0)), rtol=1e-3)
    assert [track.entry.name for track in tracks] == ["train", "valid", "test"]
    assert all(track.round_trip_db > 120 for track in tracks)


def test_a_finished_track_is_read_to_the_last_bit(tmp_path: Path, rows) -> None:
    track, *_ = _preprocess(rows, tmp_path)
    silent = replace(
        track.own_side, coherence={1024: np.array([1 / 3, np.nan])}, largest_correlation_3_s=np.nan
    )
    track = replace(track, own_side=silent, levels_db=np.random.default_rng(0).normal(size=(2, 31)))
    again = PreprocessedTrack.loads(track.dumps())
    np.testing.assert_equal(asdict(again), asdict(track))
    assert again.levels_db.dtype == np.float64


@pytest.mark.parametrize("rate", [44100, 48000, 22050, 32000, 96000])
def test_streaming_equals_the_whole(tmp_path: Path, write_stereo, monkeypatch, rate: int) -> None:
    monkeypatch.setattr(preprocessing, "BLOCK_SAMPLES", 10007)
    write_stereo(tmp_path / "x.wav", seconds=1.2345, rate=rate, subtype="FLOAT")
    write_pair(tmp_path / "x.wav", tmp_path / "x.npy", 22050)
    stereo, _ = soundfile.read(tmp_path / "x.wav", dtype="float32")
    expected = resample(np.stack(encode(stereo), axis=1), rate, 22050)
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), expected, atol=1e-6)


def test_levels_by_blocks_equal_the_whole(monkeypatch) -> None:
    x = np.random.default_rng(0).standard_normal(50000).astype(np.float32)
    whole = np.sqrt(np.mean(mel_magnitudes(x, 22050).astype(np.float64) ** 2, axis=0))
    monkeypatch.setattr("mono2stereo.data.own_side.BLOCK_FRAMES", 7)
    np.testing.assert_allclose(level_bands(x, 22050), whole, rtol=1e-5)


def test_own_side_tells_copies_from_independent_sides() -> None:
    rng = np.random.default_rng(0)
    mid, other = rng.standard_normal((2, 22050 * 7)).astype(np.float32)
    copy = measure_own_side(np.stack([mid, -0.3 * mid], axis=1), 22050)
    independent = measure_own_side(np.stack([mid, other], axis=1), 22050)
    assert np.mean(copy.coherence[1024]) == pytest.approx(1, abs=1e-6)
    assert copy.largest_correlation_3_s == pytest.approx(1, abs=1e-6)
    assert np.mean(independent.coherence[1024]) < 0.1
    assert independent.largest_correlation_3_s < 0.05
    assert copy.stretches == 2
    assert measure_own_side(np.zeros((22050 * 7, 2), np.float32), 22050).stretches == 0
    assert measure_own_side(np.zeros((22050, 2), np.float32), 22050).stretches == 0


def test_round_trip_includes_edges_and_sees_errors(monkeypatch) -> None:
    x = np.ones(5000, np.float32)
    assert round_trip_db(x, STFT) > 120
    monkeypatch.setattr(Stft, "round_trip", lambda self, x: np.concatenate([[0], x[1:]]).astype(np.float32))
    assert round_trip_db(x, STFT) == pytest.approx(10 * np.log10(5000), abs=0.01)


def test_a_bad_round_trip_names_the_track_and_leaves_nothing(tmp_path: Path, rows, monkeypatch) -> None:
    def inexact(self: Stft, x):
        return x * np.float32(1.001 if len(x) == 4 * 22050 else 1)

    monkeypatch.setattr(Stft, "round_trip", inexact)
    with pytest.raises(
        DataError, match=r"train: STFT round trip 60\.0 dB, below preprocess\.min_round_trip_db = 110"
    ):
        _preprocess(rows, tmp_path)
    assert not (tmp_path / "data" / "pairs").exists()
    kept = {path.name for path in (tmp_path / "data").iterdir()}
    assert kept == {"finished_tracks", "finished_tracks.lock"}
    monkeypatch.undo()
    assert len(_preprocess(rows, tmp_path, limit=50.0)) == 3  # made already, so judged as measured then
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"pairs", "finished_tracks.lock"}


def test_one_run_at_a_time(tmp_path: Path, rows, capfd) -> None:
    (tmp_path / "data").mkdir()
    made = []
    other = FileLock(tmp_path / "data" / "finished_tracks.lock")
    with other:
        run = threading.Thread(target=lambda: made.extend(_preprocess(rows, tmp_path)))
        run.start()
        said = ""
        while "waits for another run" not in said:
            said += capfd.readouterr().err
        assert not made
    run.join()
    assert len(made) == 3


def test_missing_and_changed_audio(tmp_path: Path, rows) -> None:
    assert missing_audio(rows, root=tmp_path) == []
    with pytest.raises(DataError, match=r"changed since the manifest; run the stage download again"):
        _preprocess([replace(rows[0], bytes=1), *rows[1:]], tmp_path)
    (tmp_path / "train.wav").unlink()
    assert missing_audio(rows, root=tmp_path) == [tmp_path / "train.wav"]
    with pytest.raises(DataError, match=r"train\.wav: missing"):
        _preprocess(rows, tmp_path)


def test_a_pair_knows_the_folder_of_its_recording(tmp_path: Path, rows) -> None:
    (tmp_path / "jazz").mkdir()
    for row in rows:
        (tmp_path / row.path).rename(tmp_path / "jazz" / row.path)
    _preprocess([replace(row, path=f"jazz/{row.path}") for row in rows], tmp_path)
    assert [pair.group for pair in load_pairs(tmp_path / "data" / "pairs", "test")] == ["jazz"]


def test_unfit_rows_are_passed_over(tmp_path: Path, rows) -> None:
    tracks = _preprocess([*rows, replace(rows[0], track="x", status="mono")], tmp_path)
    assert len(tracks) == 3


def test_what_is_natural_is_saved_with_the_pairs(tmp_path: Path, rows) -> None:
    tracks = _preprocess(rows, tmp_path)
    natural = load_natural(tmp_path / "data" / "pairs")
    assert natural is not None
    assert natural == natural_of(tracks[:1], SETTINGS)  # no valid, no test
    assert natural.crop_samples == 22620
    assert natural.width.frequency_hz[0] == pytest.approx(32.6, abs=0.1)
    assert natural.width.frequency_hz[-1] == pytest.approx(18859, abs=1)  # the training track has 44.1 kHz
    assert np.median(natural.width.side_to_mid_db) == pytest.approx(-6, abs=1.5)
    assert len(natural.coherence["1024"]) == 80
    assert 0.05 < np.mean(natural.coherence["1024"]) < 0.4
    assert list(natural.movement) == list(FIGURES)
    (pair,) = load_pairs(tmp_path / "data" / "pairs", "train")
    stretches = sounding_stretches(pair.mid_side, 22620)
    expected = np.mean([movement(mid, side, 22050) for mid, side in stretches], axis=0)
    assert natural.movement[FIGURES[0]] is None  # a second is too short to tell
    assert list(natural.movement.values())[1:] == pytest.approx(expected[1:].tolist(), abs=1e-4)


def test_reports(tmp_path: Path, rows) -> None:
    tracks = _preprocess(rows, tmp_path)
    folder = tmp_path / "reports" / "preprocess"
    rows = [replace(rows[0], note="DC offset of -30 dB"), *rows[1:]]
    rows += [replace(rows[0], track="y", path="y|.wav", status="6 channels")]
    write_reports(tracks, rows, folder, settings=SETTINGS, min_round_trip_db=110.0)
    pictures = ("coherence.png", "durations.png", "tracks.png", "width.png")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*pictures, "metrics.json", "report.md", "round_trip.csv", "round_trip.md"]
    )
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["tracks"] == {"train": 1, "valid": 1, "test": 1, "left_out": 1}
    assert metrics["minutes"]["train"] == pytest.approx(4 / 60, abs=0.01)
    assert 110 < metrics["round_trip_db"]["worst"] <= metrics["round_trip_db"]["mean"]
    assert 0 < metrics["natural"]["coherence_1024"] < 0.3
    with (folder / "round_trip.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["track"] for row in table] == ["train", "valid", "test"]
    text = (folder / "report.md").read_text()
    assert all(f"]({name})" in text for name in pictures)
    assert "| train | train | 0." in text
    assert "| 5657–11025 Hz | 0." in text
    assert "| y\\|.wav | train | 6 channels |" in text
    assert "| train.wav | train | DC offset of -30 dB |" in text


def test_a_side_that_sounds_only_after_the_last_frame_of_a_stretch_blanks_nothing():
    """As where a recording fades in: that stretch has no coherence, the track keeps that of the others."""
    rate = 22050
    mid_side = 0.1 * np.random.default_rng(0).standard_normal((9 * rate, 2)).astype(np.float32)
    mid_side[: 3 * rate - 50, 1] = 0
    measured = measure_own_side(mid_side, rate)
    assert measured.stretches == 3
    assert not any(np.isnan(bands).any() for bands in measured.coherence.values())

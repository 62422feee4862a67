from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.data.sources.demo import DemoSource
from mono2stereo.data.sources.demo.mix import record
from mono2stereo.data.sources.demo.pieces import PIECES, STUDIO
from mono2stereo.data.sources.demo.room import impulse_responses
from mono2stereo.data.sources.demo.score import MODES, Clock, compose
from mono2stereo.dsp.coherence import mel_coherence
from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.resampling import resample
from mono2stereo.dsp.signals import mean_defined
from mono2stereo.synthesis.instruments import DRUMS, SAMPLE_RATE, TIMBRES, tone
from mono2stereo.synthesis.notes import Note

FIRST = replace(PIECES[0], sections=(replace(PIECES[0].sections[0], bars=2),))


def test_programme_fills_all_splits_with_different_pieces() -> None:
    splits = [piece.split for piece in PIECES]
    assert [splits.count(split) for split in ("train", "valid", "test")] == [8, 2, 3]
    assert len({piece.title for piece in PIECES}) == len(PIECES)
    assert len({piece.tonic for piece in PIECES}) > 8
    assert len({piece.beats_per_minute for piece in PIECES}) > 10
    assert all(len(piece.sections) > 1 for piece in PIECES)
    assert all(12 < Clock(piece).seconds[-1] < 25 for piece in PIECES)


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.title)
def test_pieces_are_music(piece) -> None:
    parts = compose(piece, np.random.default_rng(0))
    pitched = [part for part in parts if part.instrument not in DRUMS]
    assert {part.instrument for part in pitched} <= set(TIMBRES)
    assert {"lead", "bass"} <= {part.place for part in parts}
    assert any(part.place == "comp" or part.place.startswith("ensemble") for part in parts)
    classes = {(piece.tonic + step) % 12 for step in MODES[piece.mode]}
    notes = [note for part in pitched if part.place != "bass" for note in part.notes]
    assert all(round(note.pitch) % 12 in classes for note in notes)
    onsets = np.array([note.start_seconds for note in notes])
    beats = np.interp(onsets, Clock(piece).seconds, np.arange(len(Clock(piece).seconds)))
    assert np.mean(np.abs(beats * 2 - np.round(beats * 2)) < 0.15) > 0.9
    lead = [note.pitch for part in parts if part.place == "lead" for note in part.notes]
    assert len(set(lead)) >= 4
    assert all(45 <= pitch <= 96 for pitch in lead)


@pytest.mark.parametrize("instrument", TIMBRES)
def test_instruments_play_in_tune(instrument: str) -> None:
    note = Note(0.0, 0.6, 57 - 12 * TIMBRES[instrument].octave, 0.8)
    sound = tone(instrument, note, np.random.default_rng(1))
    assert np.all(np.isfinite(sound))
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 17))
    hz = np.arange(len(spectrum)) * SAMPLE_RATE / (1 << 17)
    harmonics = sum(spectrum[np.abs(hz - 220 * n) < 12].max() for n in range(1, 9))
    between = sum(spectrum[np.abs(hz - 220 * (n + 0.5)) < 12].max() for n in range(1, 9))
    assert harmonics > 10 * between


def test_sound_arrives_after_its_way_and_by_the_distance() -> None:
    left, right = impulse_responses(STUDIO, np.array([5.5, 6.0, 1.2]), np.random.default_rng(0))
    microphones = np.array(STUDIO.size) * (0.5, 0.28, 0) + [[-0.3, 0, 1.8], [0.3, 0, 1.8]]
    ways = np.linalg.norm(microphones - [5.5, 6.0, 1.2], axis=1)
    for response, way in zip((left, right), ways, strict=True):
        arrival = round(way / 343 * SAMPLE_RATE)
        assert abs(int(np.argmax(np.abs(response[: arrival + 60]))) - arrival) <= 1
        assert np.sum(response[arrival - 8 : arrival + 9]) == pytest.approx(1 / way, rel=0.1)
        assert np.max(np.abs(response[: arrival - 20])) == 0


def test_room_decays_in_its_time() -> None:
    response = impulse_responses(STUDIO, np.array([3.0, 6.0, 1.2]), np.random.default_rng(0))
    energy = np.cumsum(np.sum(response**2, axis=0)[::-1])[::-1]
    decay_db = 10 * np.log10(energy / energy[0])
    seconds = (np.argmax(decay_db < -25) - np.argmax(decay_db < -5)) / SAMPLE_RATE * 3
    assert seconds == pytest.approx(STUDIO.reverberation_seconds, rel=0.4)


def test_recording_is_stereo_as_a_room_makes_it() -> None:
    stereo = record(FIRST, seed=0)
    assert np.max(np.abs(stereo)) == pytest.approx(0.8)
    mid, side = encode(resample(stereo, SAMPLE_RATE, 22050))
    assert -12 < 10 * np.log10(np.mean(side**2) / np.mean(mid**2)) < -1
    assert 0.2 < mean_defined(mel_coherence(mid, side, 22050)) < 0.6


def test_same_bytes_twice_and_whole_files_are_kept(tmp_path: Path, monkeypatch) -> None:
    pieces = (FIRST,)
    monkeypatch.setattr("mono2stereo.data.sources.demo.PIECES", pieces)
    sources = [DemoSource(tmp_path / name, pieces) for name in "ab"]
    paths = []
    for source in sources:
        source.prepare()
        paths.append(source.tracks()[0].path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    info = soundfile.info(paths[0])
    assert (info.samplerate, info.channels, info.subtype) == (44100, 2, "PCM_16")
    assert paths[0].relative_to(tmp_path / "a").as_posix() == "train/mono2stereo demo - Walk in C/mixture.wav"

    before = paths[0].stat().st_mtime_ns
    sources[0].prepare()
    assert paths[0].stat().st_mtime_ns == before
    paths[0].unlink()
    (tmp_path / "a" / "made_by").write_text("other code")
    paths[1].write_bytes(b"of other code")
    (tmp_path / "b" / "made_by").write_text("other code")
    for source in sources:
        source.prepare()
    assert paths[0].read_bytes() == paths[1].read_bytes() == first


def test_validation_tracks_lie_below_train() -> None:
    tracks = DemoSource(Path("demo")).tracks()
    assert [track.split for track in tracks] == ["train"] * 8 + ["valid"] * 2 + ["test"] * 3
    assert {track.path.parts[1] for track in tracks if track.split == "valid"} == {"train"}
    assert len({track.name for track in tracks}) == 13

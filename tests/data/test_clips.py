from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono2stereo.data.clips import SILENCE, ClipDrawer
from mono2stereo.data.pairs import Pair
from mono2stereo.dsp.mel import mel_centres_hz
from mono2stereo.errors import DataError

CLIP, BATCH = 50, 6


@dataclass
class Counted:
    """A track that notes which samples were read of it."""

    track: np.ndarray
    read: list[tuple[int, int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.track)

    def __getitem__(self, piece: tuple[slice, int]) -> np.ndarray:
        samples, column = piece
        self.read.append((samples.start, samples.stop, column))
        return self.track[piece]


def drawer(**options: Any) -> ClipDrawer:
    """Two tracks, one of them mostly silent."""
    tracks = [0.1 * np.random.default_rng(n).standard_normal((400, 2), np.float32) for n in range(2)]
    tracks[1][100:] = 0
    pairs = [
        Pair(
            str(number), "train", 22050, Counted(track), -6.0,
            np.full(80, 0.1, np.float32), np.full(80, 0.05, np.float32),
        )
        for number, track in enumerate(tracks)
    ]  # fmt: skip
    settings = {"sample_rate": 22050, "clip_samples": CLIP, "real_span": slice(20, CLIP)} | options
    return ClipDrawer(pairs, **settings)


def reads(clips: ClipDrawer, step: int, places: range) -> Counter[tuple[str, int, int, int]]:
    """What drawing some places of a batch reads, and of which track."""
    for pair in clips.pairs:
        pair.mid_side.read.clear()
    clips.batch(1, step, places)
    return Counter((pair.name, *piece) for pair in clips.pairs for piece in pair.mid_side.read)


@given(seed=st.integers(0, 2**32 - 1), step=st.integers(1, 10**6), cut=st.integers(1, BATCH - 1))
def test_a_place_is_the_same_whoever_computes_it(seed: int, step: int, cut: int) -> None:
    clips = drawer()
    whole = clips.batch(seed, step, range(BATCH))
    shares = [clips.batch(seed, step, places) for places in (range(cut), range(cut, BATCH))]
    for kind in (0, 1):
        np.testing.assert_array_equal(np.concatenate([share[kind] for share in shares]), whole[kind])


def test_whoever_computes_some_places_reads_nothing_of_the_others() -> None:
    clips = drawer()
    for step in range(1, 20):
        whole = reads(clips, step, range(BATCH))
        parts = [reads(clips, step, range(place, place + 1)) for place in range(BATCH)]
        assert all(parts)
        assert sum(parts, Counter()) == whole


def test_steps_places_and_seeds_draw_different_clips() -> None:
    clips = drawer()
    draws = [clips.batch(seed, step, range(BATCH))[0] for seed in (1, 2) for step in (1, 2)]
    flat = np.concatenate(draws)
    assert len(np.unique(flat, axis=0)) > 0.9 * len(flat)


def test_silence_is_drawn_again() -> None:
    mids, _ = drawer().batch(0, 1, range(200))
    loud = np.sqrt(np.mean(np.square(mids), axis=1)) > SILENCE
    assert loud.mean() > 0.98  # a third of all starts is silent; eight draws leave few


@pytest.mark.parametrize("level", ["none", "broadband"])
def test_real_is_the_span_of_the_same_clip(level: str) -> None:
    clips = drawer(real_level=level)
    mid, real = clips.clip(0, 7)
    track = clips.pairs[0].mid_side.track
    np.testing.assert_array_equal(mid, track[7 : 7 + CLIP, 0])
    gain = 10 ** (6 / 20) if level == "broadband" else 1
    np.testing.assert_allclose(real, gain * track[27 : 7 + CLIP, 1], rtol=1e-5)
    np.testing.assert_array_equal(drawer(real="mid").clip(0, 7)[1], track[27 : 7 + CLIP, 0])


@pytest.mark.parametrize("real", ["side", "mid"])
def test_another_speed_is_the_same_music_at_another_pitch(real: str) -> None:
    """Tones of a track, 1.25 times as high; mid and real stay together."""
    time = np.arange(30_000) / 22050
    track = np.stack([np.sin(2 * np.pi * hz * time) for hz in (800, 1600)], axis=1).astype(np.float32)
    levels = np.ones(80, np.float32)
    settings = {"sample_rate": 22050, "clip_samples": 20_000, "real_span": slice(1000, 19_000)}
    clips = ClipDrawer([Pair("a", "train", 22050, track, 0.0, levels, levels)], **settings, real=real)
    mid, sound = clips.clip(0, 77, 25_000)
    at = (77 + 1.25 * np.arange(20_000)) / 22050
    inside = slice(1000, 19_000)  # a resampler's filter reaches past the ends of a clip
    np.testing.assert_allclose(mid[inside], np.sin(2 * np.pi * 800 * at)[inside], atol=1e-3)
    heard = 1600 if real == "side" else 800
    np.testing.assert_allclose(sound, np.sin(2 * np.pi * heard * at)[inside], atol=1e-3)


def test_speeds_are_drawn_between_the_limits_and_a_short_track_allows_what_it_has() -> None:
    clips = drawer(max_speed=1.5)
    assert clips.batch(0, 1, range(300))[0].shape == (300, CLIP)
    lengths = {
        stop - start for pair in clips.pairs for start, stop, column in pair.mid_side.read if column == 0
    }
    assert (min(lengths), max(lengths)) == (round(CLIP / 1.5), round(CLIP * 1.5))
    short = drawer(max_speed=2.0, clip_samples=390, real_span=slice(20, 390))
    assert short.batch(0, 1, range(20))[1].shape == (20, 370)


def test_bands_bring_a_side_to_its_mids_level_band_by_band() -> None:
    """Its side 12 dB below the mid in the bass, 6 dB above it in the treble, told by the track's levels."""
    noise = np.random.default_rng(5).standard_normal((20000, 2), np.float32)
    bass = np.arange(80) < 40
    mid, side = np.full(80, 0.1, np.float32), np.where(bass, 0.025, 0.2).astype(np.float32)
    pair = Pair("a", "train", 22050, noise, 0.0, mid, side)
    settings = {"sample_rate": 22050, "clip_samples": 20000, "real_span": slice(1000, 19000)}
    real, unlevelled = (
        ClipDrawer([pair], **settings, real_level=level).clip(0, 0)[1] for level in ("bands", "none")
    )
    edge = mel_centres_hz(22050)[39:41]
    hz = np.fft.rfftfreq(18000, 1 / 22050)
    power = [np.abs(np.fft.rfft(x * np.hanning(18000))) ** 2 for x in (real, unlevelled)]
    for part, gain in ((hz < edge[0] - 100, 4.0), (hz > edge[1] + 100, 0.5)):
        assert np.sqrt(power[0][part].sum() / power[1][part].sum()) == pytest.approx(gain, rel=0.05)


def test_levelling_is_late_by_nothing_and_limited() -> None:
    """A click stays where it was; a side that is next to nothing is not blown up by more than 24 dB."""
    track = np.zeros((3000, 2), np.float32)
    track[1500] = 1.0
    levels = [np.full(80, level, np.float32) for level in (1.0, 1e-6)]
    settings = {"sample_rate": 22050, "clip_samples": 3000, "real_span": slice(1000, 2000)}
    _, real = ClipDrawer([Pair("a", "train", 22050, track, 0.0, *levels)], **settings).clip(0, 0)
    assert np.argmax(np.abs(real)) == 500
    assert np.abs(real).max() == pytest.approx(10 ** (24 / 20), rel=0.01)


def test_fixed_clips_are_spread_over_tracks_and_within_them() -> None:
    clips = drawer()
    mids, reals = clips.fixed(7)
    tracks = [pair.mid_side.track for pair in clips.pairs]
    starts = [int((number // 2 + 0.5) / (4, 3)[number % 2] * 350) for number in range(7)]
    for number, start in enumerate(starts):
        np.testing.assert_array_equal(mids[number], tracks[number % 2][start : start + CLIP, 0])
    np.testing.assert_array_equal(clips.fixed(7)[1], reals)
    assert starts[0] > 0
    assert starts[6] > 300


def test_tracks_are_drawn_by_their_length_and_clips_reach_their_ends() -> None:
    long, short = (
        np.random.default_rng(n).standard_normal((size, 2), np.float32) for n, size in ((1, 300), (2, 60))
    )
    levels = np.ones(80, np.float32)
    pairs = [
        Pair(str(n), "train", 22050, Counted(track), 0.0, levels, levels)
        for n, track in enumerate((long, short))
    ]
    clips = ClipDrawer(pairs, sample_rate=22050, clip_samples=CLIP, real_span=slice(20, CLIP))
    clips.batch(0, 1, range(600))
    starts = [[start for start, _, column in pair.mid_side.read if column == 0] for pair in pairs]
    assert len(starts[1]) / sum(map(len, starts)) == pytest.approx(60 / 360, abs=0.05)
    assert (min(starts[1]), max(starts[1])) == (0, 10)


def test_tracks_shorter_than_a_clip_are_passed_over_and_none_long_enough_is_refused() -> None:
    clips = drawer(clip_samples=400, real_span=slice(20, 400))
    assert len(clips.pairs) == 2
    with pytest.raises(DataError, match=r"^a clip of 401 samples, .* longer than every track \(400 samples"):
        drawer(clip_samples=401)
    tracks = [np.ones((size, 2), np.float32) for size in (100, 99)]
    levels = np.ones(80, np.float32)
    pairs = [Pair(str(n), "train", 22050, track, 0.0, levels, levels) for n, track in enumerate(tracks)]
    kept = ClipDrawer(pairs, sample_rate=22050, clip_samples=100, real_span=slice(0, 100)).pairs
    assert [pair.name for pair in kept] == ["0"]

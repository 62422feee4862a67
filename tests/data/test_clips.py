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

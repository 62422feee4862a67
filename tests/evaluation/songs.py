"""Tracks for the tests of the evaluation."""

from __future__ import annotations

import numpy as np

from mono2stereo.data.pairs import Pair

RATE = 16000  # enough for 30 frames of 16384 samples in 10 s


def song(number: int, seconds: float = 11.0, group: str = "", rate: int = RATE) -> Pair:
    """Decaying chords with a side that shares half of its power with the mid."""
    random = np.random.default_rng(number)
    time = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * hz * time) for hz in random.uniform(100, 2000, 5))
    mid = (tones * np.exp(-8 * (time % 0.5)) + 0.02 * random.standard_normal(len(time))) / 20
    side = 0.5 * mid + 0.5 * random.standard_normal(len(time)) / 20
    return pair(f"song {number}", mid, side, group, rate)


def pair(name: str, mid: np.ndarray, side: np.ndarray, group: str = "", rate: int = RATE) -> Pair:
    mid_side = np.stack([mid, side], axis=1).astype(np.float32)
    bands = np.ones(80, np.float32)
    return Pair(name, "test", rate, mid_side, -3.0, bands, bands, group)

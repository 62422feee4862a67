"""Records a piece: every player at a place in the room, a spaced pair, and panned spot microphones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from mono2stereo.data.sources.demo.pieces import Piece, Room
from mono2stereo.data.sources.demo.room import critical_distance, impulse_responses
from mono2stereo.data.sources.demo.score import Clock, compose
from mono2stereo.synthesis.instruments import SAMPLE_RATE, play

Signal = NDArray[np.float64]

# Where a player stands: to the right (-1…1 of the stage's half width), and how far back (0…1).
PLACES = {
    "lead": (-0.2, 0.1),
    "comp": (0.75, 0.4),
    "comp double": (-0.75, 0.4),
    "bass": (-0.35, 0.5),
    "kick": (0.05, 0.7),
    "snare": (0.15, 0.7),
    "tom": (-0.5, 0.7),
    "hat": (-0.45, 0.65),
    "cymbal": (0.5, 0.75),
    "shaker": (0.85, 0.4),
    "block": (-0.8, 0.5),
}
LEVELS = {
    "lead": 1.0,
    "comp": 0.4,
    "comp double": 0.4,
    "bass": 0.9,
    "kick": 1.2,
    "snare": 0.7,
    "tom": 0.7,
    "hat": 0.35,
}
ENSEMBLE_LEVEL = 0.35
OTHER_LEVEL = 0.35
# Of a close microphone against the pair's reverberation; what carries the music is panned near the middle.
SPOT_LEVEL = 1.4
MIDDLE = ("lead", "bass", "kick", "snare")
AMBIENCE = Room((12.0, 16.0, 7.0), 2.4, 1.0)
PEAK = 0.8


def record(piece: Piece, seed: int) -> Signal:
    """Compose, play and record a piece: stereo (samples, 2) at 44.1 kHz, the same for the same seed."""
    rng = np.random.default_rng(seed)
    parts = compose(piece, rng)
    samples = round((Clock(piece).seconds[-1] + 1.0) * SAMPLE_RATE)
    size = next_fast_len(samples + round(2 * SAMPLE_RATE), real=True)
    spot_level = SPOT_LEVEL / critical_distance(piece.room)
    pair = np.zeros((2, size // 2 + 1), np.complex64)
    spots = np.zeros_like(pair)
    for part in parts:
        right, back = place(part.place, rng)
        level = ENSEMBLE_LEVEL if part.place.startswith("ensemble") else LEVELS.get(part.place, OTHER_LEVEL)
        dry = rfft(level * play(part, samples, rng), size)
        pair += dry * rfft(impulse_responses(piece.room, position(piece.room, right, back), rng), size)
        angle = np.pi / 4 * (1 + (0.15 if part.place in MIDDLE else 0.8) * right)
        spots += dry * np.array([[np.cos(angle)], [np.sin(angle)]], np.float32)
    ambience = rfft(impulse_responses(AMBIENCE, position(AMBIENCE, 0.0, 0.5), rng), size)
    mixed = pair + spot_level * spots * (1 + ambience)
    stereo = irfft(mixed, size)[:, :samples].T.astype(np.float64)
    fade = round(0.5 * SAMPLE_RATE)
    stereo[-fade:] *= np.linspace(1, 0, fade)[:, None] ** 2
    return stereo * (PEAK / np.max(np.abs(stereo)))


def place(name: str, rng: np.random.Generator) -> tuple[float, float]:
    """Where a player stands; ensembles spread over the stage, others keep near their usual place."""
    if name.startswith("ensemble"):
        return float(rng.uniform(-1, 1)), float(rng.uniform(0.2, 0.9))
    right, back = PLACES[name]
    return right + float(rng.uniform(-0.15, 0.15)), back + float(rng.uniform(-0.1, 0.1))


def position(room: Room, right: float, back: float) -> Signal:
    """A place on the stage in the room's coordinates, (3,) metres."""
    width, depth, _ = room.size
    return np.array([width * (0.5 + 0.36 * right), depth * (0.4 + 0.4 * back), 1.2])

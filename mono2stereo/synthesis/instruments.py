"""Plays parts: pitched instruments from wavetables whose harmonics decay apart, drums from noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from mono2stereo.synthesis.notes import Note, Part

SAMPLE_RATE = 44100
TABLE_LENGTH = 4096
MAX_PARTIAL_HZ = 17000.0
# Harmonics above these numbers go into the next of three wavetables, each with a decay of its own.
TABLE_EDGES = (2, 6)

Signal = NDArray[np.float32]


@dataclass(frozen=True)
class Timbre:
    """How an instrument sounds.

    Attributes:
        slope: harmonic n has the amplitude n**-slope.
        harmonics: a factor for the first few, then repeated from the start.
        attack_seconds: time to full level.
        decay_seconds: time constants of the three tables at middle C; inf sustains.
        release_seconds: time constant after the note's end.
        vibrato_cents: depth.
        noise: level of breath, bow or hammer.
        octave: transposition in octaves.
    """

    slope: float
    harmonics: tuple[float, ...]
    attack_seconds: float
    decay_seconds: tuple[float, float, float]
    release_seconds: float = 0.06
    vibrato_cents: float = 0.0
    noise: float = 0.0
    octave: int = 0


HELD = (np.inf, np.inf, np.inf)
TIMBRES = {
    "piano": Timbre(
        1.2,
        (1.0, 0.9, 0.7, 0.8, 0.5, 0.6, 0.3),
        0.003,
        (1.2, 0.6, 0.2),
        0.12,
        noise=0.02,
    ),
    "epiano": Timbre(1.6, (1.0, 0.25, 0.1, 0.5, 0.05), 0.004, (1.1, 0.4, 0.12), 0.08, noise=0.01),
    "guitar": Timbre(0.9, (0.6, 1.0, 0.9, 0.6, 0.0, 0.6), 0.002, (0.7, 0.35, 0.12), 0.06, noise=0.03),
    "marimba": Timbre(
        0.6,
        (1.0, 0.0, 0.02, 0.35, 0.0, 0.0, 0.0, 0.0, 0.08),
        0.002,
        (0.3, 0.12, 0.05),
        0.2,
    ),
    "organ": Timbre(0.5, (1.0, 0.8, 0.6, 0.5, 0.0, 0.3, 0.0, 0.3), 0.012, HELD, 0.03, 3.0, 0.005),
    "strings": Timbre(1.0, (1.0, 0.8, 0.9, 0.6, 0.7), 0.14, HELD, 0.16, 14.0, 0.02),
    "cello": Timbre(1.1, (1.0, 0.9, 0.6, 0.8), 0.09, HELD, 0.14, 10.0, 0.02, octave=1),
    "choir": Timbre(1.2, (1.0, 0.9, 0.6, 0.3, 0.2, 0.5, 0.4, 0.1), 0.12, HELD, 0.16, 18.0, 0.03),
    "flute": Timbre(1.6, (1.0, 0.7, 0.4, 0.2), 0.05, HELD, 0.08, 16.0, 0.05),
    "reed": Timbre(0.9, (1.0, 0.06, 0.8, 0.1), 0.03, HELD, 0.06, 8.0, 0.02),
    "brass": Timbre(0.7, (0.8, 1.0, 1.0, 0.8, 0.6, 0.4), 0.035, (np.inf, 2.0, 0.7), 0.06, 6.0, 0.01),
    "lead": Timbre(1.0, (1.0,), 0.008, (np.inf, 1.5, 0.4), 0.05, 10.0),
    "bass": Timbre(1.2, (1.0, 0.9, 0.5, 0.4), 0.004, (0.9, 0.35, 0.08), 0.05, noise=0.015),
    "synthbass": Timbre(1.0, (1.0,), 0.005, (np.inf, 0.25, 0.06), 0.03),
    "tuba": Timbre(1.1, (1.0, 0.9, 0.6, 0.3), 0.04, (np.inf, 1.5, 0.5), 0.05, noise=0.01),
}
# seconds of decay, tone Hz, its fall, share of noise, the noise's band in Hz
DRUMS = {
    "kick": (0.16, 52.0, 90.0, 0.08, (400.0, 5000.0)),
    "snare": (0.11, 190.0, 40.0, 0.75, (500.0, 12000.0)),
    "tom": (0.22, 110.0, 40.0, 0.15, (300.0, 4000.0)),
    "hat": (0.035, 0.0, 0.0, 1.0, (6500.0, 18000.0)),
    "shaker": (0.05, 0.0, 0.0, 1.0, (4000.0, 15000.0)),
    "cymbal": (0.35, 0.0, 0.0, 1.0, (3000.0, 18000.0)),
    "block": (0.04, 870.0, 0.0, 0.1, (1000.0, 8000.0)),
}


def play(part: Part, samples: int, rng: np.random.Generator) -> Signal:
    """Render the notes of a part to mono (samples,)."""
    signal = np.zeros(samples, np.float32)
    for note in part.notes:
        start = round(note.start_seconds * SAMPLE_RATE)
        sound = (
            hit(part.instrument, note, rng) if part.instrument in DRUMS else tone(part.instrument, note, rng)
        )
        sound = sound[: max(samples - start, 0)]
        signal[start : start + len(sound)] += sound
    return signal


def tone(instrument: str, note: Note, rng: np.random.Generator) -> Signal:
    """One pitched note, (samples,); softer notes are darker."""
    timbre = TIMBRES[instrument]
    count = round((note.seconds + 4 * timbre.release_seconds) * SAMPLE_RATE)
    seconds = np.arange(count) / SAMPLE_RATE
    pitch = note.pitch + 12 * timbre.octave + rng.normal(0, 0.03)
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    phase = frequency * seconds + rng.random()
    if timbre.vibrato_cents:
        rate = rng.uniform(4.6, 5.8)
        depth = frequency * np.log(2) / 1200 * timbre.vibrato_cents / (2 * np.pi * rate)
        phase += depth * np.minimum(seconds / 0.4, 1) * np.sin(2 * np.pi * (rate * seconds + rng.random()))
    position = ((phase % 1) * TABLE_LENGTH).astype(np.float32)
    index = position.astype(np.int32) % TABLE_LENGTH
    fraction = position - np.floor(position)
    seconds = seconds.astype(np.float32)
    released = np.exp(np.minimum((note.seconds - seconds) / np.float32(timbre.release_seconds), 0))
    envelope = (
        np.minimum(seconds / np.float32(timbre.attack_seconds), 1) * released * np.float32(note.velocity)
    )
    sound = np.zeros(count, np.float32)
    higher_is_shorter = (261.6 / frequency) ** 0.5
    brightness = (1.0, note.velocity, note.velocity**2)
    partials = max(int(MAX_PARTIAL_HZ / frequency), 1)
    for (table, slope), decay, gain in zip(
        _tables(instrument, min(partials, 120)),
        timbre.decay_seconds,
        brightness,
        strict=True,
    ):
        wave = table[index] + fraction * slope[index]
        if np.isfinite(decay):
            wave *= np.exp(seconds * np.float32(-1 / (decay * higher_is_shorter)))
        sound += np.float32(gain) * wave
    if timbre.noise:
        noise = np.float32(timbre.noise) * rng.standard_normal(count, np.float32)
        sound += noise if timbre.decay_seconds is HELD else noise * sound**2
    return sound * envelope


@lru_cache(maxsize=1024)
def _tables(instrument: str, partials: int) -> list[tuple[Signal, Signal]]:
    """Three wavetables of one period, each with the steps from its samples to the next ones."""
    timbre = TIMBRES[instrument]
    n = np.arange(1, partials + 1)
    amplitude = n**-timbre.slope * np.resize(timbre.harmonics, partials)
    spectrum = amplitude * np.exp(2j * np.pi * np.random.default_rng(len(instrument)).random(partials))
    scale = TABLE_LENGTH / 2 / np.sqrt(np.sum(amplitude**2))
    tables = []
    for low, high in zip((0, *TABLE_EDGES), (*TABLE_EDGES, partials), strict=True):
        bins = np.zeros(TABLE_LENGTH // 2 + 1, complex)
        members = (n > low) & (n <= high)
        bins[n[members]] = spectrum[members]
        table = np.fft.irfft(bins) * scale
        tables.append((table.astype(np.float32), (np.roll(table, -1) - table).astype(np.float32)))
    return tables


def hit(drum: str, note: Note, rng: np.random.Generator) -> Signal:
    """One stroke, (samples,); no two sound the same."""
    decay, frequency, fall, noisiness, band = DRUMS[drum]
    seconds = np.arange(round(6 * decay * SAMPLE_RATE)) / SAMPLE_RATE
    decay *= rng.uniform(0.85, 1.15)
    phase = frequency * seconds - fall * 0.02 * np.exp(-seconds / 0.02) * 2
    noise = scipy.signal.sosfilt(_band(band), rng.standard_normal(len(seconds)))
    noise_decay = np.exp(-seconds / (decay * (0.3 if drum == "kick" else 1)))
    body = (1 - noisiness) * np.sin(2 * np.pi * phase) * np.exp(-seconds / decay)
    return 2 * note.velocity * np.minimum(seconds / 0.0008, 1) * (body + noisiness * noise * noise_decay)


@lru_cache
def _band(edges: tuple[float, float]) -> Signal:
    return scipy.signal.butter(2, edges, "bandpass", fs=SAMPLE_RATE, output="sos")

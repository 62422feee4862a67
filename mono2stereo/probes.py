"""Signals whose side can be judged without a recording: silence, tones, sweeps, clicks, speech, instruments.

Each figure has a limit beyond which the side would not come out sane; `judge_probes` says which are kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import scipy

from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.dsp.bands import level_db
from mono2stereo.dsp.distortion import between_harmonics_db, critical_bandwidth_hz, outside_critical_band_db
from mono2stereo.dsp.masking import audible_excess_db
from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.stft import Stft
from mono2stereo.evaluation.purity import SAWS_HZ, saw
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis
from mono2stereo.synthesis.instruments import SAMPLE_RATE, TIMBRES, play
from mono2stereo.synthesis.notes import Note, Part

TONES_HZ = (110.0, 220.0, 440.0, 880.0, 1760.0, 3520.0, 7040.0)
VOWELS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480))  # formants
HELD_HZ = tuple(np.geomspace(110.0, 1760.0, 90))  # A2 to A6, in no temperament
HELD_SECONDS = 3  # of which the last: gates rest when the note is as old as the longest mean
SETTLED = SAMPLE_RATE  # samples after which a steady tone's side is steady
MEMORY_SECONDS = 0.45  # of the network: what a sweep passed that long ago may still sound
SWEEP = (60.0, 10000.0, 12.0)  # Hz, Hz, seconds
LEVELS_DB = (-60.0, -40.0, -20.0, 20.0)


@dataclass(frozen=True)
class Figure:
    """One number about a probe.

    Attributes:
        probe: the signal.
        quantity: what was measured, with its unit.
        value: the number.
        limit: the largest that is sane, or the smallest where `at_least`.
        at_least: which of the two.
    """

    probe: str
    quantity: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the limit is kept; not by what is undefined."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def judge_probes(decorrelator: Decorrelator) -> list[Figure]:
    """Measure all probes at 44 100 Hz."""

    def side(mid: Signal) -> Signal:
        return decorrelator.side(mid, SAMPLE_RATE)

    kinds = (_levels, _tones, _held_notes, _saws, _sweep, _click, _sounds)
    return [figure for kind in kinds for figure in kind(side)]


def sounds() -> dict[str, Signal]:
    """Speech-like vowels and single instruments, each (4 s,) float32 at 44 100 Hz."""
    by_name = {"speech-like": speech_like(4.0)}
    for instrument in ("piano", "guitar", "strings", "choir", "flute", "brass", "bass"):
        pitches = (60, 64, 67, 72) if TIMBRES[instrument].octave >= 0 else (36, 40, 43, 48)
        notes = [
            Note(0.5 * beat, 0.45, pitch, 0.8) for beat, pitch in zip(range(8), cycle(pitches), strict=False)
        ]
        by_name[instrument] = _played(Part("centre", instrument, notes))
    strokes = [
        _played(Part("centre", drum, [Note(start + 0.5 * beat, 0.1, 0, 0.8) for beat in range(7)]))
        for drum, start in (("kick", 0.1), ("hat", 0.225), ("snare", 0.35))
    ]
    return by_name | {"drums": np.sum(strokes, axis=0)}


def speech_like(seconds: float) -> Signal:
    """Vowels that glide at a voice's pitch, hisses between them and pauses, (samples,) float32."""
    random = np.random.default_rng(0)
    pieces = []
    for number, formants in zip(range(math.ceil(seconds / 0.4)), cycle(VOWELS_HZ), strict=False):
        time = np.arange(round(0.28 * SAMPLE_RATE)) / SAMPLE_RATE
        phase = np.cumsum(120 + 25 * np.sin(7 * time + number)) / SAMPLE_RATE
        voice = np.diff(np.maximum(np.sin(2 * np.pi * phase), 0) ** 2, append=0.0)
        for formant_hz in formants:
            radius, angle = math.exp(-np.pi * 80 / SAMPLE_RATE), 2 * np.pi * formant_hz / SAMPLE_RATE
            voice = scipy.signal.lfilter([1 - radius], [1, -2 * radius * math.cos(angle), radius**2], voice)
        hiss = scipy.signal.lfilter([1, -0.95], 1, random.normal(size=round(0.06 * SAMPLE_RATE)))
        shaped = [voice * np.hanning(len(voice)) / np.abs(voice).max(), 0.05 * hiss * np.hanning(len(hiss))]
        pieces += [*shaped, np.zeros(round(0.06 * SAMPLE_RATE))]
    return (0.3 * np.concatenate(pieces)[: round(seconds * SAMPLE_RATE)]).astype(np.float32)


def _played(part: Part) -> Signal:
    sound = play(part, 4 * SAMPLE_RATE, np.random.default_rng(0))
    return 0.3 * sound / np.abs(sound).max()


Side = Callable[[Signal], Signal]


def _levels(side: Side) -> Iterator[Figure]:
    yield Figure(
        "silence", "largest sample", float(np.abs(side(np.zeros(SAMPLE_RATE, np.float32))).max()), 0.0
    )
    mid = speech_like(2.0).astype(np.float64)
    its_side = side(mid)
    errors = [
        level_db(side(mid * 10 ** (db / 20)) / 10 ** (db / 20) - its_side) - level_db(its_side)
        for db in LEVELS_DB
    ]
    yield Figure("speech-like, −60 to +20 dB", "deviation from proportion (dB)", max(errors), -90.0)
    direct = side(np.full(3 * SAMPLE_RATE, 0.5, np.float32))[SETTLED : 2 * SETTLED]  # its end is a click
    yield Figure("direct current", "side re mid (dB)", level_db(direct) - level_db(np.full(1, 0.5)), -60.0)
    clipped = np.clip(8 * speech_like(2.0), -1, 1)
    yield Figure("clipped speech", "side re mid (dB)", level_db(side(clipped)) - level_db(clipped), 3.0)


def _tones(side: Side) -> Iterator[Figure]:
    time = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    for hz in TONES_HZ:
        mid = 0.25 * np.sin(2 * np.pi * hz * time)
        its_side, heard = side(mid)[SETTLED:], mid[SETTLED:]
        distortion = outside_critical_band_db(its_side, hz, SAMPLE_RATE)
        yield Figure(f"tone, {hz:g} Hz", "outside its critical band (dB)", distortion, -25.0)
        yield Figure(
            f"tone, {hz:g} Hz",
            "above the masked threshold (dB)",
            audible_excess_db(its_side, heard, SAMPLE_RATE),
            20.0,
        )
        out_of_band = outside_critical_band_db(its_side, hz, SAMPLE_RATE, reference=heard)
        yield Figure(f"tone, {hz:g} Hz", "outside its critical band, re the mid (dB)", out_of_band, -35.0)


def _held_notes(side: Side) -> Iterator[Figure]:
    time = np.arange(HELD_SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    mid = 0.25 * np.concatenate([np.sin(2 * np.pi * hz * time) for hz in HELD_HZ])
    last, its_last = (x.reshape(len(HELD_HZ), HELD_SECONDS, SAMPLE_RATE)[:, -1] for x in (mid, side(mid)))
    away = [abs(level_db(made) - level_db(note)) for made, note in zip(its_last, last, strict=True)]
    yield Figure("held notes, A2 to A6", "side re mid, worst either way (dB)", max(away), 6.0)


def _saws(side: Side) -> Iterator[Figure]:
    for hz in SAWS_HZ:
        mid = saw(hz, SAMPLE_RATE)
        between = between_harmonics_db(
            estimate=side(mid)[SETTLED:], reference=mid[SETTLED:], fundamental_hz=hz, sample_rate=SAMPLE_RATE
        )
        yield Figure(f"saw, {hz:g} Hz", "between its harmonics, re the mid (dB)", between, -30.0)


def _sweep(side: Side) -> Iterator[Figure]:
    low, high, seconds = SWEEP
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    mid = 0.25 * scipy.signal.chirp(time, low, seconds, high, method="logarithmic")
    stft = Stft(4096, 1024, 4096)
    power = np.abs(stft.analyse(side(mid).astype(np.float32))) ** 2
    frequencies = np.arange(power.shape[1]) * SAMPLE_RATE / stft.fft_length
    half_frame = stft.frame_length / 2 / SAMPLE_RATE
    outside = 0.0
    for frame, spectrum in enumerate(power):
        now = (frame * stft.frame_step + stft.frame_length / 2) / SAMPLE_RATE
        lowest, highest = (
            low * (high / low) ** (min(max(at, 0), seconds) / seconds)
            for at in (now - half_frame - MEMORY_SECONDS, now + half_frame)
        )
        inside = frequencies >= lowest - critical_bandwidth_hz(lowest) / 2
        inside &= frequencies <= highest + critical_bandwidth_hz(highest) / 2
        outside += spectrum[~inside].sum()
    name = f"sweep, {low:g} to {high:g} Hz"
    yield Figure(name, "outside its critical bands (dB)", 10 * math.log10(outside / power.sum()), -25.0)


def _click(side: Side) -> Iterator[Figure]:
    mid = np.zeros(2 * SAMPLE_RATE, np.float32)
    mid[SAMPLE_RATE] = 1.0
    energy = np.square(side(mid), dtype=np.float64)
    early = energy[: SAMPLE_RATE - SAMPLE_RATE // 200].sum()
    yield Figure("click", "side 5 ms and more before it (dB)", _power_db(early / energy.sum()), -40.0)
    decayed = np.cumsum(energy) >= 0.99 * energy.sum()
    yield Figure("click", "99 % of the side within (ms)", 1000 * (decayed.argmax() / SAMPLE_RATE - 1), 250.0)


def _sounds(side: Side) -> Iterator[Figure]:
    for name, mid in sounds().items():
        analysis = SideAnalysis(SignalAnalysis(mid, SAMPLE_RATE), SignalAnalysis(side(mid), SAMPLE_RATE))
        yield Figure(name, "log-mel (dB)", analysis.log_mel_db(), 6.0)
        yield Figure(name, "onsets", analysis.onset_correlation(), 0.4, at_least=True)
        yield Figure(name, "crest change (dB)", abs(analysis.crest_change_db()), 6.0)


def _power_db(ratio: float) -> float:
    return 10 * math.log10(max(ratio, 1e-30))


def markdown(figures: list[Figure]) -> str:
    """A table of all figures, those beyond their limits marked."""
    lines = ["| probe | quantity | value | limit | |", "| --- | --- | ---: | ---: | --- |"]
    for figure in figures:
        bound = f"{'≥' if figure.at_least else '≤'} {figure.limit:g}"
        value = "–" if math.isnan(figure.value) else f"{figure.value:.2f}"
        lines.append(
            f"| {figure.probe} | {figure.quantity} | {value} | {bound} | {'' if figure.kept else 'beyond'} |"
        )
    return "\n".join(lines) + "\n"

"""Composes the demo's pieces: harmony, bass, melody and drums as notes in time."""

from __future__ import annotations

import numpy as np

from mono2stereo.data.sources.demo.pieces import Piece, Section
from mono2stereo.synthesis.notes import Note, Part

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
# One bar; X loud, x soft. The number of steps divides into the piece's beats.
GROOVES: dict[str, dict[str, str]] = {
    "none": {},
    "rock": {"kick": "X.......X.x.....", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.xx"},
    "four": {
        "kick": "X...X...X...X...",
        "snare": "....x.......X..x",
        "hat": "..X...X...X...X.",
        "shaker": "xxXxxxXxxxXxxxXx",
    },
    "bossa": {"kick": "X..xX..xX..xX..x", "block": "X..X..X...X..X..", "shaker": "XxxxXxxxXxxxXxxx"},
    "swing": {"kick": "x........x..", "snare": ".....x..x..x", "cymbal": "X..X.xX..X.x"},
    "waltz": {"kick": "X...........", "snare": "....x...x...", "cymbal": "x...x...x.x."},
    "march": {"kick": "X...x...X...x...", "snare": "X.xxX.xxX.xxXxxx", "tom": "..............Xx"},
}
DRUM_PITCH = {"kick": 36, "snare": 38, "hat": 42, "shaker": 70, "block": 76, "cymbal": 51, "tom": 45}


class Clock:
    """Maps beats to seconds through the sections' tempi and a slowing last bar."""

    def __init__(self, piece: Piece) -> None:
        tempi = [
            piece.beats_per_minute * section.tempo
            for section in piece.sections
            for _ in range(section.bars * piece.beats)
        ]
        tempi[-piece.beats :] = [tempo * (1 - 0.06 * i) for i, tempo in enumerate(tempi[-piece.beats :])]
        self.seconds = np.concatenate([[0.0], np.cumsum([60 / tempo for tempo in tempi])])

    def at(self, beat: float) -> float:
        return float(np.interp(beat, np.arange(len(self.seconds)), self.seconds))


def compose(piece: Piece, rng: np.random.Generator) -> list[Part]:
    """Write the parts of a piece; the same generator state gives the same notes."""
    clock = Clock(piece)
    writer = _Writer(piece, clock, rng)
    first_beat = 0
    for section in piece.sections:
        writer.section(section, first_beat)
        first_beat += section.bars * piece.beats
    return list(writer.parts.values())


class _Writer:
    def __init__(self, piece: Piece, clock: Clock, rng: np.random.Generator) -> None:
        self.piece, self.clock, self.rng = piece, clock, rng
        self.parts: dict[tuple[str, str], Part] = {}
        self.voicing = [60, 64, 67]
        self.motif = self._motif()

    def section(self, section: Section, first_beat: int) -> None:
        """Write all parts of one section."""
        beats = self.piece.beats
        for bar in range(section.bars):
            degree = section.chords[bar % len(section.chords)]
            following = section.chords[(bar + 1) % len(section.chords)]
            at = first_beat + bar * beats
            self.voicing = self._voice(degree)
            self._comp(section, at)
            self._bass(section, at, degree, following)
            self._drums(section, at, fill=bar == section.bars - 1)
            if section.lead:
                self._melody(section, at, bar, degree)

    def _add(
        self, place: str, instrument: str, beat: float, beats: float, pitch: float, velocity: float
    ) -> None:
        part = self.parts.setdefault((place, instrument), Part(place, instrument))
        start = self.clock.at(beat)
        seconds = self.clock.at(beat + beats) - start
        start = max(start + self.rng.normal(0, 0.006), 0.0)
        velocity = float(np.clip(velocity * self.rng.normal(1, 0.08), 0.1, 1))
        part.notes.append(Note(start, seconds, pitch, velocity))

    def _pitch(self, degree: int) -> int:
        """Scale degree, 0 the tonic, in semitones of MIDI."""
        octave, step = divmod(degree, 7)
        return self.piece.tonic + 12 * octave + MODES[self.piece.mode][step]

    def _voice(self, degree: int) -> list[int]:
        """The chord's tones, each moved by octaves next to the voice that held before."""
        tones = [
            self._pitch(degree - 1 + third) for third in ((0, 2, 4, 6) if self.piece.sevenths else (0, 2, 4))
        ]
        centres = [*self.voicing, self.voicing[-1] + 3][: len(tones)]
        moved = [tone + 12 * round((centre - tone) / 12) for tone, centre in zip(tones, centres, strict=True)]
        return sorted({52 + (tone - 52) % 24 for tone in moved})

    def _comp(self, section: Section, at: int) -> None:
        beats, style = self.piece.beats, section.comp_style
        if style == "sustain":
            for voice, pitch in enumerate(self.voicing):
                for player in range(2):
                    place = f"ensemble {voice} {player}"
                    self._add(place, section.comp, at, beats, pitch + self.rng.normal(0, 0.05), 0.6)
        else:
            # Two takes, as accompaniments are often recorded: each its own, one on either side.
            for place in ("comp", "comp double"):
                self._take(place, section, at)

    def _take(self, place: str, section: Section, at: int) -> None:
        beats, style = self.piece.beats, section.comp_style
        if style == "arpeggio":
            order = [*self.voicing, self.voicing[1] + 12, *self.voicing[:0:-1]]
            order = order if place == "comp" else order[::-1]
            for eighth in range(2 * beats):
                self._add(place, section.comp, at + eighth / 2, 1.0, order[eighth % len(order)], 0.6)
            return
        hits = {
            "block": np.arange(0, beats, 2),
            "strum": np.arange(0, beats, 0.5),
            "offbeat": np.arange(0.5, beats),
        }
        for hit in hits[style]:
            length = 1.8 if style == "block" else 0.45
            loud = 0.7 if float(hit).is_integer() else 0.5
            for voice, pitch in enumerate(self.voicing):
                self._add(place, section.comp, at + hit + 0.02 * voice, length, pitch, loud)

    def _bass(self, section: Section, at: int, degree: int, following: int) -> None:
        beats = self.piece.beats
        root, fifth = (28 + (self._pitch(degree - 1 + step) - 28) % 12 for step in (0, 4))
        target = 28 + (self._pitch(following - 1) - 28) % 12
        patterns: dict[str, list[tuple[float, float, int]]] = {
            "none": [],
            "root": [(0, beats / 2, root), (beats / 2, beats / 2, fifth)],
            "pedal": [(0, beats, root)],
            "eighths": [(i / 2, 0.45, root if i % 8 < 6 else fifth) for i in range(2 * beats)],
            "walk": [
                (i, 0.9, pitch)
                for i, pitch in enumerate(
                    [root, root + 12 - 5, fifth, target + self.rng.choice([-1, 1])][:beats]
                )
            ],
        }
        for beat, length, pitch in patterns[section.bass_style]:
            self._add("bass", section.bass, at + beat, length, int(pitch), 0.8)

    def _drums(self, section: Section, at: int, *, fill: bool) -> None:
        for drum, steps in GROOVES[section.groove].items():
            for i, step in enumerate(steps):
                last_beat = fill and drum == "snare" and i >= len(steps) * 3 // 4
                if step != "." or last_beat:
                    beat = at + i * self.piece.beats / len(steps)
                    self._add(drum, drum, beat, 0.25, DRUM_PITCH[drum], 0.9 if step == "X" else 0.45)

    def _motif(self) -> list[tuple[float, int]]:
        """Two bars of (beats, steps up the scale)."""
        motif: list[tuple[float, int]] = []
        for _ in range(2):
            left = float(self.piece.beats)
            while left > 0:
                length = min(float(self.rng.choice([0.5, 0.5, 1.0, 1.0, 1.5, 2.0])), left)
                motif.append((length, int(self.rng.choice([-2, -1, -1, 0, 1, 1, 2, 3]))))
                left -= length
        return motif

    def _melody(self, section: Section, at: int, bar: int, degree: int) -> None:
        """The motif on each chord in turn: bars 0–1 as it is, 2–3 with a changed end, then again."""
        if bar % 2:
            return
        position, step = 0.0, degree - 1 + (7 if section.lead_high else 0)
        chord = {(degree - 1 + third) % 7 for third in (0, 2, 4)}
        end = 2.0 * self.piece.beats if bar + 1 < section.bars else float(self.piece.beats)
        for i, (length, motion) in enumerate(self.motif):
            if position >= end:
                break
            vary = bar % 4 == 2 and i >= len(self.motif) - 2
            step += -motion if vary else motion
            step = 14 - step if step > 14 else -step if step < -1 else step
            if float(position).is_integer() and position % 2 == 0:
                step = min(range(step - 3, step + 4), key=lambda s: (s % 7 not in chord, abs(s - step)))
            self._add("lead", section.lead, at + position, 0.95 * length, self._pitch(step), 0.85)
            position += length

"""The demo's programme: thirteen short pieces, each with its own key, tempo, harmony and instruments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A few bars with one set of players. An empty `lead` leaves the melody out."""

    bars: int
    chords: tuple[int, ...]  # degrees of the scale, one a bar
    lead: str
    comp: str
    comp_style: str
    bass: str
    bass_style: str
    groove: str
    tempo: float = 1.0
    lead_high: bool = True


@dataclass(frozen=True)
class Room:
    """A shoebox room and the pair of microphones in it; lengths in metres."""

    size: tuple[float, float, float]
    reverberation_seconds: float
    microphone_distance: float


@dataclass(frozen=True)
class Piece:
    """One piece; `tonic` is a MIDI pitch."""

    title: str
    split: str
    beats_per_minute: float
    tonic: int
    mode: str
    sections: tuple[Section, ...]
    room: Room
    beats: int = 4
    sevenths: bool = False


HALL = Room((18.0, 24.0, 9.0), 1.9, 1.1)
CHAMBER = Room((9.0, 12.0, 4.5), 1.3, 0.8)
STUDIO = Room((6.5, 8.0, 3.2), 0.8, 0.6)
CLUB = Room((11.0, 14.0, 3.8), 1.0, 0.9)

PIECES = (
    Piece(
        "Walk in C",
        "train",
        108,
        60,
        "major",
        (
            Section(4, (1, 6, 4, 5), "flute", "guitar", "strum", "bass", "root", "rock"),
            Section(4, (4, 5, 3, 6), "reed", "piano", "block", "bass", "eighths", "rock", 1.04),
        ),
        STUDIO,
    ),
    Piece(
        "Four Floors",
        "train",
        122,
        57,
        "minor",
        (
            Section(4, (1, 6, 3, 7), "lead", "epiano", "offbeat", "synthbass", "eighths", "four"),
            Section(5, (6, 7, 1, 1, 4), "brass", "organ", "arpeggio", "synthbass", "eighths", "four"),
        ),
        CLUB,
    ),
    Piece(
        "Slow Strings",
        "train",
        66,
        55,
        "major",
        (
            Section(3, (1, 3, 4), "flute", "strings", "sustain", "cello", "root", "none"),
            Section(3, (2, 5, 1), "reed", "strings", "sustain", "cello", "root", "none", 0.95),
        ),
        HALL,
    ),
    Piece(
        "Evening Bossa",
        "train",
        96,
        62,
        "dorian",
        (
            Section(4, (1, 4, 1, 4), "flute", "guitar", "offbeat", "bass", "root", "bossa"),
            Section(4, (7, 3, 2, 5), "marimba", "guitar", "arpeggio", "bass", "walk", "bossa", 0.97),
        ),
        CHAMBER,
        sevenths=True,
    ),
    Piece(
        "Blue Stairs",
        "train",
        132,
        58,
        "mixolydian",
        (
            Section(6, (1, 4, 1, 1, 4, 4), "reed", "piano", "offbeat", "bass", "walk", "swing"),
            Section(6, (1, 1, 5, 4, 1, 5), "brass", "piano", "block", "bass", "walk", "swing"),
        ),
        CLUB,
        sevenths=True,
    ),
    Piece(
        "Clockwork Waltz",
        "train",
        138,
        64,
        "minor",
        (
            Section(8, (1, 5, 1, 4, 6, 3, 4, 5), "marimba", "piano", "arpeggio", "bass", "pedal", "none"),
            Section(8, (1, 7, 6, 5, 4, 1, 5, 1), "flute", "strings", "sustain", "cello", "root", "waltz"),
        ),
        CHAMBER,
        beats=3,
    ),
    Piece(
        "Organ Lights",
        "train",
        80,
        53,
        "major",
        (
            Section(3, (1, 5, 6), "lead", "organ", "block", "synthbass", "root", "rock"),
            Section(3, (4, 1, 5), "guitar", "choir", "sustain", "synthbass", "pedal", "rock", 1.06),
        ),
        HALL,
        sevenths=True,
    ),
    Piece(
        "Parade",
        "train",
        116,
        67,
        "major",
        (
            Section(4, (1, 1, 4, 5), "brass", "brass", "block", "tuba", "root", "march"),
            Section(5, (4, 1, 2, 5, 1), "reed", "brass", "offbeat", "tuba", "root", "march"),
        ),
        HALL,
    ),
    Piece(
        "Night Piano",
        "valid",
        72,
        61,
        "minor",
        (
            Section(2, (1, 6), "piano", "piano", "arpeggio", "cello", "pedal", "none"),
            Section(3, (3, 7, 1), "flute", "piano", "arpeggio", "cello", "pedal", "none", 1.1),
        ),
        CHAMBER,
    ),
    Piece(
        "Garage Stroll",
        "valid",
        126,
        52,
        "mixolydian",
        (
            Section(4, (1, 7, 4, 1), "guitar", "organ", "offbeat", "bass", "eighths", "rock"),
            Section(4, (4, 4, 1, 5), "lead", "guitar", "strum", "bass", "eighths", "rock"),
        ),
        STUDIO,
    ),
    Piece(
        "Open Window",
        "test",
        100,
        65,
        "major",
        (
            Section(3, (1, 2, 4), "marimba", "guitar", "arpeggio", "bass", "root", "bossa"),
            Section(4, (6, 4, 2, 5), "reed", "epiano", "offbeat", "bass", "walk", "rock", 1.03),
        ),
        CHAMBER,
        sevenths=True,
    ),
    Piece(
        "Chorale",
        "test",
        76,
        56,
        "dorian",
        (
            Section(2, (1, 4), "choir", "strings", "sustain", "cello", "root", "none"),
            Section(3, (7, 3, 1), "flute", "choir", "sustain", "cello", "root", "none"),
        ),
        HALL,
    ),
    Piece(
        "Neon Run",
        "test",
        140,
        59,
        "minor",
        (
            Section(4, (1, 3, 7, 4), "lead", "epiano", "arpeggio", "synthbass", "eighths", "four"),
            Section(5, (6, 7, 1, 5, 1), "brass", "organ", "offbeat", "synthbass", "eighths", "rock"),
        ),
        CLUB,
    ),
)

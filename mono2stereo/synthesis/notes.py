"""Notes in time, and who plays them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Note:
    """A note: when, how long, MIDI pitch, velocity 0…1."""

    start_seconds: float
    seconds: float
    pitch: float
    velocity: float


@dataclass
class Part:
    """The notes of one source of sound, which stands at one place."""

    place: str
    instrument: str
    notes: list[Note] = field(default_factory=list)

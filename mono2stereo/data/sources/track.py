"""A recording as every source hands it out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Track:
    """One recording.

    Attributes:
        name: unique in its source and fit for a file name.
        split: train, valid or test.
        path: the audio file.
    """

    name: str
    split: str
    path: Path

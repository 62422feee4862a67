"""Where recordings come from: the embedded demo, a folder, MUSDB18-HQ, all behind one interface."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mono2stereo.data.sources.demo import DemoSource
from mono2stereo.data.sources.folder import FolderSource
from mono2stereo.data.sources.musdb18hq import Musdb18HqSource
from mono2stereo.data.sources.track import SPLITS, Track
from mono2stereo.errors import DataError

__all__ = ["SPLITS", "Source", "Track", "open_source"]


class Source(Protocol):
    """A collection of stereo recordings, each in one of the splits train, valid and test."""

    def prepare(self) -> None:
        """Make or locate the audio; what is there already stays. Raises DataError."""

    def tracks(self) -> list[Track]:
        """All recordings in a fixed order, with unique names. Raises DataError."""


def open_source(
    name: str, *, path: str | Path, root: Path, valid_fraction: float = 0.1, test_fraction: float = 0.15
) -> Source:
    """Open a source by the name that params.yaml gives it.

    Args:
        name: demo, folder or musdb18hq.
        path: the tree that folder and musdb18hq read; relative to `root` or absolute. demo ignores it.
        root: the repository's top folder; demo writes to data/raw/demo below it.
        valid_fraction: share of the groups of tracks that folder puts into valid, 0…1.
        test_fraction: the same for test.
    """
    if name == "demo":
        return DemoSource(root / "data" / "raw" / "demo")
    if name == "folder":
        return FolderSource(root / path, valid_fraction=valid_fraction, test_fraction=test_fraction)
    if name == "musdb18hq":
        return Musdb18HqSource(root / path)
    raise DataError(f"data.source = {name!r}: unknown; allowed are demo, folder, musdb18hq")

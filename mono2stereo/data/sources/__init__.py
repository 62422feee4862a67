"""Where recordings come from, behind one interface: the embedded demo, a folder, MUSDB18-HQ, its excerpts."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mono2stereo.data.sources.demo import DemoSource
from mono2stereo.data.sources.folder import FolderSource
from mono2stereo.data.sources.musdb18_sample import Musdb18SampleSource
from mono2stereo.data.sources.musdb18hq import Musdb18HqSource
from mono2stereo.data.sources.track import SPLITS, Track
from mono2stereo.errors import DataError

__all__ = ["SPLITS", "Source", "Track", "choose_source"]

DEMO_PATH = Path("mono2stereo/data/sources/demo")  # data.path's default: what demo's audio is made from
OFFICIAL = "official"


class Source(Protocol):
    """A collection of stereo recordings, each in one of the splits train, valid and test."""

    def prepare(self) -> None:
        """Make or locate the audio; what is there already stays. Raises DataError."""

    def tracks(self) -> list[Track]:
        """All recordings in a fixed order, with unique names. Raises DataError."""


def choose_source(
    name: str,
    *,
    path: str | Path,
    root: Path,
    valid_fraction: float = 0.1,
    test_fraction: float = 0.15,
    url: str = OFFICIAL,
    delete_archive: bool = False,
) -> Source:
    """Open a source by the name that params.yaml gives it.

    Args:
        name: demo, folder, musdb18hq or musdb18-sample.
        path: the tree that folder reads; for the MUSDB ones a tree or archive on disk already, unless it is
            DEMO_PATH. Relative to `root` or absolute.
        root: the repository's top folder; what is made or fetched lies in data/raw/<name> below it.
        valid_fraction: share of the groups of tracks that folder puts into valid, 0…1.
        test_fraction: the same for test.
        url: where the MUSDB ones download from, or OFFICIAL.
        delete_archive: delete an archive that they had to download whole, once they have taken their part.

    Raises:
        DataError: no such source, or a path that it would not read.
    """
    raw = root / "data" / "raw" / name
    path = Path(path)
    if name == "demo" and path != DEMO_PATH:
        raise DataError(f"data.path = {path}: data.source = demo reads none; set data.source to folder, too")
    if name == "demo":
        return DemoSource(raw)
    if name == "folder":
        return FolderSource(root / path, valid_fraction=valid_fraction, test_fraction=test_fraction)
    own_path = None if path == DEMO_PATH else root / path
    address = None if url == OFFICIAL else url
    if name == "musdb18hq":
        return Musdb18HqSource(own_path, raw=raw, url=address, delete_archive=delete_archive)
    if name == "musdb18-sample":
        return Musdb18SampleSource(own_path, raw=raw, url=address, delete_archive=delete_archive)
    raise DataError(f"data.source = {name!r}: unknown; allowed are demo, folder, musdb18hq, musdb18-sample")

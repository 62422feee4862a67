"""MUSDB18-HQ: 150 mixtures with the official 86/14/50 split, on disk already or downloaded."""

from __future__ import annotations

import sys
from pathlib import Path

from mono2stereo.data.sources.musdb_tree import MusdbTree, mixtures
from mono2stereo.data.sources.track import Track

URL = "https://zenodo.org/records/3338373/files/musdb18hq.zip?download=1"
SHA256 = "baac80d0483c61d74b2e5f3be75fa557eec52898339e6aa45c1fa48833c5d21d"
MIXTURES = 150


class Musdb18HqSource:
    """The tree `{train,test}/<Artist - Title>/mixture.wav`; see MusdbTree for where it comes from."""

    def __init__(
        self, path: Path | None, *, raw: Path, url: str | None = None, delete_archive: bool = False
    ) -> None:
        self.tree = MusdbTree(
            path, raw, "*/mixture.wav", "musdb18hq.zip", url or URL, SHA256, delete_archive=delete_archive
        )

    def prepare(self) -> None:
        self.tree.prepare()
        if (mixtures := len(self.tree.files())) != MIXTURES:
            print(f"{self.tree.path}: {mixtures} mixtures, where all of them are {MIXTURES}", file=sys.stderr)

    def tracks(self) -> list[Track]:
        return mixtures(self.tree.path)

"""MUSDB18-HQ, already extracted: 150 mixtures with the official 86/14/50 split."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import yaml

from mono2stereo.data.sources.track import Track
from mono2stereo.errors import DataError


class Musdb18HqSource:
    """The tree `<path>/{train,test}/<Artist - Title>/mixture.wav` of zenodo.org/records/3338373."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        for part in ("train", "test"):
            if not any((self.path / part).glob("*/mixture.wav")):
                raise DataError(
                    f"{self.path / part}: no <Artist - Title>/mixture.wav; extract musdb18hq.zip "
                    "(zenodo.org/records/3338373) and set data.path to the folder that holds train/ and test/"
                )

    def tracks(self) -> list[Track]:
        valid = validation_names()
        found = [
            Track(path.parent.name, "valid" if part == "train" and path.parent.name in valid else part, path)
            for part in ("train", "test")
            for path in sorted((self.path / part).glob("*/mixture.wav"))
        ]
        return sorted(found, key=lambda track: (("train", "valid", "test").index(track.split), track.name))


def validation_names() -> frozenset[str]:
    """The official validation tracks, read beside musdb without importing it (that needs ffmpeg)."""
    spec = find_spec("musdb")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("musdb: not installed, and it names the validation split; pip install musdb")
    settings = Path(spec.submodule_search_locations[0]) / "configs" / "mus.yaml"
    return frozenset(yaml.safe_load(settings.read_text(encoding="utf-8"))["validation_tracks"])

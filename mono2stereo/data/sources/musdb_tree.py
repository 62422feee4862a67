"""What MUSDB18-HQ and its excerpts share: a tree with train/ and test/, on disk already or fetched."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from mono2stereo.data.download import extract, fetch, is_complete
from mono2stereo.data.sources.track import SPLITS, Track
from mono2stereo.errors import DataError

PARTS = ("train", "test")
TERMS = """\
MUSDB18 (sigsep.github.io/datasets/musdb.html) is for education and research. Commercial use needs the
permission of those who hold the rights in the recordings; some tracks have licences of their own. Pass none
of the audio on; say of weights trained on it that they are for non-commercial use too.
"""


@dataclass(frozen=True)
class MusdbTree:
    """Files `<tree>/{train,test}/<pattern>`.

    Attributes:
        given: a tree, an archive or a folder that holds the archive, on disk already.
        raw: the folder for what is extracted or downloaded, where neither is a tree.
        pattern: of the files below train/ and test/.
        archive_name: the archive's usual name.
        url: of the archive.
        sha256: of the archive, where known.
        delete_archive: delete an archive that had to be downloaded whole, once its files are out.
    """

    given: Path | None
    raw: Path
    pattern: str
    archive_name: str
    url: str
    sha256: str | None = None
    delete_archive: bool = False

    @property
    def path(self) -> Path:
        """The folder that holds train/ and test/."""
        return self.given if self.given is not None and self._is_tree(self.given) else self.raw

    def prepare(self) -> None:
        """Locate, extract or download the files. Raises DataError."""
        given = self.given
        if given is None:
            if not is_complete(self.raw):
                if elsewhere := os.environ.get("MUSDB_PATH"):
                    raise DataError(
                        f"MUSDB_PATH = {elsewhere}: not read, because DVC could not see it change; set "
                        f"data.path to it, or unset it to download"
                    )
                self._show_terms_once()
                fetch(
                    self.url,
                    self.raw,
                    wanted=self._wanted,
                    sha256=self.sha256,
                    delete_archive=self.delete_archive,
                )
        elif not self._is_tree(given):
            archive = given if given.is_file() else given / self.archive_name
            if not archive.is_file():
                raise DataError(
                    f"data.path = {given}: neither {self.archive_name} nor {{train,test}}/{self.pattern}; "
                    "correct it, or leave it as it was to download"
                )
            self._show_terms_once()
            extract(archive, self.raw, wanted=self._wanted)

    def files(self) -> list[Path]:
        return [file for part in PARTS for file in sorted((self.path / part).glob(self.pattern))]

    def _is_tree(self, path: Path) -> bool:
        return all(any((path / part).glob(self.pattern)) for part in PARTS)

    def _wanted(self, name: PurePosixPath) -> PurePosixPath | None:
        """The last folders of a member's name, whatever stands above train/ and test/."""
        path = PurePosixPath(*name.parts[-2 - self.pattern.count("/") :])
        is_wanted = path.parts[0] in PARTS and PurePosixPath(*path.parts[1:]).match(self.pattern)
        return path if is_wanted and not any(part.startswith(".") for part in path.parts) else None

    def _show_terms_once(self) -> None:
        shown = self.raw / "TERMS.txt"
        if not shown.is_file():
            print(TERMS, end="", file=sys.stderr, flush=True)
            shown.parent.mkdir(parents=True, exist_ok=True)
            shown.write_text(TERMS, encoding="utf-8")


def mixtures(tree: Path) -> list[Track]:
    """The recordings `<tree>/{train,test}/<Artist - Title>/mixture.wav` with their official splits."""
    valid = frozenset(musdb_settings()["validation_tracks"])
    tracks = [
        Track(path.parent.name, "valid" if part == "train" and path.parent.name in valid else part, path)
        for part in PARTS
        for path in (tree / part).glob("*/mixture.wav")
    ]
    return sorted(tracks, key=lambda track: (SPLITS.index(track.split), track.name))


def musdb_settings() -> dict[str, Any]:
    """What musdb knows of the official data, read beside it without importing it (that needs ffmpeg)."""
    spec = find_spec("musdb")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("musdb: not installed, and it names the validation split; pip install musdb")
    settings = Path(spec.submodule_search_locations[0]) / "configs" / "mus.yaml"
    return dict(yaml.safe_load(settings.read_text(encoding="utf-8")))

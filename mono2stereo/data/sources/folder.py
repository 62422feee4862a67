"""Any tree of stereo recordings, split by its own train/valid/test folders or by a stable hash."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path, PurePosixPath

from mono2stereo.data.sources.track import SPLITS, Track
from mono2stereo.errors import DataError
from mono2stereo.hashes import sha256
from mono2stereo.sounds.folders import folders_below, recordings_below

MAX_NAME_BYTES = 120
SPLIT_NAMES = {"train": "train", "training": "train", "test": "test", "testing": "test"} | dict.fromkeys(
    ("valid", "validation", "val", "dev"), "valid"
)
DISC = re.compile(r"(cd|dis[ck]|vol(ume)?)[ ._-]*\d+", re.IGNORECASE)


class FolderSource:
    """A tree of recordings that libsndfile reads.

    With folders train, valid and test at its top (or SPLIT_NAMES' other words, in any case), only the
    recordings below these count and keep their split. Otherwise see `split_of`. Linked folders count, too.
    """

    def __init__(self, path: Path, *, valid_fraction: float, test_fraction: float) -> None:
        self.path = path
        self.valid_fraction = valid_fraction
        self.test_fraction = test_fraction

    def prepare(self) -> None:
        if not self.path.is_dir():
            raise DataError(f"{self.path}: no such folder; set data.path to a tree of stereo recordings")
        if not recordings_below(self.path):
            raise DataError(
                f"{self.path}: holds no WAV, FLAC, OGG, MP3 or AIFF file; set data.path to one that does"
            )

        folders = self._split_folders()
        if folders and (absent := [split for split in SPLITS if split not in folders.values()]):
            raise DataError(
                f"{self.path}: {', '.join(folders)} names a split, but no folder is {' or '.join(absent)}; "
                "add that, or rename what is no split"
            )
        if linked := [folder for folder in folders_below(self.path) if folder.is_symlink()]:
            print(
                f"{linked[0]}: a link; DVC does not see what changes behind {len(linked)} of them: after a "
                "change, dvc repro --force download",
                file=sys.stderr,
            )

    def tracks(self) -> list[Track]:
        files = recordings_below(self.path)
        if folders := self._split_folders():
            splits = {file: folders[file.parts[0]] for file in files if file.parts[0] in folders}
            names = unique_names(list(splits), below=1)
        else:
            if len(files) > 1 and len({_group(file) for file in files}) == 1:
                raise DataError(
                    f"{self.path}: all recordings lie in one folder, {files[0].parent}, and a folder is not "
                    "split; set data.path to it, or sort them into train/, valid/ and test/"
                )
            splits = split_of(files, valid_fraction=self.valid_fraction, test_fraction=self.test_fraction)
            names = unique_names(files)
        return [
            Track(name, split, self.path / file)
            for name, (file, split) in zip(names, splits.items(), strict=True)
        ]

    def _split_folders(self) -> dict[str, str]:
        """Split by name of those folders at the top that name one."""
        tops = sorted(folder.name for folder in self.path.iterdir() if folder.is_dir())
        return {top: SPLIT_NAMES[top.casefold()] for top in tops if top.casefold() in SPLIT_NAMES}


def split_of(
    files: list[PurePosixPath], *, valid_fraction: float, test_fraction: float
) -> dict[PurePosixPath, str]:
    """Split tracks by the hash of their folder's name against fixed thresholds: a new file moves no old one.

    Tracks of one folder (an album, its discs included) stay together; those at the top each stand for
    themselves. A small tree may leave a split empty by chance: the nearest group then fills it, which is
    the one case where a later file sends a group back, and stderr names it.

    >>> files = [PurePosixPath(f"{n}.wav") for n in range(60)]
    >>> sorted(set(split_of(files, valid_fraction=0.1, test_fraction=0.2).values()))
    ['test', 'train', 'valid']
    """
    groups = {file: _group(file) for file in files}
    place = {group: _place(group) for group in groups.values()}
    ordered = sorted(place, key=lambda group: (place[group], group))
    split = {
        group: "test"
        if place[group] < test_fraction
        else "valid"
        if place[group] < test_fraction + valid_fraction
        else "train"
        for group in ordered
    }
    for wanted, donor in (("test", "valid"), ("test", "train"), ("valid", "train")):
        donors = [group for group in ordered if split[group] == donor]
        if wanted not in split.values() and len(donors) > (donor == "train"):
            split[donors[0]] = wanted
            print(f"{wanted}: no recording by hash, so it takes {donors[0]} from {donor}", file=sys.stderr)
    return {file: split[group] for file, group in groups.items()}


def _group(file: PurePosixPath) -> str:
    folder = file.parent
    while folder.parts and DISC.fullmatch(folder.name):
        folder = folder.parent
    # One spelling of accents: file systems differ in it.
    return unicodedata.normalize("NFC", (folder if folder.parts else file.with_suffix("")).as_posix())


def unique_names(files: list[PurePosixPath], *, below: int = 0) -> list[str]:
    """Name each track by its path, in characters fit for a file name; alike ones get a hash.

    Args:
        files: relative paths, all different.
        below: how many leading folders the names leave out.

    >>> unique_names([PurePosixPath("a/b.wav"), PurePosixPath("c.ogg")])
    ['a_b', 'c']
    """
    plain = [_plain(PurePosixPath(*file.parts[below:])) for file in files]
    often = Counter(name.casefold() for name in plain)
    return [
        name
        if often[name.casefold()] == 1 and len(name.encode()) <= MAX_NAME_BYTES
        else f"{name.encode()[:MAX_NAME_BYTES].decode(errors='ignore')}-{_digest(file.as_posix())[:8]}"
        for name, file in zip(plain, files, strict=True)
    ]


def _plain(file: PurePosixPath) -> str:
    return re.sub(r"[^\w .,()&'+-]", "_", "_".join(file.with_suffix("").parts)).strip(" .") or "track"


def _place(group: str) -> float:
    return int(_digest(group)[:13], 16) / 16**13


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape"))

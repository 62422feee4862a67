"""Recordings in a tree of folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mono2stereo.sounds.kinds import SOUND_SUFFIXES


def recordings_below(top: Path) -> list[PurePosixPath]:
    """Paths below `top`, in one order everywhere; linked folders count, what begins with a dot does not."""
    paths = (path for folder in folders_below(top) for path in folder.iterdir())
    return sorted(
        PurePosixPath(path.relative_to(top).as_posix())
        for path in paths
        if path.suffix.lower() in SOUND_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def folders_below(top: Path) -> Iterator[Path]:
    """`top` and all folders below it, through links but not in circles; those with a dot are passed over."""
    pending = [(top, frozenset({top.resolve()}))]
    while pending:
        folder, above = pending.pop()
        yield folder
        for inner in folder.iterdir():
            real = inner.resolve()
            if inner.is_dir() and not inner.name.startswith(".") and real not in above:
                pending.append((inner, above | {real}))

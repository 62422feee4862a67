"""From what a user names to the files to convert: each source with its target."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mono2stereo.conversion.formats import KINDS, SUFFIX_OF_KIND, target_kind
from mono2stereo.errors import UsageError
from mono2stereo.sounds.folders import recordings_below
from mono2stereo.sounds.kinds import SUFFIXES

STDOUT = ("/dev/stdout", "/dev/fd/1")
MARK = "-stereo"
# On Windows these are devices with any suffix, and some characters or endings mean something else.
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)\s*(\.|$)|.*[<>:\"|?*]|.*[. ]$", re.IGNORECASE)


@dataclass(frozen=True)
class Job:
    """One file to convert.

    Attributes:
        source: To read.
        target: To write.
        name: Of the source, in messages.
    """

    source: Path
    target: Path
    name: str


def plan(
    sources: Sequence[Path],
    *,
    output: Path | None = None,
    folder: Path | None = None,
    suffix: str | None = None,
) -> list[Job]:
    """Give every source a target: `output`, the same name below `folder`, or `*-stereo` beside the source.

    Args:
        sources: Files and folders; of a folder all recordings below it, as `recordings_below` finds them.
        output: Target of a single file.
        folder: Where the targets go; those of a folder's files keep their places below it.
        suffix: Of the targets, instead of the sources' own.

    Raises:
        UsageError: The arguments contradict each other, or two sources would have one target.
    """
    if output and (len(sources) > 1 or sources[0].is_dir()):
        raise UsageError("-o names the output of one file; for several, or for a folder, give --out-dir")
    if output and output.is_dir():
        raise UsageError(f"-o {output}: is a folder; give --out-dir")
    # Where the shell leads stdout into a file, /dev/stdout is one.
    if output and (str(output) in STDOUT or (output.exists() and not output.is_file())):
        raise UsageError(f"-o {output}: is no regular file; -o - writes to stdout, which can lead anywhere")
    if output:
        target_kind(output)
    jobs: dict[str, Job] = {}
    for source, below in _files(sources, folder):
        target = output or _renamed(folder / below if folder else source, suffix, mark=folder is None)
        if sys.platform == "win32" and RESERVED.match(target.name):
            raise UsageError(f"{target}: no name for a file on Windows; give another with -o")
        if (other := jobs.get(key := _as_one(target))) is not None:
            if other.source == source:
                continue
            raise UsageError(f"{other.source} and {source} would both become {target}; convert them apart")
        jobs[key] = Job(source, target, str(source))
    return list(jobs.values())


def is_result(source: Path) -> bool:
    """Whether a name is one that `plan` gives to what is made."""
    return not source.is_dir() and _parted(source)[0].endswith(MARK)


def _as_one(path: Path) -> str:
    """The same for all names that the system takes for one file's."""
    if sys.platform in ("win32", "darwin"):
        return unicodedata.normalize("NFC", str(path)).casefold()
    return str(path)


def _files(sources: Sequence[Path], folder: Path | None) -> Iterator[tuple[Path, Path]]:
    """Each file, and its place below `folder`."""
    for source in sources:
        if not source.is_dir():
            yield source, Path(source.name)
            continue
        if folder is None:
            raise UsageError(f"{source}: is a folder; give --out-dir")
        target_folder = folder.resolve()
        recordings = [
            below
            for below in recordings_below(source)
            if target_folder not in (source / below).resolve().parents
        ]
        if not recordings:
            raise UsageError(f"{source}: no WAV, FLAC, OGG, MP3 or AIFF file to convert below it")
        for below in recordings:
            yield source / below, Path(below)


def _renamed(path: Path, suffix: str | None, *, mark: bool) -> Path:
    stem, own = _parted(path)
    return path.with_name(f"{stem}{MARK if mark else ''}{suffix or own or SUFFIX_OF_KIND['WAV']}")


def _parted(path: Path) -> tuple[str, str]:
    """Stem and suffix; what follows a dot and is no suffix belongs to the name: "No. 5", tape.001."""
    if path.suffix.lower() not in SUFFIXES:
        return path.name, ""
    return path.stem, path.suffix if path.suffix.lower() in KINDS else ""

"""What a zip archive holds, which of it is wanted, and whether what lies on disk is that."""

from __future__ import annotations

import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from mono2stereo.data.download.remote import RangeReader
from mono2stereo.errors import DataError
from mono2stereo.files import atomic_path
from mono2stereo.progress import progress

COMPLETE = ".complete"
LOCAL_HEADER_BYTES = 30
MOST_BESIDE_DATA_BYTES = LOCAL_HEADER_BYTES + 2 * 0xFFFF + 24  # header, name, extra field, data descriptor
MOST_UNPACKED_PER_BYTE = 100  # music hardly halves; a bomb reaches a thousand
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)

Wanted = Callable[[PurePosixPath], PurePosixPath | None]


@dataclass(frozen=True)
class Member:
    """A wanted member of an archive.

    Attributes:
        path: where it belongs, relative.
        info: its entry in the central directory.
        start: first byte of its local header in the archive.
        stop: first byte of what follows it.
    """

    path: PurePosixPath
    info: zipfile.ZipInfo
    start: int
    stop: int

    @property
    def line(self) -> str:
        return _line(self.info.CRC, self.info.file_size, self.path)


def open_archive(file: IO[bytes] | RangeReader, label: str) -> zipfile.ZipFile:
    """Read an archive's central directory, zip64 included. Raises DataError, naming it `label`."""
    try:
        return zipfile.ZipFile(file)
    except (*BROKEN, ValueError, struct.error, UnicodeDecodeError) as error:
        raise DataError(f"{label}: not a zip archive, or a damaged one ({error})") from None


def wanted_members(archive: zipfile.ZipFile, label: str, wanted: Wanted) -> list[Member]:
    """List the members that `wanted` gives a place, after a look at all of them.

    Raises:
        DataError: nothing is wanted; or a name that leads elsewhere, members that overlap or stand twice, an
            impossible size: the archive is refused before a byte of a member is read.
    """
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    ends = [info.header_offset for info in infos[1:]] + [archive.start_dir]
    members = []
    for info, stop in zip(infos, ends, strict=False):  # an empty archive has an end only
        path = wanted(_safe_path(info, label))
        if path is None or info.is_dir():
            continue
        around_data = stop - info.header_offset - info.compress_size
        if info.header_offset < 0 or not LOCAL_HEADER_BYTES < around_data <= MOST_BESIDE_DATA_BYTES:
            raise DataError(
                f"{label}: {info.filename}: members overlap or leave gaps; the archive is refused"
            )
        if info.file_size > MOST_UNPACKED_PER_BYTE * (info.compress_size + 100):
            raise DataError(
                f"{label}: {info.filename}: {info.file_size} bytes out of {info.compress_size} are no music; "
                "the archive is refused as a bomb"
            )
        members.append(Member(path, info, info.header_offset, stop))
    if not members:
        raise DataError(f"{label}: holds none of the recordings that were expected")
    if len({member.path for member in members}) < len(members):
        raise DataError(f"{label}: holds a recording twice; the archive is refused")
    return members


def _safe_path(info: zipfile.ZipInfo, label: str) -> PurePosixPath:
    name = info.orig_filename
    if set(name) & set("\\\0\r\n") or PureWindowsPath(name).anchor or ".." in name.split("/"):
        raise DataError(f"{label}: a member named {name!r} leads out of its folder; the archive is refused")
    return PurePosixPath(name)


def unpack(part: Path, info: zipfile.ZipInfo, target: Path, *, partial_path: Path) -> None:
    """Write a member from its bytes in the archive, local header included. Raises one of BROKEN."""
    with part.open("rb") as raw:
        header = raw.read(LOCAL_HEADER_BYTES)
        if len(header) < LOCAL_HEADER_BYTES or not header.startswith(b"PK\3\4"):
            raise zipfile.BadZipFile("no local header")
        raw.seek(sum(struct.unpack_from("<HH", header, 26)), os.SEEK_CUR)
        with zipfile.ZipExtFile(raw, "r", info) as stream:
            write_member(stream, info, target, partial_path=partial_path)


def write_member(
    stream: IO[bytes] | zipfile.ZipExtFile, info: zipfile.ZipInfo, target: Path, *, partial_path: Path
) -> None:
    """Write an open member to `beside` and rename it to `target` if size and CRC32 are right.

    zipfile reads no more than the declared size and compares the CRC32 at its end. Raises one of BROKEN.
    """
    with partial_path.open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
        if file.tell() != info.file_size:
            raise zipfile.BadZipFile("too few bytes")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial_path.replace(target)


def missing(members: Sequence[Member], root: Path) -> list[Member]:
    """The members that do not lie below `root` in full, by size and by the CRC32 unless that is noted."""
    noted = _noted(root)
    return [
        member
        for member in progress(members, label="check")
        if not _has_size(root / member.path, member.info.file_size)
        or (member.line not in noted and _crc32(root / member.path) != member.info.CRC)
    ]


def note_complete(root: Path, lines: Iterable[str] | None = None, *, paths: Iterable[Path] = ()) -> None:
    """Note that files below `root` are whole, so that the next run believes it without reading them.

    Args:
        root: the folder; the note lies in it.
        lines: of members that were verified as they were written.
        paths: of files made by other means.
    """
    written = (_line(_crc32(path), path.stat().st_size, path.relative_to(root)) for path in paths)
    with atomic_path(root / COMPLETE) as partial_path:
        partial_path.write_text("\n".join([*(lines or ()), *written]), encoding="utf-8")


def is_complete(root: Path) -> bool:
    """Whether all files that `note_complete` noted are there in their sizes."""
    noted = [line.split(" ", 2) for line in _noted(root)]
    return bool(noted) and all(_has_size(root / path, int(size)) for _, size, path in noted)


def _noted(root: Path) -> frozenset[str]:
    note = root / COMPLETE
    return frozenset(note.read_text(encoding="utf-8").split("\n")) if note.is_file() else frozenset()


def _line(crc: int, size: int, path: PurePosixPath | Path) -> str:
    return f"{crc:08x} {size} {path.as_posix()}"


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _crc32(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc

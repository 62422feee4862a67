"""Fetch or extract the wanted members: partial ones are kept and gone on with, finished ones verified."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from mono2stereo import hashes
from mono2stereo.data.download.archive import (
    BROKEN,
    Member,
    Wanted,
    is_complete,
    missing,
    note_complete,
    open_archive,
    unpack,
    wanted_members,
    write_member,
)
from mono2stereo.data.download.remote import ChangedError, RangeReader, RemoteFile
from mono2stereo.errors import DataError
from mono2stereo.progress import ByteProgress

PARTS = ".parts"
ATTEMPTS = 3
SHARE_WANTED = 0.3  # of an archive's bytes, about, once unpacked


def archive_of(root: Path) -> Path:
    """Where `fetch` puts the whole archive of `root`, if it needs all of it."""
    return root.with_name(f"{root.name}.zip")


def fetch(
    url: str,
    root: Path,
    *,
    wanted: Wanted,
    sha256: str | None = None,
    delete_archive: bool = False,
    connections: int = 4,
    timeout_seconds: float = 30.0,
    attempts: int = 8,
    pause_seconds: float = 1.0,
) -> None:
    """Bring the wanted members of an archive on a server below `root`, each verified by CRC32 and size.

    Only their own bytes are fetched where the server knows ranges; else the whole archive, to `root`.zip. A
    call after an interruption, in any process, goes on from the last byte. A file that changes on the server
    in between makes it start again; finished members stay if the new archive has the same.

    Args:
        url: of the archive.
        root: the folder; partial files lie in .parts below it.
        wanted: gives a member's name a path below `root`, or None.
        sha256: of the archive, where known; compared when all of it was fetched.
        delete_archive: delete the whole archive once its members are out.
        connections: at a time.
        timeout_seconds: without a byte, after which a connection counts as broken.
        attempts: faults in a row, without a new byte, after which it gives up.
        pause_seconds: after the first fault; doubled after each.

    Raises:
        DataError: one line that says what to do. What has been fetched is kept.
    """
    with _prepared(root):
        archive = archive_of(root)
        for _ in range(ATTEMPTS):
            if is_complete(root):
                return
            with suppress(ChangedError):
                if not archive.is_file():
                    remote = RemoteFile(
                        url, timeout_seconds=timeout_seconds, attempts=attempts, pause_seconds=pause_seconds
                    )
                    if remote.has_ranges:
                        return _fetch_members(remote, root, wanted, connections)
                    _fetch_archive(remote, root, archive, sha256)
                _extract(archive, root, wanted)
                return archive.unlink() if delete_archive else None
        raise DataError(f"{url}: changed on the server {ATTEMPTS} times during the download; try again later")


def extract(archive: Path, root: Path, *, wanted: Wanted) -> None:
    """Bring the wanted members of an archive on disk below `root`, verified; the archive stays.

    Raises:
        DataError: one line that says what to do.
    """
    with _prepared(root):
        _extract(archive, root, wanted)


@contextmanager
def _prepared(root: Path) -> Iterator[None]:
    """One process at a time; partial files stay after a failure only; the disk's errors in one line."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".lock"):
            (root / PARTS).mkdir(exist_ok=True)
            yield
            shutil.rmtree(root / PARTS)
    except OSError as error:
        raise DataError(f"{error.filename or root}: {error.strerror or error}") from None


def _parts(root: Path, remote: RemoteFile) -> Path:
    """The folder of this version's partial files; those of another version go."""
    version = remote.version
    name = hashes.sha256(f"{version.validator} {version.size}".encode())[:16]
    for other in (root / PARTS).iterdir():
        if other.name != name:
            print(f"download: {remote.url} has changed; starting again", file=sys.stderr)
            shutil.rmtree(other)
    parts = root / PARTS / name
    parts.mkdir(exist_ok=True)
    return parts


def _fetch_members(remote: RemoteFile, root: Path, wanted: Wanted, connections: int) -> None:
    with open_archive(RangeReader(remote), remote.url) as archive:
        members = wanted_members(archive, remote.url, wanted)
    parts = _parts(root, remote)
    absent = missing(members, root)
    done = sum(_size(_part(parts, member)) for member in absent)
    total = sum(member.stop - member.start for member in absent)
    _check_space(root, sum(member.info.file_size for member in absent) + _largest(absent, connections) - done)
    with (
        ByteProgress(total, done=done, label="download") as progress,
        ThreadPoolExecutor(connections) as pool,
    ):
        jobs = [pool.submit(_fetch_member, remote, member, root, parts, progress) for member in absent]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            remote.stop()
            pool.shutdown(cancel_futures=True)
            raise
    note_complete(root, (member.line for member in members))


def _fetch_member(
    remote: RemoteFile, member: Member, root: Path, parts: Path, progress: ByteProgress
) -> None:
    """Fetch a member's bytes as they lie in the archive, so that a partial file's length is all one needs."""
    part = _part(parts, member)
    for _ in range(ATTEMPTS):
        _append(part, remote, member.start, member.stop, progress)
        try:
            unpack(part, member.info, root / member.path, partial_path=part.with_suffix(".unpacked"))
        except BROKEN:
            progress.add(-_size(part))
            part.unlink()
        else:
            part.unlink()
            return
    raise DataError(
        f"{remote.url}: {member.path}: wrong CRC32 or size {ATTEMPTS} times; the archive there is damaged"
    )


def _fetch_archive(remote: RemoteFile, root: Path, archive: Path, sha256: str | None) -> None:
    print(f"download: {remote.url} knows no ranges; fetching all of it", file=sys.stderr)
    part, size = _parts(root, remote) / "archive.zip", remote.version.size
    _check_space(root, round(size * (1 + SHARE_WANTED)) - _size(part))
    with ByteProgress(size, done=_size(part), label="download") as progress:
        _append(part, remote, 0, size, progress)
    digest = hashes.file_sha256(part)
    if sha256 not in (None, digest):
        part.unlink()
        raise DataError(f"{remote.url}: sha256 {digest}, not {sha256}; deleted: run again, or set data.url")
    part.replace(archive)


def _append(part: Path, remote: RemoteFile, start: int, stop: int, progress: ByteProgress) -> None:
    """Bring a partial file of the bytes from `start` to before `stop` to its full length."""
    with part.open("ab", buffering=0) as file:
        for chunk in remote.stream(start + file.tell(), stop):
            file.write(chunk)
            progress.add(len(chunk))


def _extract(archive: Path, root: Path, wanted: Wanted) -> None:
    with archive.open("rb") as file, open_archive(file, str(archive)) as opened:
        members = wanted_members(opened, str(archive), wanted)
        absent = missing(members, root)
        total = sum(member.info.file_size for member in absent)
        _check_space(root, total)
        with ByteProgress(total, label="extract") as progress:
            for member in absent:
                try:
                    with opened.open(member.info) as stream:
                        partial_path = root / PARTS / "extracting"
                        write_member(stream, member.info, root / member.path, partial_path=partial_path)
                except (*BROKEN, RuntimeError) as error:  # RuntimeError: encrypted
                    raise DataError(
                        f"{archive}: {member.path}: {error}; the archive is damaged: delete it and run again"
                    ) from None
                progress.add(member.info.file_size)
    note_complete(root, (member.line for member in members))


def _part(parts: Path, member: Member) -> Path:
    return parts / f"{member.start}.part"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _largest(members: Sequence[Member], count: int) -> int:
    return sum(sorted((member.stop - member.start for member in members), reverse=True)[:count])


def _check_space(root: Path, needed: int) -> None:
    free = shutil.disk_usage(root).free
    if needed > free:
        raise DataError(f"{root}: {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free; make room first")

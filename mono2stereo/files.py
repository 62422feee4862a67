"""Write files and folders whole or not at all: beside the target first, then renamed."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONG_NAME_BYTES = 200  # most systems end at 255, and a temporary name is longer than the target's


@contextmanager
def atomic_path(target: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yield a path beside `target` to write to; rename it onto `target` if the block succeeds.

    Works for files and for folders (the block then makes the folder). A folder that stood at `target`
    is replaced. The suffix is kept, so that writers which look at it choose the same format.

    Args:
        target: What will stand there, whole.
        durable: Wait until the disk holds it, so that it also survives a power loss.

    Raises:
        OSError: The disk is full, read-only, …; names `target` where the system names nothing.
    """
    target = Path(target)
    # Names end at 255 bytes, and the target's may be as long.
    name, suffix = target.stem, target.suffix
    if len(os.fsencode(target.name)) > LONG_NAME_BYTES:
        name, suffix = f"{name[:16]}.{zlib.crc32(os.fsencode(name)):08x}", suffix[:16]
    partial_path = target.with_name(f".{name}.{os.getpid()}.partial{suffix}")
    with named_faults(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial_path)
        try:
            yield partial_path
            if durable:
                _sync(partial_path)
            if target.is_dir():
                _remove(target)
            partial_path.replace(target)
            if durable:
                _sync_one(target.parent)
        finally:
            _remove(partial_path)


@contextmanager
def named_faults(path: Path) -> Iterator[None]:
    """Have an OSError of the block, which names no file when a write fails, name `path`."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Files before the folders that list them."""
    for inner in path.iterdir() if path.is_dir() else ():
        _sync(inner)
    _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Write files and folders whole or not at all: beside the target first, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; rename it onto `target` if the block succeeds.

    Works for files and for folders (the block then makes the folder). A folder that stood at `target`
    is replaced. The suffix is kept, so that writers which look at it choose the same format.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")
    _remove(beside)
    try:
        yield beside
        if target.is_dir():
            _remove(target)
        beside.replace(target)
    finally:
        _remove(beside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

"""Progress of long work: a bar on a terminal, an occasional plain line in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 5.0


def progress(iterable: Iterable[Item], *, total: int | None = None, label: str = "") -> Iterator[Item]:
    """Yield the items of `iterable`, showing on stderr how far they have got.

    Args:
        iterable: what to go through.
        total: number of items; taken from `iterable` where it has a length.
        label: what is being done, such as "preprocess".
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    if sys.stderr.isatty():
        yield from tqdm(iterable, total=total, desc=label, dynamic_ncols=True)
        return
    start = last = time.monotonic()
    done = 0
    for item in iterable:
        yield item
        done += 1
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES and done != total:
            last = time.monotonic()
            _line(label, done, total, last - start)
    _line(label, done, total, time.monotonic() - start)


def _line(label: str, done: int, total: int | None, seconds: float) -> None:
    count = f"{done}" if total is None else f"{done}/{total}"
    print(f"{label}: {count} in {seconds:.0f} s".removeprefix(": "), file=sys.stderr, flush=True)

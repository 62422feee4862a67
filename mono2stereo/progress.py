"""Progress of long work: a bar on a terminal, an occasional plain line in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sized
from types import TracebackType
from typing import Self, TypeVar

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
        try:
            from tqdm import tqdm
        except ImportError:  # a light installation has lines
            pass
        else:
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
    left = f", about {duration(seconds / done * (total - done))} to go" if total and 0 < done < total else ""
    print(f"{label}: {count} in {duration(seconds)}{left}".removeprefix(": "), file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """As people say it.

    >>> duration(5.2), duration(300), duration(4200)
    ('5 s', '5 min', '1 h 10 min')
    """
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class ByteProgress:
    """Bytes of a transfer, counted from any thread, with rate and time left. A context manager.

    Args:
        total: bytes of the whole.
        done: how many of them earlier runs left; they do not count for the rate.
        label: what is being done, such as "download".
    """

    def __init__(self, total: int, *, done: int = 0, label: str) -> None:
        self._total, self._first, self._done, self._label = total, done, done, label
        from tqdm import tqdm

        self._lock = threading.Lock()
        self._start = self._last = time.monotonic()
        self._bar = tqdm(
            total=total,
            initial=done,
            desc=label,
            unit="B",
            unit_scale=True,
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        if self._bar.disable:
            self._print(time.monotonic())

    def add(self, count: int) -> None:
        """Count `count` more bytes; fewer than none where bytes turn out to be wrong."""
        with self._lock:
            self._done += count
            self._bar.update(count)
            now = time.monotonic()
            if self._bar.disable and now - self._last >= SECONDS_BETWEEN_LINES:
                self._last = now
                self._print(now)

    def _print(self, now: float) -> None:
        size, seconds = self._bar.format_sizeof, max(now - self._start, 1e-3)
        rate = (self._done - self._first) / seconds
        left = f", {self._bar.format_interval((self._total - self._done) / rate)} left" if rate > 0 else ""
        print(
            f"{self._label}: {size(self._done, 'B')}/{size(self._total, 'B')}, {size(rate, 'B/s')}{left}",
            file=sys.stderr,
            flush=True,
        )

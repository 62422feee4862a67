"""Two things at once: the next block is made while this one is being written."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Generator[Item]) -> Generator[Item]:
    """Run an iterator in a thread of its own, one item before the one that is taken; errors come through.

    Close it before what the iterator works on: then the thread is at rest, and `items` is closed.

    >>> list(ahead(letter for letter in "abc"))
    ['a', 'b', 'c']
    """
    end = object()
    with closing(items), ThreadPoolExecutor(1, "ahead") as thread:
        following = thread.submit(next, items, end)
        while (item := following.result()) is not end:
            following = thread.submit(next, items, end)
            yield item  # type: ignore[misc]

"""Two things at once: the next block is made while this one is being written."""

from __future__ import annotations

from _thread import start_new_thread
from collections.abc import Generator
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Generator[Item]) -> Generator[Item]:
    """Run an iterator in a thread of its own, one item before the one that is taken; errors come through.

    Close it before what the iterator works on: then the thread is at rest, and `items` is closed. Queues and
    threads are C's: a signal that interrupts the taker within a lock of Python's leaves it locked for good.

    >>> list(ahead(letter for letter in "abc"))
    ['a', 'b', 'c']
    """
    asked: SimpleQueue[bool] = SimpleQueue()
    answers: SimpleQueue[tuple[Item | None, BaseException | None] | None] = SimpleQueue()

    def work() -> None:
        while asked.get():
            try:
                answers.put((next(items), None))
            except BaseException as error:
                answers.put((None, error))
        answers.put(None)

    start_new_thread(work, ())
    try:
        asked.put(True)
        while answer := answers.get():
            item, error = answer
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            asked.put(True)
            yield item  # type: ignore[misc]
    finally:
        asked.put(False)
        while answers.get() is not None:
            pass
        items.close()

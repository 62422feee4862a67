"""Ctrl-C and SIGTERM end a training run after the step it is in, not in the middle of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Which signal asked the run to end, if any did."""

    signal_number: int | None = None


@contextmanager
def deferred_signals() -> Iterator[Interrupt]:
    """Note SIGINT and SIGTERM instead of acting on them; a second one acts at once."""
    interrupt = Interrupt()

    def note(number: int, _frame: FrameType | None) -> None:
        interrupt.signal_number = number
        signal.signal(number, before[number])

    before = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, note)
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

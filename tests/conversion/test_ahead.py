"""The next block is made while this one is taken, and whatever interrupts the taker ends both."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Generator
from contextlib import closing

import numpy as np
import pytest

from mono2stereo.conversion.ahead import ahead


class SignalError(Exception):
    """What the handler raises, wherever the taker is."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such timers")
@pytest.mark.timeout(60)
def test_a_signal_at_any_moment_ends_both_and_comes_through():
    running = 0

    def count() -> Generator[int]:
        nonlocal running
        running += 1
        try:
            yield from itertools.count()
        finally:
            running -= 1

    def come(*_: object) -> None:
        raise SignalError

    before = signal.signal(signal.SIGALRM, come)
    try:
        for seconds in np.random.default_rng(0).uniform(1e-4, 4e-3, 500):
            with pytest.raises(SignalError), closing(ahead(ahead(count()))) as items:  # noqa: PT012
                signal.setitimer(signal.ITIMER_REAL, seconds)
                for _ in items:
                    pass
            assert running == 0
    finally:
        signal.signal(signal.SIGALRM, before)

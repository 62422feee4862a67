"""What whoever stops a command gets: its cleaning up, once, and a status that says which signal it was."""

from __future__ import annotations

import os
import signal

import pytest

from mono2stereo.errors import one_line_errors, sigterm_exits


def test_sigterm_exits_once_and_is_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as raised, sigterm_exits():  # noqa: PT012
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # must not interrupt the cleaning up
    assert raised.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(("first", "second", "status"), [("TERM", "INT", 143), ("INT", "TERM", 130)])
def test_whoever_sends_both_signals_wants_no_less_cleaning_up(first: str, second: str, status: int) -> None:
    cleaned = False
    with pytest.raises(SystemExit) as raised, one_line_errors(), sigterm_exits():  # noqa: PT012
        try:
            os.kill(os.getpid(), getattr(signal, f"SIG{first}"))
        finally:
            os.kill(os.getpid(), getattr(signal, f"SIG{second}"))
            cleaned = True
    assert (raised.value.code, cleaned) == (status, True)

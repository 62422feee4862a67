from __future__ import annotations

import sys

from mono2stereo import progress as module
from mono2stereo.progress import progress


def test_plain_lines_are_few_and_the_last_says_all(capsys, monkeypatch) -> None:
    now = iter(range(0, 1000))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(now)))
    assert list(progress(range(20), label="work")) == list(range(20))
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 5
    assert lines[-1].startswith("work: 20/20 in")
    assert "\r" not in "".join(lines)


def test_unknown_total(capsys) -> None:
    assert list(progress(iter("ab"), label="x")) == ["a", "b"]
    assert capsys.readouterr().err == "x: 2 in 0 s\n"


def test_bar_on_a_terminal(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(progress([1, 2, 3], label="work")) == [1, 2, 3]
    assert "3/3" in capsys.readouterr().err

from __future__ import annotations

import sys

from mono2stereo import progress as module
from mono2stereo.progress import ByteProgress, progress


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


def test_bytes_with_rate_and_time_left(capsys, monkeypatch) -> None:
    now = iter(range(0, 1000, 10))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(now)))
    with ByteProgress(5_000_000, done=1_000_000, label="download") as transfer:
        transfer.add(2_000_000)
        transfer.add(2_000_000)
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == "download: 3.00MB/5.00MB, 200kB/s, 00:10 left"
    assert last == "download: 5.00MB/5.00MB, 133kB/s, 00:00 left"


def test_bytes_on_a_terminal(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with ByteProgress(1000, label="download") as transfer:
        transfer.add(1000)
    assert "1.00k/1.00k" in capsys.readouterr().err

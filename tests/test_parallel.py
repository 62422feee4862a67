from __future__ import annotations

import math
import os

import pytest

from mono2stereo import parallel
from mono2stereo.errors import DataError


def _refuse(number: int) -> int:
    raise DataError(f"number {number}: refused")


def test_processes_keep_the_order(monkeypatch) -> None:
    monkeypatch.setattr(parallel, "usable_cores", lambda: 2)
    assert parallel.map_parallel(math.factorial, [3, 1, 4], label="work") == [6, 1, 24]
    with pytest.raises(DataError, match="number 1: refused"):
        parallel.map_parallel(_refuse, [1, 2, 3], label="work")
    with pytest.raises(DataError, match="work: a worker process died"):
        parallel.map_parallel(os._exit, [1, 1], label="work")


def test_nothing_to_do() -> None:
    assert parallel.map_parallel(math.factorial, [], label="work") == []

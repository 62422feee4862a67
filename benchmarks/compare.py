"""Candidates timed in interleaved rounds, each in a process of its own; ratios with their spread."""

from __future__ import annotations

import importlib
import json
import multiprocessing as mp
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

# `make bench SMALL=1` shows that all still run: a round of each at its smallest size, figures kept elsewhere.
SMALL = bool(os.environ.get("SMALL"))
RESULTS = Path(__file__).parents[1] / ("build" if SMALL else "reports") / "bench" / "results.json"
THREADS = os.cpu_count() or 1
Size = TypeVar("Size")


def size(usual: Size, small: Size) -> Size:
    """The usual size of something, or the smallest."""
    return small if SMALL else usual


@dataclass(frozen=True)
class Candidate:
    """Something to time.

    Attributes:
        make: `module:function`; called with `arguments` in its own process, returns what is timed. Shapes,
            warm-up (tracing, compiling) and data belong to making, not to the time.
        arguments: keyword arguments of `make`.
    """

    make: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of results.json: ours against a peer. Seconds are medians over the rounds.

    Attributes:
        name: question, setting, peer.
        ours_seconds: ours.
        peer: what it is compared with.
        peer_seconds: the peer's.
        ratio: median over the rounds of peer / ours: above 1 ours is faster.
        ratio_low: lowest of any round.
        ratio_high: highest of any round.
        gflops: operations that the mathematics needs, per second of ours; None where not counted.
        share_of_peak: of the float32 matrix product's rate measured in the same rounds.
    """

    name: str
    ours_seconds: float
    peer: str
    peer_seconds: float
    ratio: float
    ratio_low: float
    ratio_high: float
    gflops: float | None = None
    share_of_peak: float | None = None


def time_in_turn(
    candidates: Mapping[str, Candidate], rounds: int, *, calls: int = 1, warm_up: int = 2
) -> dict[str, list[float]]:
    """Seconds per call of each candidate in each round; every round times each of them once, in turn."""
    if SMALL:
        rounds = calls = warm_up = 1
    context = mp.get_context("spawn")
    workers: dict[str, tuple[Any, Connection]] = {}
    try:
        for name, candidate in candidates.items():  # one after the other: compiling must not be disturbed
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(candidate, there, warm_up))
            process.start()
            workers[name] = process, here
            _answer(here, name)
        seconds: dict[str, list[float]] = {name: [] for name in candidates}
        for _ in range(rounds):
            for name, (_, here) in workers.items():
                here.send(calls)
                seconds[name].append(_answer(here, name))
        return seconds
    finally:
        for process, _ in workers.values():
            process.kill()
            process.join()


def _answer(connection: Connection, name: str) -> float:
    answer = connection.recv()
    if isinstance(answer, str):
        raise SystemExit(f"{name}: {answer} (a peer that is missing comes by: pip install -e '.[bench]')")
    return float(answer)


def _work(candidate: Candidate, connection: Connection, warm_up: int) -> None:
    try:
        module, _, function = candidate.make.partition(":")
        call: Callable[[], object] = getattr(importlib.import_module(module), function)(**candidate.arguments)
        for _ in range(warm_up):
            call()
        connection.send(0.0)
        while True:
            calls = connection.recv()
            began = time.perf_counter()
            for _ in range(calls):
                call()
            connection.send((time.perf_counter() - began) / calls)
    except EOFError:
        pass
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}")


def rows(
    name: str,
    seconds: Mapping[str, Sequence[float]],
    *,
    gflop: float | None = None,
    peak_gflop: float | None = None,
) -> list[Row]:
    """A row per peer of `ours`.

    Args:
        name: question and setting.
        seconds: from `time_in_turn`; "ours", the peers, and "peak" where the matrix product took part.
        gflop: billions of operations of one call that the mathematics needs.
        peak_gflop: the same of "peak".
    """
    ours = statistics.median(seconds["ours"])
    rate = gflop / ours if gflop else None
    share = None
    if rate and peak_gflop:
        share = round(rate / (peak_gflop / statistics.median(seconds["peak"])), 4)
    made = []
    for peer in seconds.keys() - {"ours", "peak"}:
        ratios = sorted(theirs / own for theirs, own in zip(seconds[peer], seconds["ours"], strict=True))
        made.append(
            Row(
                name=f"{name}/{peer}",
                ours_seconds=round(ours, 6),
                peer=peer,
                peer_seconds=round(statistics.median(seconds[peer]), 6),
                ratio=round(statistics.median(ratios), 4),
                ratio_low=round(ratios[0], 4),
                ratio_high=round(ratios[-1], 4),
                gflops=round(rate, 2) if rate else None,
                share_of_peak=share,
            )
        )
    return sorted(made, key=lambda row: row.name)


def record(measured: Sequence[Row], path: Path = RESULTS) -> None:
    """Print rows, and put them into `path` in place of those of the same names."""
    for row in measured:
        share = f", {row.gflops:.1f} GFLOP/s" if row.gflops else ""
        share += f", {row.share_of_peak:.0%} of the matrix product" if row.share_of_peak else ""
        print(
            f"{row.name}: {row.ratio:.2f} × ({row.ratio_low:.2f}–{row.ratio_high:.2f}); "
            f"{row.ours_seconds:.4g} s against {row.peer_seconds:.4g} s{share}",
            flush=True,
        )
    kept = json.loads(path.read_text()) if path.exists() else []
    names = {row.name for row in measured}
    every = [row for row in kept if row["name"] not in names] + [asdict(row) for row in measured]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sorted(every, key=lambda row: row["name"]), indent=1) + "\n")

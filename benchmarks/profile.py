"""Where a step's time goes: TensorFlow's own profile of one step, summed by kind of operation.

Cores work side by side, so that the sum is what all of them spent. An operation that waits for memory counts
as long as it takes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.compare import THREADS
from benchmarks.gan_step import BASE, FULL, gflop, ours

EXECUTOR = ("Run", "Process")  # what starts operations, not one itself


def kinds(trace: Path) -> tuple[Counter[str], Counter[str]]:
    """Milliseconds and calls of each kind of operation, time of nested events taken off."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(trace.read_bytes())
    milliseconds: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for plane in space.planes:
        for line in plane.lines:
            open_events: list[tuple[int, str]] = []
            for event in sorted(line.events, key=lambda e: (e.offset_ps, -e.duration_ps)):
                while open_events and open_events[-1][0] <= event.offset_ps:
                    open_events.pop()
                _, colon, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if not colon or kind in EXECUTOR:
                    continue
                milliseconds[kind] += event.duration_ps / 1e9
                calls[kind] += 1
                if open_events:
                    milliseconds[open_events[-1][1]] -= event.duration_ps / 1e9
                open_events.append((event.offset_ps + event.duration_ps, kind))
    return milliseconds, calls


def main() -> None:
    """Print the table of one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("setting", choices=["full", "quarter"], nargs="?", default="full")
    setting: dict[str, Any] = FULL if parser.parse_args().setting == "full" else BASE
    call = ours(**setting)
    for _ in range(3):
        call()
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            call()
        (trace,) = Path(folder).rglob("*.xplane.pb")
        milliseconds, calls = kinds(trace)
    total = sum(milliseconds.values())
    print(f"{total:.0f} ms on {THREADS} cores together; {gflop(**setting):.0f} billion operations needed")
    for kind, spent in milliseconds.most_common(25):
        print(f"{spent:8.1f} ms  {spent / total:4.0%}  {calls[kind]:5d} ×  {kind}")


if __name__ == "__main__":
    main()

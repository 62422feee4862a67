"""Where a step's time goes: oneDNN's own log of every primitive it runs, summed by kind.

Sums count all threads' work one after the other: where two primitives run side by side they exceed the step.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter

from benchmarks.gan_step import BASE, FULL, ours

MARK = "step begins"


def measured() -> None:
    """Run in a process of its own whose output holds the log."""
    setting = FULL if sys.argv[1] == "full" else BASE
    call = ours(**setting)
    for _ in range(3):
        print(MARK, flush=True)
        began = time.perf_counter()
        call()
        print(f"took {time.perf_counter() - began:.3f}", flush=True)


def main() -> None:
    """Print the last step's table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("setting", choices=["full", "quarter"])
    setting = parser.parse_args().setting
    code = "import benchmarks.profile as p; p.measured()"
    done = subprocess.run(
        [sys.executable, "-c", code, setting],
        env={**os.environ, "ONEDNN_VERBOSE": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    last = done.stdout.rpartition(MARK)[2].splitlines()
    milliseconds: Counter[str] = Counter()
    for fields in (line.split(",") for line in last if ",exec,cpu," in line):
        place = fields.index("cpu")
        milliseconds[f"{fields[place + 1]} {fields[place + 3]}".replace(" undef", "")] += float(fields[-1])
    (took,) = [line for line in last if line.startswith("took")]
    print(f"step: {1000 * float(took.split()[1]):.0f} ms; oneDNN's primitives:")
    for kind, total in milliseconds.most_common():
        print(f"{total:8.0f} ms  {kind}")


if __name__ == "__main__":
    main()

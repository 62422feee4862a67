"""Runs a program, ends it when it is late or nobody waits, and says what it took: a small process of its own.

    python -I -S launcher.py SECONDS LOG PROGRAM ARGUMENT…

prints `status seconds peak_bytes late`. A process that a large one starts counts the large one's memory as
its own peak, this one counts some 10 MB. It imports nothing but the standard library, and works by path.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

LOOKS_EVERY_SECONDS = 0.1


def main() -> None:
    """Run what the arguments name."""
    limit, log, command = float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    parent, late = os.getppid(), False
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
    started = time.monotonic()

    def end() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def look(*_: object) -> None:
        nonlocal late
        late = late or time.monotonic() - started > limit
        if late or os.getppid() != parent:
            end()

    signal.signal(signal.SIGALRM, look)
    signal.signal(signal.SIGTERM, lambda *_: end())
    signal.setitimer(signal.ITIMER_REAL, LOOKS_EVERY_SECONDS, LOOKS_EVERY_SECONDS)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    signal.setitimer(signal.ITIMER_REAL, 0)  # at the interpreter's end it would kill
    end()  # what it left behind
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(os.waitstatus_to_exitcode(status), seconds, peak, int(late))


if __name__ == "__main__":
    main()

"""One script per stage. Until a stage handles signals itself, one that comes ends it at once, in a line."""

import os
import signal
import sys
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n" if number == signal.SIGINT else b"terminated\n")
    os._exit(128 + number)


if sys.argv[0] == "-m":  # `python -m stages.NAME` looks for it; tests and workers import it otherwise
    for _number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(_number) != signal.SIG_IGN:
            signal.signal(_number, _leave)

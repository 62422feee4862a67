"""`python -m benchmarks.peers RECORDINGS -o FOLDER …`: `mono2stereo benchmark` with all of `tools.every`."""

from __future__ import annotations

import sys

from benchmarks.peers.tools import every, missing
from mono2stereo.cli import main

if __name__ == "__main__":
    if absent := missing():
        print(f"not installed, rows without numbers: {', '.join(absent)}", file=sys.stderr)
    tools = [word for name, command in every() for word in ("--tool", f"{name}={command}")]
    main(["benchmark", *sys.argv[1:], *tools])

"""`python -m benchmarks.peers RECORDINGS -o FOLDER …`: `mono2stereo benchmark` with all of `tools.every`.

SMALL=1 leaves out their sweeps.
"""

from __future__ import annotations

import sys

from benchmarks.compare import SMALL
from benchmarks.peers.tools import every, missing
from mono2stereo.cli import main

if __name__ == "__main__":
    if absent := missing():
        print(f"not installed, rows without numbers: {', '.join(absent)}", file=sys.stderr)
    commands = dict(every())
    if SMALL:
        firsts = {name.partition(":")[0]: name for name in reversed(commands)}
        commands = {name: commands[name] for name in commands if name in firsts.values()}
    tools = [word for name, command in commands.items() for word in ("--tool", f"{name}={command}")]
    main(["benchmark", *sys.argv[1:], *tools])

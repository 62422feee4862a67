"""A process that converts damaged files one after the other; it says on stdout which one is at work.

python fuzz_files.py FOLDER FIRST LAST: FOLDER is its own; seeds FIRST to LAST - 1.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np
from mutants import damaged, originals

from mono2stereo.conversion.batch import attempt
from mono2stereo.conversion.formats import KINDS
from mono2stereo.conversion.options import FileOptions
from mono2stereo.conversion.plan import Job
from mono2stereo.decorrelators.velvet import Velvet

SECONDS, BYTES = 30, 512 << 20


def written(suffix: str) -> str:
    """The kind itself, or WAV for those that are only read."""
    return suffix if suffix in KINDS else ".wav"


def main(folder: Path, first: int, last: int) -> None:
    """Print each seed before its turn and what came of it after."""
    files = [(path.suffix, path.read_bytes()) for path in originals(folder)]
    for number, path in enumerate(sorted(folder.iterdir())):  # whatever is loaded once is loaded
        attempt(Job(path, folder / f"warm-up-{number}{written(path.suffix)}", ""), Velvet(), FileOptions())
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
    for seed in range(first, last):
        print(seed, end=" ", flush=True)
        random = np.random.default_rng(seed)
        suffix, data = files[random.integers(len(files))]
        source, target = folder / f"hostile{suffix}", folder / f"made{written(suffix)}"
        source.write_bytes(damaged(data, random))
        target.unlink(missing_ok=True)
        signal.alarm(SECONDS)
        outcome = attempt(Job(source, target, source.name), Velvet(), FileOptions())
        signal.alarm(0)
        refused = isinstance(outcome, str)
        if refused == target.exists() or (refused and "\n" in outcome):
            sys.exit(f"{outcome!r}, and the target is {'there' if target.exists() else 'not there'}")
        if len(left := list(folder.glob(".*"))):
            sys.exit(f"left behind: {left}")
        print("refused" if refused else "converted", outcome if refused else "", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

"""A process that loads damaged models one after the other: python fuzz_models.py MODEL FIRST LAST.

Half of them are small, so that most wounds hit structure; half are the package's own without its seal.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
from mutants import damaged

from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.errors import ModelError
from mono2stereo.model_card import SEAL, SEAL_DIGITS

SECONDS, BYTES = 60, 1 << 30
STRUCTURE = 20_000  # bytes at either end, beside the weights


def main(path: Path, first: int, last: int) -> None:
    """Print each seed before its turn and what came of it after."""
    whole = (files("mono2stereo") / "weights" / "default.onnx").read_bytes()[: -SEAL_DIGITS - len(SEAL)]
    tiny = path.read_bytes()
    NeuralDecorrelator.load(threads=1)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
    for seed in range(first, last):
        print(seed, end=" ", flush=True)
        random = np.random.default_rng(seed)
        if random.random() < 0.5:
            wounded = damaged(tiny, random)
        else:
            at = [0, len(whole) - STRUCTURE][random.integers(2)]
            wounded = whole[:at] + damaged(whole[at : at + STRUCTURE], random) + whole[at + STRUCTURE :]
        path.write_bytes(wounded)
        signal.alarm(SECONDS)
        try:
            NeuralDecorrelator.load(path, threads=1)
            outcome = "loaded"
        except ModelError as error:
            outcome = "refused " + str(error)
        signal.alarm(0)
        if "\n" in outcome:
            sys.exit(outcome)
        print(outcome, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

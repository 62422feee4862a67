"""Try a model file in a process of its own: `python -m mono2stereo.conversion.model_trial FILE`.

A graph can ask for any amount of memory and time, and of a file that the package does not carry nobody knows
before it has run. So it runs with limits first.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.errors import ModelError, one_line_errors

MEMORY_BYTES = 2 << 30  # beside what the process has after its imports
SECONDS = 60


def try_model(path: Path) -> None:
    """Have another process load a model and make a side.

    Raises:
        ModelError: It did not get through.
    """
    command = [sys.executable, "-m", "mono2stereo.conversion.model_trial", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, errors="replace")
    except subprocess.TimeoutExpired:
        raise ModelError(f"{path}: takes more than {SECONDS} s for a second of sound; not loaded") from None
    if done.returncode == 1 and done.stderr.startswith("error: "):
        raise ModelError(done.stderr.removeprefix("error: ").splitlines()[0])
    if done.returncode:
        raise ModelError(f"{path}: the process that tried it died (status {done.returncode}); not loaded")


def main(path: Path) -> None:
    """Make the side of a second of noise."""
    _limit_memory()
    model = NeuralDecorrelator.load(path, threads=1)
    noise = np.random.default_rng(0).normal(size=model.sample_rate).astype(np.float32)
    try:
        side = model.side(noise, model.sample_rate)
        fits = side.shape == noise.shape and bool(np.isfinite(side).all())
    except Exception:  # of a stranger's file anything may be wrong
        fits = False
    if not fits:
        raise ModelError(f"{path}: its network makes no side of a second of noise; export it again")


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # no such limits on Windows
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    with one_line_errors():
        main(Path(sys.argv[1]))

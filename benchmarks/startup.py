"""What a person waits for: `--help`, an import, a no-op repro beside status, the first step of training."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.compare import Candidate, record, rows, time_in_turn


def run(*, command: list[str]) -> Callable[[], object]:
    """A command as a shell would start it."""
    return partial(subprocess.run, command, check=True, capture_output=True)


def main() -> None:
    """Time, print and record; the repro row needs a pipeline that has run."""
    scripts = Path(sys.executable).parent
    questions = {
        "help": ([str(scripts / "mono2stereo"), "--help"], {"python": [sys.executable, "-c", "pass"]}),
        "import": (
            [sys.executable, "-c", "import mono2stereo"],
            {"numpy": [sys.executable, "-c", "import numpy"]},
        ),
        "repro": ([str(scripts / "dvc"), "repro"], {"status": [str(scripts / "dvc"), "status"]}),
    }
    if subprocess.run([str(scripts / "dvc"), "status", "--quiet"], capture_output=True).returncode:
        print("startup/repro: left out; the pipeline here is not up to date (run make repro first)")
        del questions["repro"]
    first = "from benchmarks.gan_step import {0}, BASE; {0}(**BASE)()"  # build, trace, one step
    questions["first_step"] = (
        [sys.executable, "-c", first.format("ours")],
        {"torch": [sys.executable, "-c", first.format("torch")]},
    )
    for name, (ours, peers) in questions.items():
        candidates = {
            key: Candidate("benchmarks.startup:run", {"command": command})
            for key, command in {"ours": ours, **peers}.items()
        }
        rounds = 3 if name == "first_step" else 7
        record(rows(f"startup/{name}", time_in_turn(candidates, rounds, warm_up=1)))


if __name__ == "__main__":
    main()

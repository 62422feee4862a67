"""What a person waits for: `--help`, an import, a no-op repro beside status, the first step of training."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.compare import RESULTS, Candidate, record, rows, time_in_turn

FIRST_STEP_ROUNDS = 3


def run(*, command: list[str]) -> Callable[[], object]:
    """A command as a shell would start it."""
    return partial(subprocess.run, command, check=True, capture_output=True)


def first_step_parts() -> None:
    """Print as JSON what the first step of `dvc repro`'s training waits for, in this process, in seconds."""
    marks = [time.perf_counter()]

    def mark() -> None:
        marks.append(time.perf_counter())

    from mono2stereo.training.tensorflow_start import start_tensorflow

    start_tensorflow()
    from mono2stereo.config import Config
    from mono2stereo.data.pairs import Natural, NaturalWidth
    from mono2stereo.dsp.movement import FIGURES
    from mono2stereo.training.assemble import gan_step, mid_to_side
    from mono2stereo.training.hardware import compute_in, share_cores

    mark()
    config = Config.load()
    share_cores()
    compute_in(config.train.precision)
    natural = Natural(  # what preprocess might have measured; the values decide no time
        width=NaturalWidth([], [], []),
        crop_samples=config.train.crop_samples,
        coherence={str(n): [0.4] * config.terms.mel.n_mels for n in config.terms.coherence.frame_lengths},
        movement=dict.fromkeys(FIGURES, 1.0),
    )
    gan = gan_step(config, mid_to_side(config), natural)
    rng = np.random.default_rng(0)
    batch = [
        0.1 * rng.standard_normal((config.train.batch_size, samples), np.float32)
        for samples in (config.clip_samples, config.train.crop_samples)
    ]
    judged = gan._judged(0)
    mark()
    gan._train._graph.get_concrete_function(*batch, judged=judged)
    mark()
    gan.train(*batch)
    mark()
    parts = ("import", "building", "tracing", "first run")
    print(json.dumps({part: marks[i + 1] - marks[i] for i, part in enumerate(parts)}))


def record_first_step() -> None:
    """Print and keep what the first step waits for, medians of some processes."""
    code = "from benchmarks.startup import first_step_parts; first_step_parts()"
    command = [sys.executable, "-c", code]
    found = [
        json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
        )
        for _ in range(FIRST_STEP_ROUNDS)
    ]
    parts = {part: round(statistics.median(each[part] for each in found), 2) for part in found[0]}
    print("first step: " + ", ".join(f"{part} {seconds} s" for part, seconds in parts.items()))
    RESULTS.with_name("startup.json").write_text(json.dumps(parts, indent=1) + "\n")


def main() -> None:
    """Time, print and record; the repro row needs a pipeline that has run."""
    record_first_step()
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
    # Build, trace, one step: of the published recipe, and of the recommended one.
    firsts = {
        "first_step": [
            f"from benchmarks.gan_step import {peer}, BASE; {peer}(**BASE)()" for peer in ("ours", "torch")
        ],
        "first_step_recommended": [
            "from benchmarks.generator_step import ours; ours(kind='gated_bank')()",
            "from benchmarks.generator_step import torch; torch()",
        ],
    }
    for name, codes in firsts.items():
        mine, eager = ([sys.executable, "-c", code] for code in codes)
        questions[name] = (mine, {"torch": eager})
    for name, (ours, peers) in questions.items():
        candidates = {
            key: Candidate("benchmarks.startup:run", {"command": command})
            for key, command in {"ours": ours, **peers}.items()
        }
        rounds = FIRST_STEP_ROUNDS if name in firsts else 7
        record(rows(f"startup/{name}", time_in_turn(candidates, rounds, warm_up=1)))


if __name__ == "__main__":
    main()

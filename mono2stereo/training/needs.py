"""What a run will take of the disk, said before its first step."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import keras

from mono2stereo.config import Config

STATES_AT_ONCE = 3  # two are kept while a third is written
BYTES_OF_A_NUMBER = 4
IN_CACHE = 2  # DVC keeps a copy of what a stage made
BYTES_RENDERED, BYTES_ON_PAGE = 3 * (2 + 1), 2 * 2  # per sample: stereo and mono in 24 bits, stereo in 16
MLFLOW_CHECKPOINTS = 10  # of which MLflow gets the sound


def disk_needed(config: Config, variables: Iterable[keras.Variable], weights: int) -> dict[str, int]:
    """About how many bytes all stages from train on will write, by what they are for.

    Args:
        config: all settings.
        variables: of the network and its optimisers, all that a state holds.
        weights: numbers in an exported model.
    """
    state = BYTES_OF_A_NUMBER * sum(math.prod(variable.shape) for variable in variables)
    model = BYTES_OF_A_NUMBER * weights
    checkpoints = -(-config.train.steps // config.train.checkpoint_every)
    samples = round(config.render.excerpts * config.render.excerpt_seconds * config.sample_rate)
    return {
        "states": STATES_AT_ONCE * state,
        "models": IN_CACHE * checkpoints * model,
        "renders": IN_CACHE * checkpoints * samples * (BYTES_RENDERED + BYTES_ON_PAGE),
        "MLflow": min(checkpoints, MLFLOW_CHECKPOINTS) * samples * BYTES_RENDERED + model,
    }


def say(needed: Mapping[str, int], folder: Path) -> None:
    """A line on stderr, and whether the disk of `folder` has as much."""
    total, free = sum(needed.values()), shutil.disk_usage(folder).free
    parts = ", ".join(f"{name} {count / 1e9:.2f}" for name, count in needed.items())
    short = "" if free > total else "; that is too little: make room, or train with fewer checkpoints"
    print(
        f"train: about {total / 1e9:.2f} GB of disk ({parts}); {free / 1e9:.1f} GB free{short}",
        file=sys.stderr,
    )

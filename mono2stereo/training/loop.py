"""The training loop: steps, curves, validation, checkpoints, resume."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from mono2stereo.errors import TrainingError
from mono2stereo.progress import progress
from mono2stereo.training.curves import Curves
from mono2stereo.training.interrupts import deferred_signals
from mono2stereo.training.resume import ResumeState
from mono2stereo.training.step import GanStep
from mono2stereo.training.team import Team

Clips = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Schedule:
    """When things happen; all in steps."""

    steps: int
    log_every: int
    validate_every: int
    checkpoint_every: int

    def due(self, step: int, every: int) -> bool:
        """At each multiple of `every`, and at the end."""
        return step % every == 0 or step == self.steps


def train(
    *,
    step: GanStep,
    schedule: Schedule,
    batches: Callable[[range], Iterable[tuple[tf.Tensor, ...]]],
    validation: Clips,
    batch_size: int,
    curves: Curves,
    export: Callable[[int, Mapping[str, float]], None],
    state: ResumeState,
    facts: Mapping[str, Any],
    divergence_limit: float,
    team: Team,
) -> dict[str, float]:
    """Train from the newest saved state, or from the start, to `schedule.steps`.

    Args:
        step: The GAN step.
        schedule: When to log, validate, checkpoint and end.
        batches: Yields the batches of a range of steps.
        validation: Fixed clips: mid `(clips, clip)`, real `(clips, crop)`.
        batch_size: Of validation.
        curves: Takes the figures.
        export: Writes the deployable model of a step, given its last validation figures.
        state: Where to resume from.
        facts: Kept with each state.
        divergence_limit: A loss term beyond it stops the run.
        team: Who trains; this process is its chief.

    Returns:
        The last validation figures.

    Raises:
        TrainingError: A term is not finite or beyond the limit; names step and term. Another process is gone.
        SystemExit: After SIGINT or SIGTERM, with the state saved.
    """
    restored = state.restore() or {"step": 0, "valid": {}, "rows": [], "curves": []}
    first, valid, rows = restored["step"] + 1, restored["valid"], restored["rows"]
    curves.begin(restored["curves"])
    steps = range(first, schedule.steps + 1)
    numbered = zip(steps, batches(steps), strict=True)
    shown = progress(numbered, total=len(steps), label="train")
    with team.together(), deferred_signals() as interrupt:
        team.take_chiefs(step.variables.values())
        began, timed = time.perf_counter(), first - 1
        for number, (mid, real) in shown:
            figures = step.train(mid, real)
            _check(figures, number, divergence_limit)
            rows.append(figures)
            if schedule.due(number, schedule.log_every):
                now = time.perf_counter()
                speed = {"steps_per_second": (number - timed) / (now - began)}
                curves.log("train", number, _means(rows) | speed)
                rows, began, timed = [], now, number
            if schedule.due(number, schedule.validate_every):
                valid = validate(step, validation, batch_size)
                curves.log("valid", number, valid)
            checkpoint = schedule.due(number, schedule.checkpoint_every)
            if checkpoint:
                export(number, valid)
            stopped = team.agree_to_stop(interrupt.signal_number)
            if checkpoint or stopped is not None:
                state.save(number, {**facts, "valid": valid, "rows": rows, "curves": curves.rows})
            if stopped is not None:
                print(f"stopped after step {number}; the same command goes on from here", flush=True)
                raise SystemExit(128 + stopped)
    return valid


def follow(
    *,
    step: GanStep,
    last: int,
    batches: Callable[[range], Iterable[tuple[tf.Tensor, ...]]],
    divergence_limit: float,
    team: Team,
) -> None:
    """What a worker that is not the chief does: the same steps, and nothing else.

    Args:
        step: The GAN step.
        last: Number of the last step.
        batches: Yields this worker's share of the batches of a range of steps.
        divergence_limit: As the chief's.
        team: Who trains.

    Raises:
        TrainingError: As the chief; or the chief is gone.
        SystemExit: As the chief, when any process was asked to stop.
    """
    with team.together(), deferred_signals() as interrupt:
        team.take_chiefs(step.variables.values())
        steps = range(step.steps_done + 1, last + 1)
        for number, (mid, real) in zip(steps, batches(steps), strict=True):
            _check(step.train(mid, real), number, divergence_limit)
            stopped = team.agree_to_stop(interrupt.signal_number)
            if stopped is not None:
                raise SystemExit(128 + stopped)
        team.wait_for_all()


def validate(step: GanStep, clips: Clips, batch_size: int) -> dict[str, float]:
    """Mean figures over the fixed clips, each clip counting the same."""
    rows, sizes = [], []
    for mid, real in _batches_of(clips, batch_size):
        rows.append(step.measure(mid, real))
        sizes.append(len(mid))
    return {name: float(np.average([row[name] for row in rows], weights=sizes)) for name in rows[0]}


def _batches_of(clips: Clips, batch_size: int) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    for first in range(0, len(clips[0]), batch_size):
        yield tuple(tf.constant(part[first : first + batch_size]) for part in clips)


def _means(rows: list[dict[str, float]]) -> dict[str, float]:
    """Each figure's, over the rows that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}


def _check(figures: dict[str, float], step: int, limit: float) -> None:
    for name, value in figures.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"step {step}: {name} is {value}; lower train.learning_rate or the loss weights"
            )
    terms = {name: value for name, value in figures.items() if not name.startswith(("gradient", "d_"))}
    name = max(terms, key=lambda key: abs(terms[key]))
    if abs(terms[name]) > limit:
        raise TrainingError(
            f"step {step}: {name} is {terms[name]:.4g}, beyond train.divergence_limit = {limit:g}; "
            "lower train.learning_rate or the loss weights"
        )

"""The training loop: steps, curves, validation, checkpoints, resume."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from mono2stereo.distribution.team import Team
from mono2stereo.errors import TrainingError
from mono2stereo.progress import progress
from mono2stereo.training.curves import Curves
from mono2stereo.training.interrupts import deferred_signals
from mono2stereo.training.resume import ResumeState
from mono2stereo.training.step import GanStep

Clips = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Schedule:
    """When things happen; all in steps."""

    log_every: int
    validate_every: int
    checkpoint_every: int


@dataclass
class Record:
    """What the chief alone keeps of a training: curves, validation, deployable models, resume states.

    Args:
        step: The GAN step.
        schedule: When to log, validate and checkpoint.
        validation: Fixed clips: mid `(clips, clip)`, real `(clips, crop)`.
        batch_size: Of validation.
        curves: Takes the figures.
        export: Writes the deployable model of a step, given its last validation figures.
        state: Where to resume from.
        facts: Kept with each state.

    Attributes:
        valid: The last validation figures.
    """

    step: GanStep
    schedule: Schedule
    validation: Clips
    batch_size: int
    curves: Curves
    export: Callable[[int, Mapping[str, float]], None]
    state: ResumeState
    facts: Mapping[str, Any]

    def restore(self, last: int) -> None:
        """Go back to the newest saved state, a finished shorter training's among them, or to the start."""
        restored = self.state.restore(below=last) or {"step": 0, "valid": {}, "rows": [], "curves": []}
        self.valid: dict[str, float] = restored["valid"]
        self._rows: list[dict[str, float]] = restored["rows"]
        self.curves.begin(restored["curves"])
        self._began, self._timed = time.perf_counter(), restored["step"]

    def add(self, number: int, figures: dict[str, float]) -> None:
        """Take the figures of a step; log, validate and export where it is time."""
        self._rows.append(figures)
        every = self.schedule
        self._act(
            number,
            log=number % every.log_every == 0,
            validate=number % every.validate_every == 0,
            export=number % every.checkpoint_every == 0,
        )

    def keep(self, number: int, *, last: bool, stopped: bool) -> None:
        """Save the state with each checkpoint, at the end, and where training stops."""
        if stopped or last or number % self.schedule.checkpoint_every == 0:
            kept = {"valid": self.valid, "rows": self._rows, "curves": self.curves.rows}
            self.state.save(number, {**self.facts, **kept})
        if stopped:
            print(f"stopped after step {number}; the same command goes on from here", flush=True)

    def finish(self, number: int) -> None:
        """Do what is due at the end alone; no state holds it: a longer training would not do it."""
        every = self.schedule
        validate = number % every.validate_every != 0
        self._act(
            number,
            log=number % every.log_every != 0,
            validate=validate,
            export=validate or number % every.checkpoint_every != 0,
        )

    def _act(self, number: int, *, log: bool, validate: bool, export: bool) -> None:
        if log:
            now = time.perf_counter()
            speed = {"steps_per_second": (number - self._timed) / (now - self._began)}
            self.curves.log("train", number, _means(self._rows) | speed)
            self._rows, self._began, self._timed = [], now, number
        if validate:
            self.valid = mean_figures(self.step, self.validation, self.batch_size)
            self.curves.log("valid", number, self.valid)
        if export:
            self.export(number, self.valid)


def train(
    *,
    step: GanStep,
    last: int,
    batches: Callable[[range], Iterable[tuple[tf.Tensor, ...]]],
    divergence_limit: float,
    team: Team,
    record: Record | None,
) -> None:
    """Train from the newest saved state, or from the start: every process of a team does the same steps.

    Args:
        step: The GAN step.
        last: Number of the last step.
        batches: Yields this process's share of the batches of a range of steps.
        divergence_limit: A loss term beyond it stops the run.
        team: Who trains.
        record: The chief's; None for the others.

    Raises:
        TrainingError: A term is not finite or beyond the limit; names step and term. Another process is gone.
        SystemExit: After SIGINT or SIGTERM to any process, with the state saved.
    """
    if record:
        record.restore(last)
    with team.together(), deferred_signals() as interrupt:
        team.take_chiefs(step.variables.values())
        steps = range(step.steps_done + 1, last + 1)
        numbered = zip(steps, batches(steps), strict=True)
        for number, batch in progress(numbered, total=len(steps), label="train") if record else numbered:
            figures = step.train(*batch)
            _check(figures, number, divergence_limit)
            if record:
                record.add(number, figures)
            stopped = team.agree_to_stop(interrupt.signal_number)
            if record:
                record.keep(number, last=number == last, stopped=stopped is not None)
            if stopped is not None:
                raise SystemExit(128 + stopped)
        if record:
            record.finish(last)


def mean_figures(step: GanStep, clips: Clips, batch_size: int) -> dict[str, float]:
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

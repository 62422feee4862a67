"""What is compared: the model, the classical decorrelators, and what the recordings do themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mono2stereo.decorrelators import Decorrelator
from mono2stereo.decorrelators.base import SideMaker
from mono2stereo.decorrelators.classical import CLASSICAL, SWEEPS
from mono2stereo.decorrelators.neural import DEFAULT_MODEL, DEFAULT_WEIGHTS
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import ModelError, Mono2StereoError
from mono2stereo.measures import Readings

MODEL = "model"
OWN_SIDE = "own side"
NOT_CLASSICAL = (MODEL, DEFAULT_MODEL, OWN_SIDE)
MID = "mid"
NOT_INSTALLED = "not installed"
CHECKPOINTS_SHOWN = 6


@dataclass(frozen=True)
class Point:
    """One setting of one method.

    Attributes:
        method: its row in the tables.
        setting: name with the parameter that is swept, such as schroeder-3x0.7 or step-500.
        source: what makes the side; a path to an exported model; None for the recording's own side.
        in_full: whether this setting stands for the method in the tables; the others are only points on the
            curve of coherence against log-mel.
        missing: why the method cannot be had here, such as a package that is not installed.
    """

    method: str
    setting: str
    source: SideMaker | Path | None
    in_full: bool
    missing: str = ""


@dataclass(frozen=True)
class Result:
    """What one point measured on one stretch; curves only where it was measured in full."""

    track: str
    stretch: str
    method: str
    setting: str
    in_full: bool
    readings: Readings = field(default_factory=Readings)
    curves: dict[str, Signal] = field(default_factory=dict)


def points_to_measure(
    checkpoints: Mapping[int, Decorrelator | Path],
    classical: Mapping[str, Callable[[], Decorrelator]] = CLASSICAL,
    sweeps: Mapping[str, Sequence[Decorrelator]] = SWEEPS,
) -> list[Point]:
    """The last checkpoint, the package's model, the own side, every classical decorrelator; with sweeps.

    Args:
        checkpoints: by training step; at most six evenly spaced ones are used, the last among them.
        classical: by name, what makes the method at its defaults.
        sweeps: by name, its settings.

    Raises:
        ModelError: no checkpoint.
    """
    if not checkpoints:
        raise ModelError("no checkpoint to evaluate; run the stage train first")
    steps = sorted(checkpoints)
    spaced = np.linspace(0, len(steps) - 1, min(CHECKPOINTS_SHOWN, len(steps))).round().astype(int)
    points = [
        Point(MODEL, f"step-{steps[i]}", checkpoints[steps[i]], in_full=i == len(steps) - 1) for i in spaced
    ]
    points.append(Point(DEFAULT_MODEL, DEFAULT_MODEL, DEFAULT_WEIGHTS, in_full=True))
    points.append(Point(OWN_SIDE, OWN_SIDE, None, in_full=True))
    for method, make in classical.items():
        points += swept_points(method, make, sweeps.get(method, ()))
    return points


def swept_points(
    method: str,
    make: Callable[[], SideMaker],
    sweep: Sequence[SideMaker],
    faults: type[Exception] = ImportError,
) -> list[Point]:
    """A method at its default, which stands for it, and along its sweep; or one point that says why not.

    Args:
        method: its name.
        make: it at its defaults.
        sweep: its settings, perhaps the default among them.
        faults: with which `make` may fail, besides the project's own.
    """
    try:
        default = make()
    except (faults, Mono2StereoError) as error:
        return [Point(method, method, None, in_full=True, missing=reason_of(error))]
    points = [
        Point(method, method_setting.name, method_setting, in_full=method_setting.name == default.name)
        for method_setting in sweep
    ]
    if not any(point.in_full for point in points):
        points.insert(0, Point(method, default.name, default, in_full=True))
    return points


def reason_of(error: Exception) -> str:
    """Why a method cannot be had or fails, for a table."""
    return f"{NOT_INSTALLED}: {error.name}" if isinstance(error, ImportError) and error.name else str(error)

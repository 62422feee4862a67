"""What is compared: the model, the classical decorrelators, and what the recordings do themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from mono2stereo.data.parallel import map_parallel
from mono2stereo.decorrelators import CLASSICAL, SWEEPS, Decorrelator
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError, ModelError
from mono2stereo.evaluation.excerpts import Excerpt
from mono2stereo.evaluation.measures import FRAME_LENGTHS, Measurement, long_term_levels_db

MODEL = "model"
OWN_SIDE = "own side"
MID = "mid"
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
    """

    method: str
    setting: str
    source: Decorrelator | Path | None
    in_full: bool


@dataclass(frozen=True)
class Result:
    """What one point measured on one stretch; curves only where it was measured in full."""

    track: str
    method: str
    setting: str
    measures: dict[str, float]
    curves: dict[str, Signal]


def points_to_measure(checkpoints: Mapping[int, Decorrelator | Path]) -> list[Point]:
    """The last checkpoint, every classical decorrelator and the own side, with sweeps of all that has one.

    Args:
        checkpoints: by training step; at most six evenly spaced ones are used, the last among them.

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
    points.append(Point(OWN_SIDE, OWN_SIDE, None, in_full=True))
    for method, make in CLASSICAL.items():
        default = make().name
        points.extend(Point(method, one.name, one, in_full=one.name == default) for one in SWEEPS[method])
    return points


def measure_all(
    stretches: Sequence[Excerpt], points: Sequence[Point], *, coherence_seconds: float
) -> list[Result]:
    """Measure every point on every stretch, a process per core.

    Raises:
        AudioError: a side is not finite or a stretch too short.
        ModelError: an exported model cannot be used.
    """
    measure = partial(_measure_stretch, points=tuple(points), coherence_seconds=coherence_seconds)
    return [result for results in map_parallel(measure, stretches, label="evaluate") for result in results]


def _measure_stretch(stretch: Excerpt, *, points: Sequence[Point], coherence_seconds: float) -> list[Result]:
    rate = stretch.sample_rate
    levels = long_term_levels_db(stretch.mid, stretch.mid, rate)
    results = [Result(stretch.track, MID, MID, {}, {"levels": levels})]
    for point in points:
        side = _side(stretch, point)
        measurement = Measurement(
            mid=stretch.mid, side=side, sample_rate=rate, coherence_seconds=coherence_seconds
        )
        if point.in_full:
            measures, curves = asdict(measurement.measures), measurement.curves
        else:
            measures = {f"coherence_{length}": measurement.coherence(length) for length in FRAME_LENGTHS}
            measures["log_mel_db"], curves = measurement.log_mel_db, {}
        results.append(Result(stretch.track, point.method, point.setting, measures, curves))
    return results


def _side(stretch: Excerpt, point: Point) -> Signal:
    if point.source is None:
        return stretch.side
    decorrelator = _load(point.source) if isinstance(point.source, Path) else point.source
    heard = np.concatenate([stretch.run_in, stretch.mid])
    side = decorrelator.side(heard, stretch.sample_rate)[len(stretch.run_in) :]
    if not np.isfinite(side).all():
        raise AudioError(f"{point.setting}, {stretch.name}: the side is not finite; train again, more slowly")
    return side


@lru_cache(maxsize=CHECKPOINTS_SHOWN)
def _load(path: Path) -> NeuralDecorrelator:
    return NeuralDecorrelator.load(path)

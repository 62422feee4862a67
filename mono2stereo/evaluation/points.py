"""What is compared: the model, the classical decorrelators, and what the recordings do themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.decorrelators import Decorrelator
from mono2stereo.decorrelators.classical import CLASSICAL, SWEEPS
from mono2stereo.decorrelators.neural import DEFAULT_WEIGHTS, NeuralDecorrelator
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError, ModelError, Mono2StereoError
from mono2stereo.evaluation.purity import Purity, purity
from mono2stereo.measures import MEASURES, SWEPT, Readings, no_readings, take_measures
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis
from mono2stereo.parallel import map_parallel

MODEL = "model"
DEFAULT_MODEL = "default model"
OWN_SIDE = "own side"
NOT_CLASSICAL = (MODEL, DEFAULT_MODEL, OWN_SIDE)
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
        missing: why the method cannot be had here, such as a package that is not installed.
    """

    method: str
    setting: str
    source: Decorrelator | Path | None
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


@dataclass(frozen=True)
class Stereo:
    """What a decorrelator made of a mono signal: the side, and the mid where that is not the input (Haas)."""

    side: Signal
    mid: Signal | None = None


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
        try:
            default = make()
        except (ImportError, Mono2StereoError) as error:
            points.append(Point(method, method, None, in_full=True, missing=_reason(error)))
            continue
        swept = sweeps.get(method, ())
        if default.name not in {setting.name for setting in swept}:
            points.append(Point(method, default.name, default, in_full=True))
        points.extend(
            Point(method, setting.name, setting, in_full=setting.name == default.name) for setting in swept
        )
    return points


def measure_all(
    stretches: Sequence[Excerpt], points: Sequence[Point]
) -> tuple[list[Result], dict[str, Purity]]:
    """Measure every point on every stretch, and what each method does to steady sounds, a process per core.

    Returns:
        The results; and, by method, `purity`. The own side has none.

    Raises:
        AudioError: the model's side is not finite.
        ModelError: an exported model cannot be used.
    """
    probed = [point for point in points if point.in_full and (point.source or point.missing)]
    work = partial(_work, points=tuple(points), sample_rate=stretches[0].sample_rate)
    measured = map_parallel(work, [*stretches, *probed], label="evaluate")
    results = [result for of_stretch in measured[: len(stretches)] for result in of_stretch]
    steady = zip(probed, measured[len(stretches) :], strict=True)
    return results, {point.method: figures for point, figures in steady}


def _work(job: Excerpt | Point, *, points: Sequence[Point], sample_rate: int) -> Any:
    if isinstance(job, Excerpt):
        return _measure_stretch(job, points=points)

    def side_of(mono: Signal) -> Signal | None:
        try:
            return stereo_of(job, mono, sample_rate).side
        except _excused(job):
            return None

    return purity(side_of, sample_rate)


def stereo_of(point: Point, mono: Signal, sample_rate: int) -> Stereo:
    """Have a point make stereo of a mono signal (samples,).

    Raises:
        AudioError: the side is not finite, or the method cannot be had.
    """
    if point.missing:
        raise AudioError(point.missing)
    assert point.source is not None, "recordings do not make their side"
    decorrelator = _load(point.source) if isinstance(point.source, Path) else point.source
    side = decorrelator.side(mono, sample_rate)
    if not np.isfinite(side).all():
        raise AudioError("the side is not finite")
    return Stereo(side, decorrelator.fold_down(mono, sample_rate) if decorrelator.changes_mid else None)


def stereo_of_stretch(point: Point, stretch: Excerpt) -> Stereo:
    """What a point makes of a stretch, warmed up by what sounded before it."""
    if point.source is None and not point.missing:
        return Stereo(stretch.side)
    stereo = stereo_of(point, np.concatenate([stretch.run_in, stretch.mid]), stretch.sample_rate)
    run_in = len(stretch.run_in)
    return Stereo(stereo.side[run_in:], None if stereo.mid is None else stereo.mid[run_in:])


def _measure_stretch(stretch: Excerpt, *, points: Sequence[Point]) -> list[Result]:
    rate = stretch.sample_rate
    mid, own = SignalAnalysis(stretch.mid, rate), SignalAnalysis(stretch.side, rate)
    levels = {"levels": SideAnalysis(mid, own).levels_re_mid_db(mid.third_octaves_db)}
    results = [Result(stretch.track, stretch.name, MID, MID, in_full=False, curves=levels)]
    for point in points:
        names = tuple(MEASURES) if point.in_full else SWEPT
        result = Result(stretch.track, stretch.name, point.method, point.setting, point.in_full)
        try:
            stereo = stereo_of_stretch(point, stretch)
        except _excused(point) as error:
            results.append(replace(result, readings=no_readings(_reason(error), names)))
            continue
        except AudioError as error:
            raise AudioError(f"{point.setting}, {stretch.name}: {error}; train again, more slowly") from None
        stereo_mid = mid if stereo.mid is None else SignalAnalysis(stereo.mid, rate)
        analysis = SideAnalysis(stereo_mid, SignalAnalysis(stereo.side, rate), own, source=mid)
        curves = analysis.curves if point.in_full else {}
        results.append(replace(result, readings=take_measures(analysis, names), curves=curves))
    return results


def _excused(point: Point) -> tuple[type[Exception], ...]:
    """What a classical method may fail with; the model's failures end the evaluation."""
    return () if point.method == MODEL else (ImportError, Mono2StereoError)


def _reason(error: Exception) -> str:
    return f"not installed: {error.name}" if isinstance(error, ImportError) and error.name else str(error)


@lru_cache(maxsize=CHECKPOINTS_SHOWN)
def _load(path: Path) -> NeuralDecorrelator:
    return NeuralDecorrelator.load(path)

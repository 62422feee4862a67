"""Every point measured on every stretch, a process per core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError, Mono2StereoError
from mono2stereo.evaluation.kept_results import kept_or_measured
from mono2stereo.evaluation.points import (
    CHECKPOINTS_SHOWN,
    DEFAULT_MODEL,
    MID,
    MODEL,
    Point,
    Result,
    reason_of,
)
from mono2stereo.evaluation.purity import Purity, purity
from mono2stereo.measures import MEASURES, SWEPT, no_readings, take_measures
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis
from mono2stereo.parallel import map_parallel


@dataclass(frozen=True)
class Stereo:
    """What a decorrelator made of a mono signal: the side, and the mid where that is not the input (Haas)."""

    side: Signal
    mid: Signal | None = None


def measure_all(
    stretches: Sequence[Excerpt], points: Sequence[Point], kept: Path | None = None
) -> tuple[list[Result], dict[str, Purity]]:
    """Measure every point on every stretch, and what each method does to steady sounds, a process per core.

    Args:
        stretches: what is made stereo, all at one rate.
        points: what makes it.
        kept: folder in which results that do not depend on a model are looked for, and left for next time.

    Returns:
        The results; and, by method, `purity`. The own side has none.

    Raises:
        AudioError: the model's side is not finite.
        ModelError: an exported model cannot be used.
    """
    probed = [point for point in points if point.in_full and (point.source or point.missing)]
    work = partial(_work, points=tuple(points), sample_rate=stretches[0].sample_rate, kept=kept)
    measured = map_parallel(work, [*stretches, *probed], label="evaluate")
    results = [result for of_stretch in measured[: len(stretches)] for result in of_stretch]
    steady = zip(probed, measured[len(stretches) :], strict=True)
    return results, {point.method: figures for point, figures in steady}


def _work(job: Excerpt | Point, *, points: Sequence[Point], sample_rate: int, kept: Path | None) -> Any:
    if isinstance(job, Excerpt):
        models = [point for point in points if point.method in (MODEL, DEFAULT_MODEL)]
        others = [point for point in points if point not in models]
        mid, own = (SignalAnalysis(signal, job.sample_rate) for signal in (job.mid, job.side))
        measure = partial(_measure_stretch, mid=mid, own=own)
        levels = SideAnalysis(mid, own).levels_re_mid_db(mid.third_octaves_db)
        of_mid = Result(job.track, job.name, MID, MID, in_full=False, curves={"levels": levels})
        return [of_mid, *measure(job, models), *kept_or_measured(kept, job, others, measure)]

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


def analyse(stereo: Stereo, *, mid: SignalAnalysis, own: SignalAnalysis) -> SideAnalysis:
    """What a method made of a mid, for the measures; all at one rate."""
    side = SignalAnalysis(stereo.side, mid.sample_rate)
    own_mid = mid if stereo.mid is None else SignalAnalysis(stereo.mid, mid.sample_rate)
    return SideAnalysis(own_mid, side, own, source=mid)


def _measure_stretch(
    stretch: Excerpt, points: Sequence[Point], *, mid: SignalAnalysis, own: SignalAnalysis
) -> list[Result]:
    results = []
    for point in points:
        names = tuple(MEASURES) if point.in_full else SWEPT
        result = Result(stretch.track, stretch.name, point.method, point.setting, point.in_full)
        try:
            stereo = stereo_of_stretch(point, stretch)
        except _excused(point) as error:
            results.append(replace(result, readings=no_readings(reason_of(error), names)))
            continue
        except AudioError as error:
            raise AudioError(f"{point.setting}, {stretch.name}: {error}; train again, more slowly") from None
        analysis = analyse(stereo, mid=mid, own=own)
        curves = analysis.curves if point.in_full else {}
        results.append(replace(result, readings=take_measures(analysis, names), curves=curves))
    return results


def _excused(point: Point) -> tuple[type[Exception], ...]:
    """What a classical method may fail with; the model's failures end the evaluation."""
    return () if point.method == MODEL else (ImportError, Mono2StereoError)


@lru_cache(maxsize=CHECKPOINTS_SHOWN)
def _load(path: Path) -> NeuralDecorrelator:
    return NeuralDecorrelator.load(path)

"""Measure the model, the classical decorrelators and the recordings' own side on a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mono2stereo.data.pairs import Pair
from mono2stereo.decorrelators import Decorrelator
from mono2stereo.evaluation import tables
from mono2stereo.evaluation.measures import FRAME_LENGTHS, coherence_floors
from mono2stereo.evaluation.methods import measure_all, points_to_measure
from mono2stereo.evaluation.report import Evaluation
from mono2stereo.evaluation.stretches import choose_stretches


def evaluate(
    pairs: Sequence[Pair],
    checkpoints: Mapping[int, Decorrelator | Path],
    *,
    stretches_per_track: int,
    stretch_seconds: float,
    coherence_seconds: float,
    seed: int,
) -> Evaluation:
    """Compare the last checkpoint with everything else, on the same stretches of the same tracks.

    Args:
        pairs: the tracks of a split.
        checkpoints: by training step, exported models or decorrelators; the last one is the model.
        stretches_per_track: at most, evenly spaced.
        stretch_seconds: length of a stretch.
        coherence_seconds: length of the parts of a stretch that coherence is averaged over.
        seed: of the bootstrap.

    Raises:
        DataError: no track sounds in stereo.
        ModelError: no checkpoint, or one that cannot be used.
        AudioError: parts too short for 16 coherence frames, or a side that is not finite.
    """
    sample_rate = pairs[0].sample_rate
    floors = coherence_floors(sample_rate, coherence_seconds)
    stretches = choose_stretches(
        pairs, count=stretches_per_track, seconds=stretch_seconds, shortest_seconds=coherence_seconds
    )
    points = points_to_measure(checkpoints)
    results = measure_all(stretches, points, coherence_seconds=coherence_seconds)
    tracks, sweeps = tables.per_track(results), tables.swept(results)
    return Evaluation(
        split=pairs[0].split,
        stretch_seconds=stretch_seconds,
        coherence_seconds=coherence_seconds,
        tracks=tracks,
        methods=tables.per_method(tracks, seed=seed),
        comparisons=tables.against_model(tracks, seed=seed),
        trade_off=tables.trade_off(sweeps),
        curves=tables.mean_curves(results, sample_rate),
        floors=floors,
        margins=tuple(tables.margin(sweeps, length, seed=seed) for length in FRAME_LENGTHS),
    )

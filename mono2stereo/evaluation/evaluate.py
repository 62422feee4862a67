"""Measure the model, the classical decorrelators and the recordings' own side on a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.data.pairs import Pair
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import Mono2StereoError
from mono2stereo.evaluation import tables
from mono2stereo.evaluation.measuring import measure_all, stereo_of_stretch
from mono2stereo.evaluation.naturalness import in_csv, less_natural, rivals
from mono2stereo.evaluation.nearest import against_nearest
from mono2stereo.evaluation.points import MODEL, OWN_SIDE, Point, Result
from mono2stereo.evaluation.purity import Purity
from mono2stereo.evaluation.stretches import choose_stretches
from mono2stereo.measures import MEASURES
from mono2stereo.measures.side_analysis import coherence_floors
from mono2stereo.versions import MEASURES_VERSION

FOLD_DOWN_KEPT_DB = -120.0
STEADY = ("distortion", "out_of_band", "between_harmonics")  # of `purity`


@dataclass(frozen=True)
class Passage:
    """One stretch as methods made it, to be looked at.

    Attributes:
        name: track and place.
        sample_rate: Hz.
        mid: (samples,), the input.
        stereos: by method, mid and side.
    """

    name: str
    sample_rate: int
    mid: Signal
    stereos: Mapping[str, tuple[Signal, Signal]]


@dataclass(frozen=True)
class Evaluation:
    """All that evaluate found.

    Attributes:
        split: name of the split.
        stretch_seconds: longest stretch.
        tracks: a row per track and method.
        methods: a row per method.
        groups: a row per group and method; empty where the split is one group.
        gaps: a row per reason for what is missing.
        comparisons: a row per method and measure, against the model.
        nearest: a row per window and classical method, at the setting nearest the model's coherence.
        trade_off: a row per method and setting; `unnatural`: figures in which the model is more natural.
        rivals: a row per classical setting that is as natural as the model.
        distortion: what of a tone's side lies outside the tone's critical band, dB re all of the side: a row
            per method, a column per tone in Hz.
        out_of_band: the same re the tone.
        between_harmonics: what of a saw's side lies between its harmonics, re the saw.
        curves: by name, a column per method.
        floors: coherence of independent signals, by frame length.
        margins: the model's lead at its own coherence, per frame length, over methods that keep the mid.
        passages: what the pictures of sound show: every track's first stretch, as the model makes it and as
            it was recorded; the first of them as every method makes it.
    """

    split: str
    stretch_seconds: float
    tracks: pd.DataFrame
    methods: pd.DataFrame
    groups: pd.DataFrame
    gaps: pd.DataFrame
    comparisons: pd.DataFrame
    nearest: pd.DataFrame
    trade_off: pd.DataFrame
    rivals: pd.DataFrame
    distortion: pd.DataFrame
    out_of_band: pd.DataFrame
    between_harmonics: pd.DataFrame
    curves: Mapping[str, pd.DataFrame]
    floors: Mapping[int, float]
    margins: tuple[tables.Margin, ...]
    passages: tuple[Passage, ...]

    @property
    def changing_mid(self) -> list[str]:
        """Methods whose fold-down is not the mono input: no like for what keeps it."""
        return changing_mid(self.methods)

    @property
    def metrics(self) -> dict[str, float | None]:
        """The model's means, and its lead over the classical methods; None where undefined."""
        values = {name: float(self.methods.at[MODEL, name]) for name in MEASURES}
        values["measures_version"] = MEASURES_VERSION
        for name in STEADY:
            values[f"{name}_db"] = float(getattr(self, name).loc[MODEL].max())
        for margin in self.margins:
            window = margin.frame_length
            values[f"classical_log_mel_at_its_coherence_{window}_db"] = margin.classical_log_mel_db
            values[f"log_mel_margin_at_its_coherence_{window}_db"] = margin.margin_db
        return {name: round(value, 6) if np.isfinite(value) else None for name, value in values.items()}


def evaluate(
    pairs: Sequence[Pair],
    points: Sequence[Point],
    *,
    stretches_per_track: int,
    stretch_seconds: float,
    seed: int,
    kept: Path | None = None,
) -> Evaluation:
    """Compare the model with everything else, on the same stretches of the same tracks.

    Args:
        pairs: the tracks of a split.
        points: what is compared, from `points.points_to_measure`.
        stretches_per_track: at most, evenly spaced.
        stretch_seconds: length of a stretch.
        seed: of the bootstrap.
        kept: folder for results of classical methods and own sides, for the next evaluation; None: nowhere.

    Raises:
        DataError: no track has anything to measure.
        ModelError: a checkpoint cannot be used.
        AudioError: the model's side is not finite.
    """
    chosen, left_out = choose_stretches(pairs, count=stretches_per_track, seconds=stretch_seconds)
    results, steady = measure_all(chosen, points, kept)
    return summarise(
        results,
        steady,
        split=pairs[0].split,
        stretch_seconds=stretch_seconds,
        sample_rate=pairs[0].sample_rate,
        left_out=left_out,
        groups={pair.name: pair.group for pair in pairs},
        passages=_passages(chosen, points),
        seed=seed,
    )


def summarise(
    results: Sequence[Result],
    steady: Mapping[str, Purity],
    *,
    split: str,
    stretch_seconds: float,
    sample_rate: int,
    left_out: Mapping[str, str],
    groups: Mapping[str, str],
    passages: tuple[Passage, ...],
    seed: int,
) -> Evaluation:
    """Make the tables of what was measured.

    Args:
        results: from `points.measure_all`.
        steady: from the same.
        split: name of the split.
        stretch_seconds: longest stretch.
        sample_rate: Hz.
        left_out: by track that was not measured, why.
        groups: by track.
        passages: for the pictures.
        seed: of the bootstrap.
    """
    floors = coherence_floors(sample_rate)
    stretches = tables.per_stretch(results)
    tracks = tables.per_track(stretches, results, left_out, groups)
    sweeps, methods = tables.swept(stretches), tables.per_method(tracks, seed=seed)
    trade_off = tables.trade_off(sweeps)
    trade_off["unnatural"] = in_csv(less_natural(trade_off))
    nearest = [against_nearest(stretches, length, seed=seed) for length in floors]
    keeping = sweeps[~sweeps["method"].isin(changing_mid(methods))]
    return Evaluation(
        split=split,
        stretch_seconds=stretch_seconds,
        tracks=tracks,
        methods=methods,
        groups=tables.per_group(tracks, seed=seed),
        gaps=tables.gaps(tracks),
        comparisons=tables.against(MODEL, tracks, seed=seed),
        nearest=pd.concat(nearest, ignore_index=True).merge(
            trade_off[["method", "setting", "unnatural"]], how="left"
        ),
        trade_off=trade_off,
        rivals=rivals(stretches, trade_off, changing_mid(methods), seed=seed),
        **{
            name: pd.DataFrame({method: purity[name] for method, purity in steady.items()}).T.rename_axis(
                "method"
            )
            for name in STEADY
        },
        curves=tables.mean_curves(results, sample_rate),
        floors=floors,
        margins=tuple(tables.margin(keeping, length, seed=seed) for length in floors),
        passages=passages,
    )


def changing_mid(methods: pd.DataFrame) -> list[str]:
    """Those of `tables.per_method` whose fold-down is not the mono input."""
    return list(methods.index[methods["fold_down_error_db"] > FOLD_DOWN_KEPT_DB])


def _passages(stretches: Sequence[Excerpt], points: Sequence[Point]) -> tuple[Passage, ...]:
    firsts = list({stretch.track: stretch for stretch in reversed(stretches)}.values())[::-1]
    shown = [point for point in points if point.method in (MODEL, OWN_SIDE)]
    return (_passage(firsts[0], points), *(_passage(stretch, shown) for stretch in firsts[1:]))


def _passage(stretch: Excerpt, points: Sequence[Point]) -> Passage:
    by_method = {}
    for point in points:
        if point.in_full:
            try:
                stereo = stereo_of_stretch(point, stretch)
            except (ImportError, Mono2StereoError):
                continue  # its row says why
            by_method[point.method] = (stretch.mid if stereo.mid is None else stereo.mid, stereo.side)
    return Passage(stretch.name, stretch.sample_rate, stretch.mid, by_method)

"""What the benchmark found, as tables: the evaluation's own, with any method as the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mono2stereo.benchmark.entries import Entry
from mono2stereo.benchmark.material import Material
from mono2stereo.benchmark.protocol import MEASURED_AT, MID_KEPT_DB, SEED
from mono2stereo.benchmark.taking import Taken
from mono2stereo.errors import UsageError
from mono2stereo.evaluation import tables
from mono2stereo.evaluation.naturalness import in_csv, less_natural
from mono2stereo.evaluation.points import OWN_SIDE, Result
from mono2stereo.measures import in_words
from mono2stereo.measures.side_analysis import coherence_floors


@dataclass(frozen=True)
class Outcome:
    """All that was found.

    Attributes:
        material: what was measured on, and what was not.
        entries: what was compared.
        stretches_per_recording: at most.
        reference: the method that the others are compared with.
        recordings: a row per recording, method and setting: each measure's mean over stretches, and why
            others are missing.
        methods: a row per method at the setting that stands for it: each measure's mean over recordings with
            its interval; `setting`, `kind`, `real_time_factor`, `peak_bytes`, `keeps_mid`, `unnatural`,
            `less_natural`.
        trade_off: a row per setting; `unnatural`: figures more than 15 % of the own sides' away from them;
            `less_natural`: those in which it is also farther from them than the reference.
        comparisons: a row per other method and measure: the reference minus it.
        gaps: a row per reason for what is missing.
        floors: coherence of independent signals, by frame length.
    """

    material: Sequence[Material]
    entries: Sequence[Entry]
    stretches_per_recording: int
    reference: str
    recordings: pd.DataFrame
    methods: pd.DataFrame
    trade_off: pd.DataFrame
    comparisons: pd.DataFrame
    gaps: pd.DataFrame
    floors: dict[int, float]

    @property
    def measured(self) -> list[Material]:
        """What was not left out."""
        return [material for material in self.material if not material.left_out]


def summarise(
    taken: Sequence[tuple[Material, Entry, Taken]],
    material: Sequence[Material],
    entries: Sequence[Entry],
    *,
    stretches_per_recording: int,
    reference: str | None,
) -> Outcome:
    """Make the tables of what was measured.

    Args:
        taken: from `taking.take_all`.
        material: all of it.
        entries: all of them.
        stretches_per_recording: at most.
        reference: a method; None: the first that is not the own side.

    Raises:
        UsageError: no such method.
    """
    names = list(dict.fromkeys(entry.point.method for entry in entries))
    reference = reference or next((name for name in names if name != OWN_SIDE), OWN_SIDE)
    if reference not in names:
        raise UsageError(f"--reference {reference}: none of {', '.join(names)}")
    results = [result for material, entry, each in taken for result in _results(material, entry, each)]
    stretches = tables.per_stretch(results)
    tracks = tables.per_track(stretches, results, {}, {})
    methods = tables.per_method(tracks, seed=SEED)
    trade_off = tables.trade_off(tables.swept(stretches))
    trade_off["unnatural"] = in_csv(less_natural(trade_off, None))
    trade_off["less_natural"] = in_csv(less_natural(trade_off, reference))
    return Outcome(
        material=material,
        entries=entries,
        stretches_per_recording=stretches_per_recording,
        reference=reference,
        recordings=_per_recording(stretches, results),
        methods=_told_apart(methods, entries, taken, trade_off),
        trade_off=trade_off,
        comparisons=tables.against(reference, tracks, seed=SEED),
        gaps=tables.gaps(tracks),
        floors=coherence_floors(MEASURED_AT),
    )


def _results(material: Material, entry: Entry, taken: Taken) -> list[Result]:
    point = entry.point
    return [
        Result(
            material.name,
            f"{material.name} from {start:.1f} s",
            point.method,
            point.setting,
            point.in_full,
            readings,
        )
        for start, readings in zip(material.starts_seconds, taken.readings, strict=True)
    ]


def _per_recording(stretches: pd.DataFrame, results: Sequence[Result]) -> pd.DataFrame:
    keys = ["track", "method", "setting"]
    rows = stretches.drop(columns="stretch").groupby([*keys, "in_full"], sort=False).mean().reset_index()
    reasons: dict[tuple[str, ...], dict[str, str]] = {}
    for result in results:
        reasons.setdefault((result.track, result.method, result.setting), {}).update(result.readings.reasons)
    told = []
    for _, row in rows.iterrows():
        why = reasons[tuple(row[key] for key in keys)]
        told.append(in_words({name: reason for name, reason in why.items() if np.isnan(row[name])}))
    rows["reason"] = told
    return rows.rename(columns={"track": "recording"})


def _told_apart(
    methods: pd.DataFrame,
    entries: Sequence[Entry],
    taken: Sequence[tuple[Material, Entry, Taken]],
    trade_off: pd.DataFrame,
) -> pd.DataFrame:
    """With what is known of the setting that stands for each method."""
    settings = trade_off.set_index(["method", "setting"])
    rows = {}
    for entry in entries:
        point = entry.point
        if not point.in_full:
            continue
        of_entry = [each for _, other, each in taken if other is entry]
        seconds = [each.seconds for each in of_entry if not np.isnan(each.seconds)]
        makes_stereo = entry.kind != "recordings"
        rows[point.method] = {
            "setting": point.setting,
            "kind": entry.kind,
            "real_time_factor": float(np.median(seconds)) if seconds and makes_stereo else np.nan,
            "peak_bytes": max(each.peak_bytes for each in of_entry) or None,
            "keeps_mid": bool(methods.at[point.method, "fold_down_error_db"] <= MID_KEPT_DB),
            **settings.loc[(point.method, point.setting), ["unnatural", "less_natural"]].to_dict(),
        }
    return methods.join(pd.DataFrame.from_dict(rows, orient="index"))

"""The benchmark as a person reads it (Markdown, a picture) and as programs do (CSV, JSON)."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

from mono2stereo.benchmark.outcome import Outcome
from mono2stereo.benchmark.protocol import MEASURED_AT, MID_KEPT_DB, RATE, STRETCH_SECONDS
from mono2stereo.benchmark.results_file import as_json
from mono2stereo.evaluation.markdown import heading, number, table
from mono2stereo.evaluation.method_tables import (
    FLOOR_ROW,
    MOVEMENT,
    SIMILARITY,
    SOUND,
    about_tests,
    check_table,
    comparison_table,
    explanations,
    gap_table,
    interval_table,
)
from mono2stereo.evaluation.naturalness import GROUPS, WITHIN, letters
from mono2stereo.evaluation.plots import draw_trade_off
from mono2stereo.evaluation.points import OWN_SIDE
from mono2stereo.files import atomic_path
from mono2stereo.versions import BENCHMARK_PROTOCOL, MEASURES_VERSION

OVERVIEW = (
    "coherence_1024",
    "coherence_4096",
    "largest_correlation",
    "log_mel_db",
    "onset_correlation",
    "haze_db",
)
PICTURE = "trade_off.png"


def write_outcome(outcome: Outcome, folder: Path, *, listening: bool) -> None:
    """Write report.md, results.csv, results.json and the picture into `folder`, each whole or not at all.

    Args:
        outcome: what was found.
        folder: is made.
        listening: whether the report points to a listening page.
    """
    with atomic_path(folder / "results.csv") as partial_path:
        outcome.recordings.round(6).to_csv(partial_path, index=False)
    with atomic_path(folder / "results.json") as partial_path:
        partial_path.write_text(as_json(outcome), encoding="utf-8")
    with atomic_path(folder / PICTURE) as partial_path:
        settings = outcome.trade_off.drop(columns="unnatural").rename(columns={"less_natural": "unnatural"})
        draw_trade_off(settings, outcome.floors, partial_path, reference=outcome.reference)
    with atomic_path(folder / "report.md") as partial_path:
        partial_path.write_text(markdown(outcome, listening=listening), encoding="utf-8")


def markdown(outcome: Outcome, *, listening: bool) -> str:
    """The whole report."""
    floors, reference = outcome.floors, outcome.reference
    methods = outcome.methods[outcome.methods["tracks"] > 0]
    compared = outcome.comparisons[outcome.comparisons["method"].isin(methods.index)]
    n_recordings = len(outcome.measured)
    stretches = sum(len(material.starts_seconds) for material in outcome.material)
    sections = {
        "In short": _overview(outcome),
        "Similarity": interval_table(methods, SIMILARITY, floors),
        "Timbre, transients, the recordings' own side": interval_table(methods, SOUND, floors),
        "Haze and movement": interval_table(methods, MOVEMENT, floors),
        "Level, edges of the spectrum, mono fold-down": check_table(methods),
        f"{reference} against each method": f"{reference} minus method, at the settings above, "
        + about_tests(n_recordings)
        + "\n\n"
        + "\n\n".join(comparison_table(compared, part, reference) for part in (SIMILARITY, SOUND, MOVEMENT)),
        "Every setting": _settings(outcome),
        "Coherence against timbre": f"![Coherence against log-mel distance]({PICTURE})",
    }
    if listening:
        sections["Listen"] = (
            "[listen/index.html](listen/index.html) opens from disk; its blind test is `#blind`."
        )
    if len(outcome.gaps):
        sections["What is missing, and why"] = gap_table(outcome.gaps)
    sections["Methods"] = _about_methods(outcome)
    sections["Recordings"] = _about_recordings(outcome)
    sections["Columns"] = explanations()
    return "\n".join(
        [
            "# Benchmark of decorrelators",
            "",
            f"Protocol {BENCHMARK_PROTOCOL}, measures {MEASURES_VERSION}, mono2stereo "
            f"{metadata.version('mono2stereo')}. {stretches} stretches of up to {STRETCH_SECONDS:g} s from "
            f"{n_recordings} recordings, folded down; made at {RATE} Hz, measured at {MEASURED_AT} Hz. Means "
            f"over recordings; in brackets, 95 % bootstrap intervals. *{OWN_SIDE}* is what the recordings "
            f"themselves do, *{FLOOR_ROW}* what the coherence estimator reads without any relation.",
            "",
            *(f"## {title}\n\n{text}\n" for title, text in sections.items()),
        ]
    )  # fmt: skip


def _overview(outcome: Outcome) -> str:
    rows = []
    for method, row in outcome.methods.iterrows():
        recordings = method == OWN_SIDE
        measured = row["tracks"] > 0 and not np.isnan(row["log_mel_db"])
        marks = [
            _natural(row["unnatural"]) if measured and not recordings else "–",
            _relative(row["less_natural"]) if measured and not recordings else "–",
            "–" if recordings or not measured else "yes" if row["keeps_mid"] else "no",
        ]
        rows.append(
            [
                str(method),
                *marks,
                *(number(row[name], name) for name in OVERVIEW),
                _significant(row["real_time_factor"]),
                _megabytes(row["peak_bytes"]),
            ]
        )
    named = ", ".join(f"{group[0]} {group}" for group in GROUPS)
    headings = ["method", "natural in", f"less natural than {outcome.reference} in", "keeps the mid"]
    headings += [*map(heading, OVERVIEW), "s per s", "MB"]
    return (
        table(headings, rows, texts=4)
        + f"\n\n*Natural in* ({named}): every figure of the group within {WITHIN:.0%} of the own sides' "
        f"or, but for movement, below. *Less natural than {outcome.reference} in*: the groups with a figure "
        "that is neither that nor as near as its. *Keeps the mid*: the fold-down is the input, times one "
        f"gain, to {MID_KEPT_DB:g} dB. *s per s*: seconds of work for a second of sound, median over "
        "recordings, while as many processes ran as the machine has cores: a program's from its start to its "
        "end, a method's in Python without the start. *MB*: peak memory of the process that does it."
    )  # fmt: skip


def _natural(unnatural: str) -> str:
    off = letters(unnatural)
    return " ".join(group[0] for group in GROUPS if group[0] not in off) or "none"


def _relative(less_natural: str) -> str:
    return " ".join(letters(less_natural)) or "nothing"


def _settings(outcome: Outcome) -> str:
    shown = [*OVERVIEW, "level_difference_db"]
    rows = [
        [
            row["setting"], _natural(row["unnatural"]), _relative(row["less_natural"]),
            *(number(row[name], name) for name in shown),
        ]
        for _, row in outcome.trade_off[outcome.trade_off["method"] != OWN_SIDE].iterrows()
        if not np.isnan(row["log_mel_db"])
    ]  # fmt: skip
    headings = ["setting", "natural in", f"less natural than {outcome.reference} in", *map(heading, shown)]
    return table(headings, rows, texts=3)


def _about_methods(outcome: Outcome) -> str:
    rows = [
        [
            entry.point.setting, entry.kind, entry.version[:60] or "–",
            f"`{entry.command}`" if entry.command else "–",
        ]
        for entry in outcome.entries
        if entry.kind != "recordings"
    ]  # fmt: skip
    return table(["setting", "kind", "version", "command"], rows, texts=4)


def _about_recordings(outcome: Outcome) -> str:
    rows = [
        [
            each.name, each.sha256[:12],
            ", ".join(f"{start:.1f}" for start in each.starts_seconds) or f"left out: {each.left_out}",
        ]
        for each in outcome.material
    ]  # fmt: skip
    return table(["recording", "SHA-256", "stretches from (s)"], rows, texts=3)


def _significant(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2g}"


def _megabytes(peak_bytes: float | None) -> str:
    return "–" if pd.isna(peak_bytes) else f"{float(peak_bytes or 0) / 1e6:.0f}"

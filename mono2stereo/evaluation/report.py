"""The evaluation as a person reads it (Markdown and pictures) and as tools do (CSV and JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from mono2stereo.evaluation import plots
from mono2stereo.evaluation.measures import FRAME_LENGTHS, Measures
from mono2stereo.evaluation.methods import MODEL
from mono2stereo.evaluation.tables import COMPARED, Margin
from mono2stereo.files import atomic_path

ABOUT = {measure.name: measure.metadata for measure in fields(Measures)}
WITH_INTERVALS = COMPARED
CHECKED = [measure for measure in ABOUT if measure not in WITH_INTERVALS]
FLOOR_ROW = "independent signals"
PICTURES = {
    "trade_off": "Coherence against log-mel, every method along its parameter, the model along its training",
    "coherence": "Coherence per mel band",
    "levels": "Long-term third-octave levels from DC to the Nyquist frequency",
    "correlogram": "Correlation over lag",
}


@dataclass(frozen=True)
class Evaluation:
    """All that evaluate found.

    Attributes:
        split: name of the split.
        stretch_seconds: longest stretch.
        coherence_seconds: length of the parts that coherence is averaged over.
        tracks: a row per track and method.
        methods: a row per method.
        comparisons: a row per method and measure, against the model.
        trade_off: a row per method and setting.
        curves: by name, a column per method.
        floors: coherence of independent signals, by frame length.
        margins: the model's lead at its own coherence, per frame length.
    """

    split: str
    stretch_seconds: float
    coherence_seconds: float
    tracks: pd.DataFrame
    methods: pd.DataFrame
    comparisons: pd.DataFrame
    trade_off: pd.DataFrame
    curves: Mapping[str, pd.DataFrame]
    floors: Mapping[int, float]
    margins: tuple[Margin, ...]

    @property
    def metrics(self) -> dict[str, float]:
        """The model's means, and its lead over the classical methods; what is undefined is absent."""
        values = {measure: float(self.methods.at[MODEL, measure]) for measure in ABOUT}
        for margin in self.margins:
            window = margin.frame_length
            values[f"classical_log_mel_at_its_coherence_{window}_db"] = margin.classical_log_mel_db
            values[f"log_mel_margin_at_its_coherence_{window}_db"] = margin.margin_db
        return {name: round(value, 6) for name, value in values.items() if np.isfinite(value)}


def write_report(evaluation: Evaluation, folder: Path) -> None:
    """Write metrics.json, the tables as CSV, the pictures as PNG and report.md into `folder`, all at once."""
    with atomic_path(folder) as beside:
        beside.mkdir()
        for name in ("tracks", "comparisons", "trade_off"):
            getattr(evaluation, name).round(6).to_csv(beside / f"{name}.csv", index=False)
        evaluation.methods.round(6).to_csv(beside / "methods.csv")
        for name, curve in evaluation.curves.items():
            curve.round(4).to_csv(beside / f"{name}.csv")
        metrics = json.dumps(evaluation.metrics, indent=1) + "\n"
        (beside / "metrics.json").write_text(metrics, encoding="utf-8")
        by_window = {length: evaluation.curves[f"coherence_{length}"] for length in FRAME_LENGTHS}
        plots.draw_trade_off(evaluation.trade_off, evaluation.floors, beside / "trade_off.png")
        plots.draw_coherence(by_window, evaluation.floors, beside / "coherence.png")
        plots.draw_levels(evaluation.curves["levels"], beside / "levels.png")
        plots.draw_correlogram(evaluation.curves["correlogram"], beside / "correlogram.png")
        (beside / "report.md").write_text(markdown(evaluation), encoding="utf-8")


def markdown(evaluation: Evaluation) -> str:
    """The whole report."""
    tracks = evaluation.tracks
    n_tracks = tracks["track"].nunique()
    stretches = int(tracks.groupby("track")["stretches"].max().sum())
    explained = [f"- **{about['heading']}**: {about['explanation']}." for about in ABOUT.values()]
    pictures = [f"### {title}\n\n![{title}]({name}.png)\n" for name, title in PICTURES.items()]
    return "\n".join(
        [
            "# Evaluation",
            "",
            f"{stretches} stretches of up to {evaluation.stretch_seconds:g} s from {n_tracks} tracks of the "
            f"{evaluation.split} split; coherence over parts of {evaluation.coherence_seconds:g} s. "
            "Means over tracks; in brackets, 95 % bootstrap intervals. "
            "*own side* is what the recordings themselves do: the reference, not a competitor. "
            f"*{FLOOR_ROW}* is what the coherence estimator reads without any relation.",
            "",
            "## Similarity and timbre",
            "",
            _interval_table(evaluation),
            "",
            "## Level, edges of the spectrum, mono fold-down",
            "",
            _check_table(evaluation),
            "",
            "## Log-mel distance at the model's coherence",
            "",
            *(_margin_line(margin) for margin in evaluation.margins),
            "",
            "## The model against each method",
            "",
            "Model minus method on the same tracks; in brackets p (Wilcoxon signed-rank, two-sided, "
            "Holm-corrected over a column's methods). "
            f"{n_tracks} tracks cannot give less than {min(1.0, 2 / 2**n_tracks):.2g} before the correction.",
            "",
            _comparison_table(evaluation.comparisons),
            "",
            "## Columns",
            "",
            *explained,
            "",
            "For log-mel and colour the side is brought to the mid's RMS; coherence, correlation, onsets and "
            "crest do not depend on its level. A silent side leaves them undefined (–).",
            "",
            "## Pictures",
            "",
            *pictures,
        ]
    )


def _interval_table(evaluation: Evaluation) -> str:
    rows = [
        [method, *(_with_interval(row, measure) for measure in WITH_INTERVALS)]
        for method, row in evaluation.methods.iterrows()
    ]
    floors = {f"coherence_{length}": f"{floor:.3f}" for length, floor in evaluation.floors.items()}
    rows.append([f"*{FLOOR_ROW}*", *(floors.get(measure, "–") for measure in WITH_INTERVALS)])
    return table(["method", *map(heading, WITH_INTERVALS)], rows)


def _check_table(evaluation: Evaluation) -> str:
    rows = [
        [method, *(number(row[measure], measure) for measure in CHECKED)]
        for method, row in evaluation.methods.iterrows()
    ]
    return table(["method", *map(heading, CHECKED)], rows)


def _comparison_table(comparisons: pd.DataFrame) -> str:
    rows = []
    for method, compared in comparisons.groupby("method", sort=False):
        by_measure = compared.set_index("measure")
        rows.append([method, *(_difference(by_measure.loc[measure]) for measure in COMPARED)])
    return table(["model minus", *map(heading, COMPARED)], rows)


def _margin_line(margin: Margin) -> str:
    if np.isnan(margin.coherence):
        return f"- Frames of {margin.frame_length}: undefined, since the model's side is silent."
    start = (
        f"- Frames of {margin.frame_length}: the model's {margin.log_mel_db:.2f} dB "
        f"at coherence {margin.coherence:.3f}"
    )
    if not np.isfinite(margin.classical_log_mel_db):
        return f"{start}; no classical method, swept along its parameter, is as incoherent."
    verdict = "lower" if margin.margin_db > 0 else "not lower"
    return (
        f"{start} is {verdict} than the best classical method's {margin.classical_log_mel_db:.2f} dB there "
        f"(margin {margin.margin_db:+.2f} dB, 95 % from {margin.low_db:+.2f} to {margin.high_db:+.2f})."
    )


def _with_interval(row: pd.Series, measure: str) -> str:
    mean = number(row[measure], measure)
    ends = [number(row[f"{measure}_{end}"], measure) for end in ("low", "high")]
    return mean if "–" in ends else f"{mean} [{ends[0]}, {ends[1]}]"


def _difference(row: pd.Series) -> str:
    difference = number(row["difference"], row.name, "+")
    return difference if np.isnan(row["p_holm"]) else f"{difference} ({row['p_holm']:.2g})"


def number(value: float, measure: str, sign: str = "") -> str:
    """With the measure's own decimals; a dash where it is undefined."""
    return "–" if np.isnan(value) else f"{value:{sign}.{ABOUT[measure]['decimals']}f}"


def heading(measure: str) -> str:
    """A measure's column heading."""
    return ABOUT[measure]["heading"]


def table(headings: list[str], rows: list[list[str]]) -> str:
    """In Markdown, all columns but the first to the right."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""The evaluation as a person reads it (Markdown and pictures) and as tools do (CSV and JSON)."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from mono2stereo.data.excerpts import fit_for_a_file
from mono2stereo.evaluation import passage_plots, plots
from mono2stereo.evaluation.evaluate import STEADY, Evaluation, Passage
from mono2stereo.evaluation.findings import findings, nearest_table
from mono2stereo.evaluation.in_words import in_words
from mono2stereo.evaluation.markdown import heading, hertz, number, table
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
from mono2stereo.evaluation.points import NOT_CLASSICAL, OWN_SIDE
from mono2stereo.evaluation.purity import LEVEL as TONE_LEVEL
from mono2stereo.files import atomic_path
from mono2stereo.measures import COMPARED

PICTURES = {
    "trade_off": "Coherence against log-mel, every method along its parameter, the model along its training",
    "coherence": "Coherence per mel band, the recordings' own side as a black line",
    "levels": "Long-term third-octave levels from DC to the Nyquist frequency",
    "correlogram": "Correlation over lag",
    "octaves": "Correlation per octave",
    "spectrograms": "One stretch: spectrograms of mid and sides",
    "goniometer": "One stretch: goniometer",
}


def write_report(evaluation: Evaluation, folder: Path) -> None:
    """Write metrics.json, the tables as CSV, the pictures as PNG and report.md into `folder`, all at once."""
    with atomic_path(folder) as partial_path:
        partial_path.mkdir()
        for name in ("tracks", "gaps", "comparisons", "nearest", "trade_off", "rivals"):
            getattr(evaluation, name).round(6).to_csv(partial_path / f"{name}.csv", index=False)
        for name in ("methods", *STEADY, *(["groups"] if len(evaluation.groups) else [])):
            getattr(evaluation, name).round(6).to_csv(partial_path / f"{name}.csv")
        for name, curve in evaluation.curves.items():
            curve.round(4).to_csv(partial_path / f"{name}.csv")
        metrics = json.dumps(evaluation.metrics, indent=1, allow_nan=False) + "\n"
        (partial_path / "metrics.json").write_text(metrics, encoding="utf-8")
        _draw(evaluation, partial_path)
        (partial_path / "report.md").write_text(markdown(evaluation), encoding="utf-8")


def _draw(evaluation: Evaluation, folder: Path) -> None:
    curves, floors, passages = evaluation.curves, evaluation.floors, evaluation.passages
    plots.draw_trade_off(evaluation.trade_off, floors, folder / "trade_off.png")
    by_window = {length: curves[f"coherence_{length}"] for length in floors}
    plots.draw_coherence(by_window, floors, folder / "coherence.png")
    plots.draw_levels(curves["levels"], folder / "levels.png")
    plots.draw_correlogram(curves["correlogram"], folder / "correlogram.png")
    plots.draw_octaves(curves["octaves"], curves["octaves_at_zero_lag"], folder / "octaves.png")
    passage_plots.draw_passage(passages[0], folder / "spectrograms.png")
    passage_plots.draw_goniometers(passages[0], folder / "goniometer.png")
    (folder / "tracks").mkdir()
    for passage, file in _track_pictures(evaluation):
        passage_plots.draw_model(passage, folder / file)


def _track_pictures(evaluation: Evaluation) -> list[tuple[Passage, str]]:
    return [
        (passage, f"tracks/{number:02d}_{fit_for_a_file(passage.name)}.jpg")
        for number, passage in enumerate(evaluation.passages, start=1)
    ]


def markdown(evaluation: Evaluation) -> str:
    """The whole report."""
    tracks = evaluation.tracks
    n_tracks = tracks.loc[tracks["stretches"] > 0, "track"].nunique()
    stretches = int(tracks.groupby("track")["stretches"].max().sum())
    pictures = [f"### {title}\n\n![{title}]({name}.png)\n" for name, title in PICTURES.items()]
    sections = {
        "In words": "\n\n".join(in_words(evaluation)),
        "In numbers": "\n".join(findings(evaluation)),
        "Similarity": interval_table(evaluation.methods, SIMILARITY, evaluation.floors),
        "Timbre, transients, the recordings' own side": interval_table(
            evaluation.methods, SOUND, evaluation.floors
        ),
        "Haze and movement": interval_table(evaluation.methods, MOVEMENT, evaluation.floors),
        "Level, edges of the spectrum, mono fold-down": check_table(evaluation.methods),
        "The model against each classical method where it is as incoherent": nearest_table(evaluation),
        "The model against each method": "Model minus method, at the setting of the tables above, "
        + about_tests(n_tracks)
        + "\n\n"
        + "\n\n".join(
            comparison_table(evaluation.comparisons, part, "model") for part in (SIMILARITY, SOUND, MOVEMENT)
        ),
        "Correlation per octave": "The largest magnitude at any lag within ±120 ms, in brackets that at lag "
        "0, by the octave's centre.\n\n" + _octave_table(evaluation),
        "Distortion of steady tones": "Energy outside the critical band of the tone, dB re the side that was "
        f"made of it; a tone of {TONE_LEVEL:g} of full scale each. A system that is linear and does not "
        "change in time reads -120.\n\n" + _steady_table(evaluation.distortion),
        "The same re the mid": "A tone in a notch of the side does not count as distorted.\n\n"
        + _steady_table(evaluation.out_of_band),
        "Between the harmonics of saws": "Energy of the side farther than 21 Hz from every harmonic, dB re "
        "the mid, by the saw's fundamental.\n\n" + _steady_table(evaluation.between_harmonics),
    }
    if len(evaluation.groups):
        sections["By group"] = _group_table(evaluation)
    if len(evaluation.gaps):
        sections["What is missing, and why"] = gap_table(evaluation.gaps)
    sections["Columns"] = explanations() + (
        "\n\nFor log-mel, colour, pre-echo and the levels of the own side, the side is brought to the level "
        "of what it is compared with; coherence, correlation, onsets and crest do not depend on it. Of a "
        "method that changes the mid (Haas), coherence and correlation take its own mid, all else the input."
    )
    sections["Pictures"] = "\n".join(pictures)
    sections["Every track"] = (
        "Its first stretch: mid, the model's side and the recording's own; what each side has that the mid "
        "has not (red) and lacks (blue); correlation over lag; goniometers.\n\n"
        + "\n".join(f"- [{passage.name}]({file})" for passage, file in _track_pictures(evaluation))
    )
    return "\n".join(
        [
            "# Evaluation",
            "",
            f"{stretches} stretches of up to {evaluation.stretch_seconds:g} s from {n_tracks} tracks of the "
            f"{evaluation.split} split. Means over tracks; in brackets, 95 % bootstrap intervals. "
            f"*{OWN_SIDE}* is what the recordings themselves do: the reference, not a competitor. "
            f"*{FLOOR_ROW}* is what the coherence estimator reads without any relation, over as long a part.",
            "",
            *(f"## {title}\n\n{text}\n" for title, text in sections.items()),
        ]
    )


def _octave_table(evaluation: Evaluation) -> str:
    largest, at_zero = (evaluation.curves[name] for name in ("octaves", "octaves_at_zero_lag"))
    rows = []
    for method in largest:
        pairs = zip(largest[method], at_zero[method], strict=True)
        rows.append(
            [method, *("–" if value != value else f"{value:.2f} ({zero:.2f})" for value, zero in pairs)]
        )
    return table(["method", *(hertz(hz) for hz in largest.index)], rows)


def _steady_table(frame: pd.DataFrame) -> str:
    rows = [
        [str(method), *("–" if value != value else f"{value:.0f}" for value in row)]
        for method, row in frame.iterrows()
    ]
    return table(["method", *(hertz(hz) for hz in frame.columns)], rows)


def _group_table(evaluation: Evaluation) -> str:
    shown = evaluation.groups[evaluation.groups.index.get_level_values("method").isin(NOT_CLASSICAL)]
    rows = [
        [
            str(group),
            str(method),
            str(row["tracks"]),
            *(number(row[measure], measure) for measure in COMPARED),
        ]
        for (group, method), row in shown.iterrows()
    ]
    every = "groups.csv has every method, measure and interval."
    return table(["group", "method", "tracks", *map(heading, COMPARED)], rows, texts=2) + f"\n\n{every}"

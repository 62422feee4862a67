"""The evaluation as a person reads it (Markdown and pictures) and as tools do (CSV and JSON)."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from mono2stereo.data.excerpts import fit_for_a_file
from mono2stereo.dsp.movement import FIGURES
from mono2stereo.evaluation import passage_plots, plots
from mono2stereo.evaluation.evaluate import STEADY, Evaluation, Passage
from mono2stereo.evaluation.findings import findings, nearest_table
from mono2stereo.evaluation.in_words import in_words
from mono2stereo.evaluation.markdown import heading, hertz, number, table, with_interval
from mono2stereo.evaluation.points import NOT_CLASSICAL, OWN_SIDE
from mono2stereo.evaluation.purity import LEVEL as TONE_LEVEL
from mono2stereo.files import atomic_path
from mono2stereo.measures import COMPARED, MEASURES, OWN

CHECKED = [measure for measure in MEASURES if measure not in COMPARED]
SIMILARITY = [
    "coherence_1024",
    "coherence_4096",
    "coherence_16384",
    "coherence_critical_bands",
    "largest_correlation",
]
MOVEMENT = ["haze_db", *FIGURES]
SOUND = [measure for measure in COMPARED if measure not in (*SIMILARITY, *MOVEMENT)]
FLOOR_ROW = "independent signals"
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
    with atomic_path(folder) as beside:
        beside.mkdir()
        for name in ("tracks", "gaps", "comparisons", "nearest", "trade_off", "rivals"):
            getattr(evaluation, name).round(6).to_csv(beside / f"{name}.csv", index=False)
        for name in ("methods", *STEADY, *(["groups"] if len(evaluation.groups) else [])):
            getattr(evaluation, name).round(6).to_csv(beside / f"{name}.csv")
        for name, curve in evaluation.curves.items():
            curve.round(4).to_csv(beside / f"{name}.csv")
        metrics = json.dumps(evaluation.metrics, indent=1, allow_nan=False) + "\n"
        (beside / "metrics.json").write_text(metrics, encoding="utf-8")
        _draw(evaluation, beside)
        (beside / "report.md").write_text(markdown(evaluation), encoding="utf-8")


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
        "Similarity": _interval_table(evaluation, SIMILARITY),
        "Timbre, transients, the recordings' own side": _interval_table(evaluation, SOUND),
        "Haze and movement": _interval_table(evaluation, MOVEMENT),
        "Level, edges of the spectrum, mono fold-down": _check_table(evaluation),
        "The model against each classical method where it is as incoherent": nearest_table(evaluation),
        "The model against each method": "Model minus method, at the setting of the tables above, on the "
        "same tracks; in brackets p (Wilcoxon signed-rank, two-sided, Holm-corrected over a column's "
        "methods). "
        f"{n_tracks} tracks cannot give less than {min(1.0, 2 / 2**n_tracks):.2g} before the correction.\n\n"
        + "\n\n".join(_comparison_table(evaluation, part) for part in (SIMILARITY, SOUND, MOVEMENT)),
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
        sections["What is missing, and why"] = _gap_table(evaluation)
    sections["Columns"] = "\n".join(
        f"- **{measure.heading}**: {measure.explanation}." for measure in MEASURES.values()
    )
    sections["Columns"] += (
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


def _interval_table(evaluation: Evaluation, measures: list[str]) -> str:
    rows = [
        [str(method), *(with_interval(row, measure) for measure in measures)]
        for method, row in evaluation.methods.iterrows()
    ]
    floors = {f"coherence_{length}": f"{floor:.3f}" for length, floor in evaluation.floors.items()}
    if set(floors) & set(measures):
        rows.append([f"*{FLOOR_ROW}*", *(floors.get(measure, "–") for measure in measures)])
    return table(["method", *map(heading, measures)], rows)


def _check_table(evaluation: Evaluation) -> str:
    rows = [
        [str(method), *(number(row[measure], measure) for measure in CHECKED)]
        for method, row in evaluation.methods.iterrows()
    ]
    return table(["method", *map(heading, CHECKED)], rows)


def _comparison_table(evaluation: Evaluation, measures: list[str]) -> str:
    rows = []
    for method, compared in evaluation.comparisons.groupby("method", sort=False):
        cells = [str(method)]
        for measure, row in compared.set_index("measure").loc[measures].iterrows():
            # The own side's distance to itself compares nothing.
            pointless = method == OWN_SIDE and MEASURES[measure].needs == OWN
            difference = "–" if pointless else number(row["difference"], measure, "+")
            tested = "–" not in difference and row["p_holm"] == row["p_holm"]
            cells.append(f"{difference} ({row['p_holm']:.2g})" if tested else difference)
        rows.append(cells)
    return table(["model minus", *map(heading, measures)], rows)


def _octave_table(evaluation: Evaluation) -> str:
    largest, at_zero = (evaluation.curves[name] for name in ("octaves", "octaves_at_zero_lag"))
    rows = []
    for method in largest:
        pairs = zip(largest[method], at_zero[method], strict=True)
        rows.append([method, *("–" if one != one else f"{one:.2f} ({zero:.2f})" for one, zero in pairs)])
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


def _gap_table(evaluation: Evaluation) -> str:
    rows = [[str(row.reason), str(row.methods), str(row.tracks)] for row in evaluation.gaps.itertuples()]
    return table(["not measured", "methods", "tracks"], rows, texts=2)

"""What reports say of methods, as tables of Markdown: means with intervals, tests, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from mono2stereo.dsp.movement import FIGURES
from mono2stereo.evaluation.markdown import heading, number, table, with_interval
from mono2stereo.evaluation.points import OWN_SIDE
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


def interval_table(methods: pd.DataFrame, measures: Sequence[str], floors: Mapping[int, float]) -> str:
    """A row per method of `tables.per_method`; below coherence, what independent signals read."""
    rows = [
        [str(method), *(with_interval(row, measure) for measure in measures)]
        for method, row in methods.iterrows()
    ]
    read = {f"coherence_{length}": f"{floor:.3f}" for length, floor in floors.items()}
    if set(read) & set(measures):
        rows.append([f"*{FLOOR_ROW}*", *(read.get(measure, "–") for measure in measures)])
    return table(["method", *map(heading, measures)], rows)


def check_table(methods: pd.DataFrame) -> str:
    """Means of what has no good or bad direction, but limits."""
    rows = [
        [str(method), *(number(row[measure], measure) for measure in CHECKED)]
        for method, row in methods.iterrows()
    ]
    return table(["method", *map(heading, CHECKED)], rows)


def comparison_table(comparisons: pd.DataFrame, measures: Sequence[str], reference: str) -> str:
    """A row per method of `tables.against`: differences, in brackets p."""
    rows = []
    for method, compared in comparisons.groupby("method", sort=False):
        cells = [str(method)]
        for measure, row in compared.set_index("measure").loc[list(measures)].iterrows():
            # The own side's distance to itself compares nothing.
            pointless = method == OWN_SIDE and MEASURES[str(measure)].needs == OWN
            difference = "–" if pointless else number(row["difference"], str(measure), "+")
            tested = "–" not in difference and row["p_holm"] == row["p_holm"]
            cells.append(f"{difference} ({row['p_holm']:.2g})" if tested else difference)
        rows.append(cells)
    return table([f"{reference} minus", *map(heading, measures)], rows)


def about_tests(n_tracks: int) -> str:
    """What stands above a table of comparisons."""
    return (
        "on the same tracks; in brackets p (Wilcoxon signed-rank, two-sided, Holm-corrected over a column's "
        f"methods). {n_tracks} tracks cannot give less than {min(1.0, 2 / 2**n_tracks):.2g} before the "
        "correction."
    )


def gap_table(gaps: pd.DataFrame) -> str:
    """Of `tables.gaps`."""
    rows = [[str(row.reason), str(row.methods), str(row.tracks)] for row in gaps.itertuples()]
    return table(["not measured", "methods", "tracks"], rows, texts=2)


def explanations() -> str:
    """A list item per measure."""
    return "\n".join(f"- **{measure.heading}**: {measure.explanation}." for measure in MEASURES.values())

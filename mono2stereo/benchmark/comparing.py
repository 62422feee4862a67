"""Two results of the benchmark beside each other: which numbers differ, on the recordings that both have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mono2stereo.benchmark.protocol import SEED
from mono2stereo.benchmark.results_file import Results
from mono2stereo.errors import DataError
from mono2stereo.evaluation.markdown import heading, number, table
from mono2stereo.measures import COMPARED
from mono2stereo.paired_statistics import mean_interval

SAME = 1e-6


@dataclass(frozen=True)
class Difference:
    """The second's mean of a measure minus the first's, with its 95 % interval over recordings."""

    method: str
    measure: str
    first: float
    second: float
    low: float
    high: float
    recordings: int


def differences(first: Results, second: Results) -> list[Difference]:
    """Of every method and measure that both have and that differ anywhere.

    Raises:
        DataError: their numbers cannot be compared: another protocol, no recording in both.
    """
    for what, value, other in (
        ("protocol", first.protocol, second.protocol),
        ("measures", first.measures, second.measures),
        ("stretches per recording", first.stretches, second.stretches),
    ):
        if value != other:
            raise DataError(
                f"{first.file} has {what} {value}, {second.file} {other}: not to be compared; run one again"
            )
    common = sorted(set(first.recordings.values()) & set(second.recordings.values()))
    if not common:
        raise DataError(f"{first.file} and {second.file} have no recording in common: nothing to compare")
    changed = []
    for method, values in first.values.items():
        for measure in COMPARED:
            ours, theirs = (each.get(measure, {}) for each in (values, second.values.get(method, {})))
            both = [recording for recording in common if recording in ours and recording in theirs]
            changes = np.array([theirs[recording] - ours[recording] for recording in both])
            if not len(both) or np.abs(changes).max() <= SAME:
                continue
            _, low, high = mean_interval(changes, seed=SEED)
            before, after = (
                float(np.mean([each[recording] for recording in both])) for each in (ours, theirs)
            )
            changed.append(Difference(method, measure, before, after, low, high, len(both)))
    return changed


def as_markdown(first: Results, second: Results) -> str:
    """What `differences` found, and what only one of them has."""
    lines = [f"{first.file} → {second.file}"]
    for what, names, others in (
        ("methods", first.values, second.values),
        ("recordings", first.recordings, second.recordings),
    ):
        for file, missing in (
            (first.file, set(names) - set(others)),
            (second.file, set(others) - set(names)),
        ):
            if missing:
                lines.append(f"Only in {file}, {what}: {', '.join(sorted(missing))}.")
    changed = differences(first, second)
    if not changed:
        return "\n\n".join([*lines, "No number differs."]) + "\n"
    rows = []
    for each in changed:
        change, low, high = (
            number(value, each.measure, "+") for value in (each.second - each.first, each.low, each.high)
        )
        values = (number(value, each.measure) for value in (each.first, each.second))
        rows.append(
            [each.method, heading(each.measure), *values, f"{change} [{low}, {high}]", str(each.recordings)]
        )
    headings = ["method", "measure", "first", "second", "difference", "recordings"]
    return "\n\n".join([*lines, table(headings, rows, texts=2)]) + "\n"

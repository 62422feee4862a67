"""The benchmark from a folder of recordings to a folder of results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mono2stereo.benchmark.benchmark_report import write_outcome
from mono2stereo.benchmark.entries import Entry
from mono2stereo.benchmark.heard import write_listening_page
from mono2stereo.benchmark.material import prepare
from mono2stereo.benchmark.outcome import Outcome, summarise
from mono2stereo.benchmark.taking import take_all


def benchmark(
    recordings: Path,
    entries: Sequence[Entry],
    folder: Path,
    *,
    stretches: int,
    excerpts: int,
    reference: str | None = None,
) -> Outcome:
    """Measure, and write report.md, results.csv, results.json, pictures and the listening page.

    What was measured lies in `<folder>/cache`, so that a run that was interrupted goes on, and another method
    is measured alone.

    Args:
        recordings: a folder; what lies below it counts, too.
        entries: from `entries.entries`.
        folder: is made.
        stretches: of each recording, at most.
        excerpts: on the listening page; 0: no page.
        reference: the method that all are compared with; None: the first.

    Raises:
        DataError: nothing can be measured.
        UsageError: no method has the reference's name.
    """
    cache = folder / "cache"
    material = prepare(recordings, cache, stretches=stretches)
    taken = list(take_all(material, entries, cache))
    outcome = summarise(taken, material, entries, stretches_per_recording=stretches, reference=reference)
    write_outcome(outcome, folder, listening=excerpts > 0)
    if excerpts:
        write_listening_page(outcome, folder / "listen", count=excerpts)
    return outcome

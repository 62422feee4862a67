"""Figures by step: the one writer that feeds both DVC's CSV files and the tracking run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

Sink = Callable[[dict[str, float], int], None]


class Curves:
    """Appends rows to `<folder>/<name>.csv` and hands the same figures to `sink` as `<name>/<figure>`.

    Args:
        folder: Where the CSV files go.
        sink: Called with `{metric: value}` and the step.
    """

    def __init__(self, folder: Path, sink: Sink) -> None:
        self.folder = folder
        self._sink = sink
        folder.mkdir(parents=True, exist_ok=True)

    def log(self, name: str, step: int, figures: Mapping[str, float]) -> None:
        """Write one row; the first row of a file sets its columns."""
        path = self.folder / f"{name}.csv"
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", *figures])
            writer.writerow([step, *(f"{value:.7g}" for value in figures.values())])
        self._sink({f"{name}/{key}": float(f"{value:.7g}") for key, value in figures.items()}, step)

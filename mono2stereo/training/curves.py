"""Figures by step: the one writer that feeds both DVC's CSV files and the tracking run.

A tracking run is append-only, and a killed training repeats the steps after its last state. So a row, once
written, stands: a ledger outside the DVC outs keeps it, and a repeated step writes nothing. CSV files and
tracking run are made from the ledger, whatever either of them missed.
"""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mono2stereo.files import atomic_path, named_faults

Sink = Callable[[dict[str, float], int], None]
Row = tuple[str, int, dict[str, float]]  # name, step, figures


class Curves:
    """Appends rows to `<folder>/<name>.csv` and hands the same figures to `sink` as `<name>/<figure>`.

    Args:
        folder: Where the CSV files go.
        ledger: Where rows survive a kill.
        sink: Called with `{metric: value}` and the step; again with those it may have got before a kill.
    """

    def __init__(self, folder: Path, ledger: Path, sink: Sink) -> None:
        self.folder = folder
        self.rows: list[Row] = []
        self._ledger = ledger
        self._sink = sink

    def begin(self, saved: Sequence[Row] = ()) -> None:
        """Bring back all rows of earlier processes: the ledger's, or the `saved` where they are more."""
        kept = _read(self._ledger)
        self.rows = kept if len(kept) >= len(saved) else [(name, step, row) for name, step, row in saved]
        with atomic_path(self._ledger, durable=True) as beside:
            beside.write_bytes(b"".join(map(_line, self.rows)))
        for stale in self.folder.glob("*.csv"):
            stale.unlink()
        for row in self.rows:
            self._emit(row)

    def log(self, name: str, step: int, figures: Mapping[str, float]) -> None:
        """Write one row, unless an earlier process did; the first row of a file sets its columns."""
        if any(row[:2] == (name, step) for row in reversed(self.rows)):
            return
        row = (name, step, {key: float(f"{value:.7g}") for key, value in figures.items()})
        with named_faults(self._ledger), self._ledger.open("ab") as file:
            file.write(_line(row))
        self.rows.append(row)
        self._emit(row)

    def _emit(self, row: Row) -> None:
        name, step, figures = row
        path = self.folder / f"{name}.csv"
        with named_faults(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            new = not path.exists()
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                if new:
                    writer.writerow(["step", *figures])
                writer.writerow([step, *(f"{value:.7g}" for value in figures.values())])
        self._sink({f"{name}/{key}": value for key, value in figures.items()}, step)


def _line(row: Row) -> bytes:
    text = json.dumps(row).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(ledger: Path) -> list[Row]:
    """The rows up to the first that is torn or damaged."""
    rows: list[Row] = []
    for line in ledger.read_bytes().splitlines(keepends=True) if ledger.exists() else ():
        try:
            name, step, figures = json.loads(line[9:])
        except ValueError:
            break
        if line != _line((name, step, figures)):
            break
        rows.append((name, step, figures))
    return rows

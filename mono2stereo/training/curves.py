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
        columns: Figures that the files have columns for, measured or not: where one is missing DVC draws
            none of the others.
    """

    def __init__(self, folder: Path, ledger: Path, sink: Sink, columns: Sequence[str] = ()) -> None:
        self.folder = folder
        self._always = columns
        self.rows: list[Row] = []
        self._columns: dict[str, list[str]] = {}
        self._ledger = ledger
        self._sink = sink

    def begin(self, saved: Sequence[Row] = ()) -> None:
        """Bring back all rows of earlier processes: the ledger's, or the `saved` where they are more."""
        kept = _read(self._ledger)
        self.rows = kept if len(kept) >= len(saved) else [(name, step, row) for name, step, row in saved]
        with atomic_path(self._ledger, durable=True) as partial_path:
            partial_path.write_bytes(b"".join(map(_line, self.rows)))
        for stale in self.folder.glob("*.csv"):
            stale.unlink()
        for name in dict.fromkeys(name for name, _, _ in self.rows):
            self._write(name)
        for row in self.rows:
            self._tell(row)

    def log(self, name: str, step: int, figures: Mapping[str, float]) -> None:
        """Write one row, unless an earlier process did.

        The discriminators' figures are there from the step on at which they join: a file gets columns for
        them then, and its earlier rows stay empty there.
        """
        if any(row[:2] == (name, step) for row in reversed(self.rows)):
            return
        row = (name, step, {key: float(f"{value:.7g}") for key, value in figures.items()})
        with named_faults(self._ledger), self._ledger.open("ab") as file:
            file.write(_line(row))
        self.rows.append(row)
        columns = self._columns.get(name, [])
        if row[2].keys() <= set(columns):
            path = self.folder / f"{name}.csv"
            with named_faults(path), path.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(_cells(row, columns))
        else:
            self._write(name)
        self._tell(row)

    def _write(self, name: str) -> None:
        """A whole CSV file."""
        rows = [row for row in self.rows if row[0] == name]
        measured = [key for row in rows for key in row[2]]
        columns = self._columns[name] = list(dict.fromkeys([*measured, *self._always]))
        path = self.folder / f"{name}.csv"
        with (
            named_faults(path),
            atomic_path(path) as partial_path,
            partial_path.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["step", *columns])
            writer.writerows(_cells(row, columns) for row in rows)

    def _tell(self, row: Row) -> None:
        name, step, figures = row
        self._sink({f"{name}/{key}": value for key, value in figures.items()}, step)


def _cells(row: Row, columns: Sequence[str]) -> list[str]:
    _, step, figures = row
    return [str(step), *(f"{figures[key]:.7g}" if key in figures else "" for key in columns)]


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

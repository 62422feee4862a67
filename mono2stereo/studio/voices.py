"""Signals of a tab on disk, while they still grow: samples, and what a picture of them needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from mono2stereo.dsp.signals import Signal

BLOCK = 1 << 16
HOP = 2048  # samples of a column of the picture
BANDS = 96
LOWEST_HZ = 60.0
FLOOR_DB = -127.5  # a step of the picture is half a decibel
COLUMN = np.dtype([("low", "<f4"), ("high", "<f4"), ("bands", "u1", BANDS)])
WAIT_SECONDS = 0.02


class Writer:
    """Samples and columns of one signal, each appended to its file.

    Args:
        file: Of the samples; columns stand beside it.
        sample_rate: Hz.
    """

    def __init__(self, file: Path, sample_rate: int) -> None:
        self._samples, self._columns = file.open("wb"), columns_of(file).open("wb")
        self._rest = np.zeros(0, np.float32)
        self._window = np.hanning(HOP).astype(np.float32)
        # Bands that are finer than bins share one.
        edges = LOWEST_HZ * (sample_rate / 2 / LOWEST_HZ) ** (np.arange(BANDS + 1) / BANDS)
        self._first = np.clip(np.round(edges * HOP / sample_rate).astype(int)[:-1], 1, HOP // 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._samples.close()
        self._columns.close()

    def write(self, block: Signal) -> None:
        """The next samples, (n,)."""
        self._samples.write(block.astype("<f4").tobytes())
        self._samples.flush()
        joined = np.concatenate([self._rest, block.astype(np.float32)])
        rows = joined[: len(joined) // HOP * HOP].reshape(-1, HOP)
        self._rest = joined[rows.size :]
        self._picture(rows)

    def finish(self) -> None:
        """The last column, which may be short."""
        if len(self._rest):
            self._picture(np.pad(self._rest, (0, HOP - len(self._rest)))[None])

    def _picture(self, rows: Signal) -> None:
        if not len(rows):
            return
        power = np.square(np.abs(np.fft.rfft(rows * self._window)) / (HOP / 4)) + 1e-13
        loudest = np.maximum.reduceat(power, self._first, axis=1)
        columns = np.zeros(len(rows), COLUMN)
        columns["low"], columns["high"] = rows.min(axis=1), rows.max(axis=1)
        columns["bands"] = np.clip(2 * (10 * np.log10(loudest) - FLOOR_DB), 0, 255)
        self._columns.write(columns.tobytes())
        self._columns.flush()


def columns_of(file: Path) -> Path:
    """Where the columns of a signal's picture are."""
    return file.with_name(file.name + ".columns")


def finished_mark(file: Path) -> Path:
    """What stands beside a signal that grows no more."""
    return file.with_name(file.name + ".finished")


def own_mid(side: Path) -> Path:
    """Where the mid is that a method made together with its side; empty where it left the mid alone."""
    return side.with_name(side.name + ".mid")


def length(file: Path) -> int:
    """Samples that are there already."""
    return file.stat().st_size // 4 if file.exists() else 0


class Growing:
    """A mid that another process still writes, as `in_step` reads a recording.

    Args:
        file: Of its samples.
        sample_rate: Hz.
    """

    def __init__(self, file: Path, sample_rate: int) -> None:
        self._file, self.sample_rate = file, sample_rate

    def mids(self) -> Iterator[Signal]:
        """Blocks up to the end, as they come."""
        while not self._file.exists():
            time.sleep(WAIT_SECONDS)
        with self._file.open("rb") as file:
            while True:
                finished = finished_mark(self._file).exists()
                data = file.read(4 * BLOCK)
                whole = data[: len(data) // 4 * 4]
                file.seek(len(whole) - len(data), 1)
                if whole:
                    yield np.frombuffer(whole, "<f4").astype(np.float64)
                elif finished:
                    return
                else:
                    time.sleep(WAIT_SECONDS)


def passage(file: Path, first: int, last: int) -> Signal:
    """Samples of a signal, (n,) float32; those before its start are silence."""
    with file.open("rb") as opened:
        opened.seek(4 * max(first, 0))
        read = np.frombuffer(opened.read(4 * (last - max(first, 0))), "<f4")
    return np.concatenate([np.zeros(max(-first, 0), np.float32), read])


def picture(file: Path, columns: int, first: int, last: int) -> bytes:
    """Of a passage: so many columns at most, each the extremes of several; rows of `COLUMN`."""
    if not columns_of(file).exists():
        return b""
    rows = np.fromfile(
        columns_of(file),
        COLUMN,
        count=-(-last // HOP) - first // HOP,
        offset=COLUMN.itemsize * (first // HOP),
    )
    if len(rows) > columns:
        starts = np.unique(np.arange(columns) * len(rows) // columns)
        merged = np.zeros(len(starts), COLUMN)
        merged["low"] = np.minimum.reduceat(rows["low"], starts)
        merged["high"] = np.maximum.reduceat(rows["high"], starts)
        merged["bands"] = np.maximum.reduceat(rows["bands"], starts, axis=0)
        rows = merged
    return rows.tobytes()

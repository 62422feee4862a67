"""A recording's mid and the side that is made of it, block by block, in step."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from mono2stereo.conversion.ahead import ahead
from mono2stereo.conversion.gain import Meter
from mono2stereo.conversion.reading import Recording
from mono2stereo.decorrelators.base import Decorrelator, stages_of
from mono2stereo.dsp.signals import Signal


def in_step(
    recording: Recording, decorrelator: Decorrelator, dtype: np.dtype[np.floating]
) -> Generator[tuple[Signal, Signal, Signal]]:
    """What was read, the mid that is made of it and the side, block by block, (n,) each, latency undone."""
    rate = recording.sample_rate
    streams = [decorrelator.stream(rate)]
    if decorrelator.changes_mid:
        streams.append(decorrelator.fold_down_stream(rate))
    early = [stream.latency_samples for stream in streams]
    queues: list[Signal] = [np.zeros(0), *[np.zeros(0, dtype)] * len(streams)]
    blocks = _held(recording.mids(), max(early))
    with_side: Generator[tuple[Signal, Any]] = ((block, block.astype(dtype)) for block in blocks)
    for stage in stages_of(streams[0]):
        with_side = ahead(_through(stage, with_side))
    with closing(with_side):
        for block, side in with_side:
            fresh = [side, *(stream.process(block.astype(dtype)) for stream in streams[1:])]
            queues[0] = np.concatenate([queues[0], block])
            for index, out in enumerate(fresh):
                skipped = min(early[index], len(out))
                early[index] -= skipped
                queues[1 + index] = np.concatenate([queues[1 + index], out[skipped:]])
            ready = min(map(len, queues))
            source, side, *mid = (queue[:ready] for queue in queues)
            queues = [queue[ready:] for queue in queues]
            yield source, mid[0] if mid else source, side


def _held(blocks: Iterator[Signal], samples: int) -> Iterator[Signal]:
    """Blocks, and the last sample as often again as the last of the side is late."""
    last = np.zeros(1)
    for block in blocks:
        yield block
        last = block[-1:]
    yield np.repeat(last, samples)


def _through(
    stage: Callable[[Any], Any], items: Generator[tuple[Signal, Any]]
) -> Generator[tuple[Signal, Any]]:
    with closing(items):
        for block, value in items:
            yield block, stage(value)


def metered(
    blocks: Generator[tuple[Signal, Signal, Signal]], meter: Meter
) -> Generator[tuple[Signal, Signal]]:
    """Mid and side, as the meter hears them go by."""
    for source, mid, side in blocks:
        meter.add(source, mid, side)
        yield mid, side


class Spool:
    """Columns of samples in a nameless file, which vanishes with the process.

    Args:
        folder: On whose disk; where the output goes there must be room anyway.
        dtype: Of the samples.
        columns: One for the side, two for side and mid.
    """

    def __init__(self, folder: Path, dtype: np.dtype[np.floating], columns: int) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115, closed when it is forgotten
        self._dtype, self._columns = dtype, columns

    def kept(self, pairs: Generator[tuple[Signal, Signal]]) -> Generator[tuple[Signal, Signal]]:
        """The same pairs, of each what `columns` asks for written down."""
        with closing(pairs):
            for mid, side in pairs:
                rows = np.stack([side, mid] if self._columns > 1 else [side], axis=1)
                self._file.write(rows.tobytes())
                yield mid, side

    def pairs(self, recording: Recording) -> Generator[tuple[Signal, Signal]]:
        """Mid and side; the mid is read again where it is the recording's own."""
        self._file.seek(0)
        for block in recording.mids():
            data = self._file.read(self._dtype.itemsize * self._columns * len(block))
            rows = np.frombuffer(data, self._dtype).reshape(-1, self._columns)
            yield rows[:, 1] if self._columns > 1 else block, rows[:, 0]

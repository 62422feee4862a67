"""Passages of recordings: what is rendered and what is measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# A decorrelator that remembers hears this much before the excerpt, so that it is not cold at its start.
RUN_IN_SECONDS = 1.0


class MidSide(Protocol):
    """A recording that passages are cut from, such as a `Pair`.

    Attributes:
        name: its own.
        sample_rate: in Hz.
        mid_side: (samples, 2), an array or what gives slices of it.
    """

    @property
    def name(self) -> str: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def mid_side(self) -> Any: ...


@dataclass(frozen=True)
class Excerpt:
    """A passage of a recording.

    Attributes:
        name: unique among those chosen together.
        track: the track's own name.
        start_seconds: where in the track it begins.
        run_in: mid before the passage, (samples,), perhaps none.
        mid: (samples,).
        side: the recording's own, (samples,).
        sample_rate: in Hz.
    """

    name: str
    track: str
    start_seconds: float
    run_in: NDArray[np.float32]
    mid: NDArray[np.float32]
    side: NDArray[np.float32]
    sample_rate: int


def cut_excerpt(recording: MidSide, start: int, samples: int, *, name: str) -> Excerpt:
    """Read `samples` samples of a recording from the sample `start` on, and what sounds just before them."""
    rate = recording.sample_rate
    run_in = min(start, round(RUN_IN_SECONDS * rate))
    passage = np.array(recording.mid_side[start - run_in : start + samples])
    return Excerpt(
        name=name,
        track=recording.name,
        start_seconds=start / rate,
        run_in=passage[:run_in, 0].copy(),
        mid=passage[run_in:, 0].copy(),
        side=passage[run_in:, 1].copy(),
        sample_rate=rate,
    )


def fit_for_a_file(track: str) -> str:
    """What of a name is safe on any file system, at most 40 characters."""
    return re.sub(r"[^\w.]+", "-", track).strip("-.")[:40] or "track"

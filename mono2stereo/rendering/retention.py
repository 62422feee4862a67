"""How much sound leaves the report folder: it has everything, a store of many runs or one page cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from mono2stereo.rendering.render import RenderedExcerpt

MOST_CHECKPOINTS = 10
MOST_BYTES = 500_000_000

Step = TypeVar("Step")


@dataclass(frozen=True)
class Kept(Generic[Step]):
    """Excerpts count from the first; of each, what it always has and the checkpoints of these steps."""

    excerpts: int
    steps: frozenset[Step]


def evenly_spaced(
    steps: Sequence[Step],
    *,
    always: Sequence[int],
    each: Sequence[int],
    most_bytes: int,
    most_checkpoints: int = MOST_CHECKPOINTS,
) -> Kept[Step]:
    """As many checkpoints as both limits allow, evenly spaced, the last always; fewer excerpts if need be.

    Args:
        steps: ascending, at least one.
        always: bytes of what each excerpt has besides checkpoints.
        each: bytes of one checkpoint of each excerpt.
        most_bytes: upper limit of all.
        most_checkpoints: upper limit.
    """
    counts = range(1, len(each) + 1)
    excerpts = sum(sum(each[:count]) + sum(always[:count]) <= most_bytes for count in counts)
    if not excerpts:
        return Kept(0, frozenset())
    room = (most_bytes - sum(always[:excerpts])) // sum(each[:excerpts])
    every = -(-len(steps) // min(most_checkpoints, room))
    return Kept(excerpts, frozenset(steps[::-every]))


def audio_to_keep(
    rendered: Sequence[RenderedExcerpt],
    folder: Path,
    *,
    most_checkpoints: int = MOST_CHECKPOINTS,
    most_bytes: int = MOST_BYTES,
) -> Kept[int]:
    """Which WAVs a tracking run keeps.

    Args:
        rendered: at least one excerpt.
        folder: what it was rendered into.
        most_checkpoints: upper limit.
        most_bytes: upper limit of all WAVs together.
    """
    last_checkpoints = [excerpt.checkpoints[-1] for excerpt in rendered]
    return evenly_spaced(
        [checkpoint.step for checkpoint in rendered[0].checkpoints],
        always=[_size(folder, excerpt.original) for excerpt in rendered],
        each=[_size(folder, last.mono) + _size(folder, last.stereo) for last in last_checkpoints],
        most_bytes=most_bytes,
        most_checkpoints=most_checkpoints,
    )


def _size(folder: Path, file: Path) -> int:
    return (folder / file).stat().st_size

"""Which rendered WAVs a tracking run keeps: the report folder has them all, a store of many runs cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mono2stereo.evaluation.rendering import RenderedExcerpt

MOST_CHECKPOINTS = 10
MOST_BYTES = 500_000_000


@dataclass(frozen=True)
class KeptAudio:
    """Excerpts count from the first; of each, its recording and the checkpoints of these steps."""

    excerpts: int
    steps: frozenset[int]


def audio_to_keep(
    rendered: Sequence[RenderedExcerpt],
    folder: Path,
    *,
    most_checkpoints: int = MOST_CHECKPOINTS,
    most_bytes: int = MOST_BYTES,
) -> KeptAudio:
    """As many checkpoints as both limits allow, evenly spaced, the last always; fewer excerpts if need be.

    Args:
        rendered: at least one excerpt.
        folder: what it was rendered into.
        most_checkpoints: upper limit.
        most_bytes: upper limit of all WAVs together.
    """
    last = [one.checkpoints[-1] for one in rendered]
    pairs = [_size(folder, one.mono) + _size(folder, one.stereo) for one in last]
    originals = [_size(folder, one.original) for one in rendered]
    excerpts = sum(
        sum(pairs[:count]) + sum(originals[:count]) <= most_bytes for count in range(1, len(rendered) + 1)
    )
    if not excerpts:
        return KeptAudio(0, frozenset())
    room = (most_bytes - sum(originals[:excerpts])) // sum(pairs[:excerpts])
    steps = [checkpoint.step for checkpoint in rendered[0].checkpoints]
    every = -(-len(steps) // min(most_checkpoints, room))
    return KeptAudio(excerpts, frozenset(steps[::-every]))


def _size(folder: Path, file: Path) -> int:
    return (folder / file).stat().st_size

"""Is the input ever the bottleneck? A step on drawn clips beside the same step on one constant batch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.compare import Candidate, record, rows, size, time_in_turn
from benchmarks.gan_step import make_step
from mono2stereo.data.pairs import PairEntry, write_index

SECONDS, TRACKS, BATCH = size((60, 8, 4), (3, 2, 2))
RATE, CLIP, CROP = 22050, 31900, 22620


def write_tracks(folder: Path) -> None:
    """Noise in the layout preprocess writes."""
    entries = []
    for number in range(TRACKS):
        n = RATE * SECONDS
        file = f"train/{number}.npy"
        (folder / "train").mkdir(exist_ok=True)
        noise = 0.1 * np.random.default_rng(number).standard_normal((n, 2), np.float32)
        np.save(folder / file, noise)
        entries.append(
            PairEntry(
                name=str(number), split="train", file=file, samples=n, side_to_mid_db=0.0,
                mid_level_bands=[0.1] * 80, side_level_bands=[0.1] * 80,
            )
        )  # fmt: skip
    write_index(folder, RATE, entries)


def step(*, folder: str, constant: bool) -> Callable[[], object]:
    """One step, its batch drawn anew or always the same."""
    from mono2stereo.data.batches import batches
    from mono2stereo.data.clips import ClipDrawer
    from mono2stereo.data.pairs import load_pairs

    step = make_step(width=0.0625, crop=CROP, bins=65)
    span = step.gan.model.span(CLIP)
    drawer = ClipDrawer(
        load_pairs(folder, "train"), sample_rate=RATE, clip_samples=CLIP,
        real_span=slice(span.stop - CROP, span.stop), real="side", real_level="bands",
    )  # fmt: skip
    drawn = iter(batches(drawer, seed=0, steps=range(1, 10**6), places=range(BATCH)))
    same = next(drawn)
    return lambda: step.train(*(same if constant else next(drawn)))


def main() -> None:
    """Time, print and record."""
    with tempfile.TemporaryDirectory() as folder:
        write_tracks(Path(folder))
        candidates = {
            name: Candidate("benchmarks.input_pipeline:step", {"folder": folder, "constant": constant})
            for name, constant in (("ours", False), ("constant", True))
        }
        record(rows("input_pipeline", time_in_turn(candidates, rounds=15, calls=3)))


if __name__ == "__main__":
    main()

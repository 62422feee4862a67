"""Does a live stream keep up? Median and worst time of a block beside its duration, on one core."""

from __future__ import annotations

import gc
import json
import os
import time

import numpy as np

import mono2stereo
from benchmarks.compare import RESULTS, SMALL
from mono2stereo.conversion import Width, WidthCurve

SAMPLE_RATE, SECONDS, WARM_UP_SECONDS = 44100, 1 if SMALL else 20, 1
BLOCKS = (64, 256, 1024)
WIDTH = Width(curve=WidthCurve([50.0, 200.0, 2000.0, 20000.0], [-20.0, -12.0, -8.0, -4.0]))


def block_seconds(size: int) -> np.ndarray:
    """How long each block of `size` samples takes, (blocks,), every filter and the limiter at work."""
    stream = mono2stereo.stream(sample_rate=SAMPLE_RATE, width=WIDTH)
    noise = np.random.default_rng(size).standard_normal((WARM_UP_SECONDS + SECONDS) * SAMPLE_RATE)
    blocks = (0.3 * noise).astype(np.float32)[: len(noise) // size * size].reshape(-1, size)
    taken = []
    gc.disable()
    for block in blocks:
        began = time.perf_counter()
        stream.process(block)
        taken.append(time.perf_counter() - began)
    gc.enable()
    return np.array(taken[WARM_UP_SECONDS * SAMPLE_RATE // size :])


def main() -> None:
    """Measure, print and record."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    latency = mono2stereo.stream(sample_rate=SAMPLE_RATE, width=WIDTH).latency_samples
    figures = []
    for size in BLOCKS:
        duration, taken = size / SAMPLE_RATE, block_seconds(size)
        figures.append(
            {
                "block_samples": size,
                "duration_ms": round(1e3 * duration, 3),
                "median_ms": round(1e3 * float(np.median(taken)), 3),
                "worst_ms": round(1e3 * float(taken.max()), 3),
                "late_blocks": int(np.sum(taken > duration)),
                "blocks": len(taken),
                "load": round(float(taken.sum() / (duration * len(taken))), 4),
            }
        )
        print(", ".join(f"{key} {value}" for key, value in figures[-1].items()), flush=True)
    print(f"latency {latency} samples, {1e3 * latency / SAMPLE_RATE:.1f} ms at {SAMPLE_RATE} Hz")
    path = RESULTS.with_name("streaming.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {"sample_rate": SAMPLE_RATE, "latency_samples": latency, "blocks": figures}
    path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

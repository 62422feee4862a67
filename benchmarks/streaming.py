"""Does a live stream keep up? What a block takes beside what it lasts, on one core.

Two loops tell what of it is the machine's. One does nothing but look at the clock: it is stopped as well, by
other processes and by the machine itself. The other does the same work over and over, the network on one
frame, and takes now and then twice as long where a machine has neighbours. Where a block is late no more
often than either would be in the stream's place, the stream is not to blame. Nor is it where a late block's
own processor time was shorter than the block.
"""

from __future__ import annotations

import gc
import json
import os
import time

import numpy as np

import mono2stereo
from benchmarks.compare import RESULTS, SMALL
from mono2stereo.conversion import Width, WidthCurve
from mono2stereo.decorrelators.neural import NeuralDecorrelator

SAMPLE_RATE, SECONDS, WARM_UP_SECONDS = 44100, 1 if SMALL else 20, 1
BLOCKS = (64, 256, 1024)
WIDTH = Width(curve=WidthCurve([50.0, 200.0, 2000.0, 20000.0], [-20.0, -12.0, -8.0, -4.0]))


def block_seconds(size: int) -> np.ndarray:
    """How long each block of `size` samples takes, every filter and the limiter at work.

    Returns:
        (2, blocks): by the clock, and of processor time.
    """
    stream = mono2stereo.stream(sample_rate=SAMPLE_RATE, width=WIDTH)
    noise = np.random.default_rng(size).standard_normal((WARM_UP_SECONDS + SECONDS) * SAMPLE_RATE)
    blocks = (0.3 * noise).astype(np.float32)[: len(noise) // size * size].reshape(-1, size)
    taken = []
    gc.disable()
    for block in blocks:
        began, busy = time.perf_counter(), time.thread_time()
        stream.process(block)
        taken.append((time.perf_counter() - began, time.thread_time() - busy))
    gc.enable()
    return np.array(taken[WARM_UP_SECONDS * SAMPLE_RATE // size :]).T


def idle_pauses(blocks: int, seconds: float) -> np.ndarray:
    """For how long a loop that only looks at the clock stands still at most, in each of so many `seconds`."""
    pauses = np.zeros(blocks)
    for block in range(blocks):
        start = last = time.perf_counter()
        while last - start < seconds:
            now = time.perf_counter()
            pauses[block], last = max(pauses[block], now - last), now
    return pauses


def same_work_seconds(runs: int) -> np.ndarray:
    """How long the network takes for one frame, each time the same, on a core that it has to itself."""
    model = NeuralDecorrelator.load(threads=1)
    frame, states = np.ones((1, 2 * model.card.stft.n_bins), np.float32), model._silent_states
    taken = np.empty(runs)
    for run in range(runs):
        began = time.perf_counter()
        model._run(frame, states)
        taken[run] = time.perf_counter() - began
    return taken


def milliseconds(taken: np.ndarray) -> dict[str, float]:
    """Median, 99.9 % and worst."""
    quantiles = {"median_ms": 0.5, "most_ms": 0.999, "worst_ms": 1.0}
    return {key: round(1e3 * float(np.quantile(taken, share)), 3) for key, share in quantiles.items()}


def main() -> None:
    """Measure, print and record."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    latency = mono2stereo.stream(sample_rate=SAMPLE_RATE, width=WIDTH).latency_samples
    figures = []
    for size in BLOCKS:
        duration, (taken, own) = size / SAMPLE_RATE, block_seconds(size)
        busy = float(np.median(taken))
        pauses = idle_pauses(len(taken), busy)
        same = busy * (work := same_work_seconds(len(taken))) / np.median(work)
        idle = {f"idle_{key}": value for key, value in milliseconds(pauses).items()}
        figures.append(
            {
                "block_samples": size,
                "duration_ms": round(1e3 * duration, 3),
                **milliseconds(taken),
                "late_blocks": int(np.sum(taken > duration)),
                "late_by_own_time": int(np.sum(own > duration)),
                **idle,
                "idle_late_blocks": int(np.sum(busy + pauses > duration)),
                **{f"same_{key}": value for key, value in milliseconds(same).items()},
                "same_late_blocks": int(np.sum(same > duration)),
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

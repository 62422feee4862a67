"""Does memory grow? Resident size after 2 000 steps beside that after 200, on a small GAN."""

from __future__ import annotations

import json

import psutil

from benchmarks.compare import RESULTS, size
from benchmarks.gan_step import make_step

EARLY, LATE = size((200, 2000), (2, 20))


def main() -> None:
    """Measure, print and record."""
    import tensorflow as tf

    step = make_step(width=0.03125, crop=5120, bins=65, filters=4)
    sizes = {}
    for number in range(1, LATE + 1):
        mid = 0.1 * tf.random.stateless_normal((1, 9280 + 5120), (number, 0))
        step.train(mid, mid[:, -5120:])
        if number in (EARLY, LATE):
            sizes[number] = psutil.Process().memory_info().rss
    growth = sizes[LATE] / sizes[EARLY] - 1
    print(f"memory: {growth:+.2%} from step {EARLY} to {LATE}, {sizes[LATE] / 2**20:.0f} MiB")
    figures = {"early_step": EARLY, "late_step": LATE, "growth": round(growth, 5)}
    path = RESULTS.with_name("memory.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

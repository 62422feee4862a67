"""Do the measures order methods as a published listening test does?

`python -m benchmarks.published_orderings` writes reports/benchmark/published_orderings.md. Of S. J. Schlecht
et al., "Optimized Velvet-Noise Decorrelator", DAFx-18, the four sequences of the test, 30 ms long and
decaying by 60 dB: white noise, velvet noise, and the latter optimised with 30 and with 15 pulses. Their
listeners found the optimised ones colourless, and truer to the signal's spectrum than white noise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.signal

from benchmarks.compare import size
from benchmarks.degradations import RATE, REPORT, song
from mono2stereo.decorrelators.optimized_velvet import OptimizedVelvet
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.files import atomic_path
from mono2stereo.measures import take_measures
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis
from mono2stereo.paired_statistics import mean_interval

SEEDS = size(range(20), range(2))
MEASURED = ("colour_db", "log_mel_db")


def white_noise(seed: int) -> np.ndarray:
    """Gaussian noise of 30 ms that decays by 60 dB, (taps,), of energy one."""
    taps = round(0.03 * RATE)
    response = np.random.default_rng(seed).standard_normal(taps) * 10 ** (-3 * np.arange(taps) / taps)
    return response / np.linalg.norm(response)


SEQUENCES: dict[str, Callable[[int], np.ndarray]] = {
    "white noise": white_noise,
    "velvet noise, 30 pulses": lambda seed: Velvet(seed=seed).impulse_response(RATE),
    "optimised, 30 pulses": lambda seed: OptimizedVelvet(seed=seed).impulse_response(RATE),
    "optimised, 15 pulses": lambda seed: OptimizedVelvet(pulses=15, seed=seed).impulse_response(RATE),
}


def measured(sequence: Callable[[int], np.ndarray]) -> list[dict[str, float]]:
    """A reading for each seed, which draws the sequence and the song."""
    readings = []
    for seed in SEEDS:
        mid = song(seed)
        side = scipy.signal.fftconvolve(mid, sequence(seed))[: len(mid)].astype(np.float32)
        stretch = SideAnalysis(SignalAnalysis(mid, RATE), SignalAnalysis(side, RATE))
        readings.append(take_measures(stretch, MEASURED).values)
    return readings


def main() -> None:
    """Measure every sequence and write the table."""
    lines = [
        "# Sequences of a published listening test",
        "",
        f"`python -m benchmarks.published_orderings`: {len(SEEDS)} draws of each, each on a synthetic",
        "song of its own; means with 95 % intervals.",
        "",
        f"| 30 ms, −60 dB | {' | '.join(MEASURED)} |",
        "| --- " + "| ---: " * len(MEASURED) + "|",
    ]
    for name, sequence in SEQUENCES.items():
        readings = measured(sequence)
        intervals = (mean_interval([each[measure] for each in readings], seed=0) for measure in MEASURED)
        cells = (f"{mean:.2f} [{low:.2f}, {high:.2f}]" for mean, low, high in intervals)
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    with atomic_path(REPORT / "published_orderings.md") as beside:
        beside.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

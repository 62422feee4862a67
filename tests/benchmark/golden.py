"""`python tests/benchmark/golden.py` writes golden.json: five signals made stereo by four methods.

A number that changes is a changed protocol: raise `versions.BENCHMARK_PROTOCOL`, then write anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from mono2stereo.benchmark.protocol import RATE
from mono2stereo.benchmark.taking import analyse_made, at_measured_rate
from mono2stereo.data.excerpts import Excerpt
from mono2stereo.decorrelators.classical import CLASSICAL
from mono2stereo.evaluation.measuring import stereo_of_stretch
from mono2stereo.evaluation.points import Point
from mono2stereo.measures import take_measures
from mono2stereo.versions import BENCHMARK_PROTOCOL, MEASURES_VERSION

FILE = Path(__file__).with_name("golden.json")
METHODS = ("lauridsen", "haas", "velvet", "turned_phases")
SECONDS = {"chords": 10.0, "noise": 4.0, "saw": 4.0, "clicks": 4.0, "sweep": 4.0}


def signals() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mid and own side by name, float32."""
    random, made = np.random.default_rng(0), {}
    for name, seconds in SECONDS.items():
        t = np.arange(round(seconds * RATE)) / RATE
        hz = random.uniform(100, 3000, 6)
        mid = {
            "chords": lambda t=t, hz=hz: (
                sum(np.sin(2 * np.pi * f * t) for f in hz) * np.exp(-6 * (t % 0.5)) / 20
            ),
            "noise": lambda t=t: random.standard_normal(len(t)) / 10,
            "saw": lambda t=t: sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 45)) / 10,
            "clicks": lambda t=t: (t % 0.25 < 0.002) * random.standard_normal(len(t)) / 3,
            "sweep": lambda t=t: 0.1 * np.sin(2 * np.pi * 50 * (np.exp(1.3 * t) - 1) / 1.3),
        }[name]()
        side = 0.3 * np.roll(mid, 500) + 0.03 * random.standard_normal(len(t))
        floor = 1e-3 * random.standard_normal(len(t))
        made[name] = (mid + floor).astype(np.float32), side.astype(np.float32)
    return made


def measured() -> dict[str, dict[str, float]]:
    """By signal and method every measure, rounded."""
    numbers = {}
    for name, (mid, side) in signals().items():
        excerpt = Excerpt(name, name, 0.0, mid[:0], mid, side, RATE)
        source, own = at_measured_rate(mid), at_measured_rate(side)
        for method in METHODS:
            stereo = stereo_of_stretch(Point(method, method, CLASSICAL[method](), in_full=True), excerpt)
            values = take_measures(analyse_made(stereo, source, own)).values
            numbers[f"{name}, {method}"] = {key: round(value, 4) for key, value in values.items()}
    return numbers


def versions() -> dict[str, int]:
    """What promises these numbers."""
    return {"protocol": BENCHMARK_PROTOCOL, "measures": MEASURES_VERSION}


if __name__ == "__main__":
    FILE.write_text(json.dumps(versions() | {"numbers": measured()}, indent=0) + "\n")

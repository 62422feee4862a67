"""What is usual: the middle half of the default model's training recordings, by measure.

`stages/adopt.py` writes it beside the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from mono2stereo.measures import OF_A_FILE, Readings

USUAL = Path(__file__).parents[1] / "weights" / "recordings.json"
Range = tuple[float, float]


@cache
def usual_ranges() -> Mapping[str, Range]:
    """First and third quartile over the recordings, by measure."""
    told = json.loads(USUAL.read_text(encoding="utf-8"))["quartiles"]
    return {name: (low, high) for name, (low, high) in told.items()}


def as_json(readings: Sequence[Readings]) -> str:
    """What `usual_ranges` reads, of a recording each; a measure that few of them have is left out.

    >>> three = [Readings({"log_mel_db": value}) for value in (1.0, 2.0, 3.0)]
    >>> json.loads(as_json(three))
    {'recordings': 3, 'quartiles': {'log_mel_db': [1.5, 2.5]}}
    """
    known = {name: [each.values[name] for each in readings if name in each.values] for name in OF_A_FILE}
    quartiles = {
        name: [round(float(value), 4) for value in np.percentile(values, (25, 75))]
        for name, values in known.items()
        if 2 * len(values) > len(readings)
    }
    return json.dumps({"recordings": len(readings), "quartiles": quartiles}, indent=1) + "\n"

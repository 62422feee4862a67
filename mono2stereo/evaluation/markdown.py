"""Numbers and tables as Markdown, the same in every report of measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mono2stereo.measures import MEASURES


def number(value: float, measure: str, sign: str = "") -> str:
    """With the measure's own decimals; a dash where it is undefined."""
    return "–" if np.isnan(value) else f"{value:{sign}.{MEASURES[measure].decimals}f}"


def with_interval(row: Mapping[Any, Any], measure: str, sign: str = "") -> str:
    """A mean and, in brackets, the ends of its interval, from `<measure>`, `<measure>_low` and `_high`."""
    mean, low, high = (number(row[measure + end], measure, sign) for end in ("", "_low", "_high"))
    return mean if "–" in (low, high) else f"{mean} [{low}, {high}]"


def heading(measure: str) -> str:
    """A measure's column heading."""
    return MEASURES[measure].heading


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> str:
    """All columns but the first `texts` to the right."""
    rules = ["---"] * texts + ["---:"] * (len(headings) - texts)
    return "\n".join(f"| {' | '.join(line)} |" for line in (headings, rules, *rows))


def hertz(hz: float) -> str:
    """A centre frequency as bands are called.

    >>> hertz(125.9), hertz(1995.3)
    ('125 Hz', '2 kHz')
    """
    nominal = {63: "63", 126: "125", 251: "250", 501: "500"}
    return f"{nominal.get(round(hz), f'{hz:.0f}')} Hz" if hz < 999 else f"{round(hz / 1000):d} kHz"

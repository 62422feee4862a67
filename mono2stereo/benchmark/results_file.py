"""results.json: all that the benchmark found, for programs, as `results.schema.json` describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mono2stereo.benchmark.outcome import Outcome
from mono2stereo.benchmark.protocol import MEASURED_AT, RATE, SEED, STRETCH_SECONDS
from mono2stereo.errors import DataError
from mono2stereo.measures import MEASURES, SWEPT
from mono2stereo.versions import BENCHMARK_PROTOCOL, BENCHMARK_RESULTS, MEASURES_VERSION

SCHEMA = Path(__file__).with_name("results.schema.json")
DECIMALS = 6


@dataclass(frozen=True)
class Results:
    """What `compare` needs of a results.json.

    Attributes:
        file: it.
        protocol: version.
        measures: version.
        stretches: per recording, at most.
        recordings: hash by name.
        values: by method and measure, a value per recording's hash.
    """

    file: Path
    protocol: int
    measures: int
    stretches: int
    recordings: Mapping[str, str]
    values: Mapping[str, Mapping[str, Mapping[str, float]]]


def as_json(outcome: Outcome) -> str:
    """The whole file; numbers that are not known are null."""
    told = {
        "format": BENCHMARK_RESULTS,
        "protocol": BENCHMARK_PROTOCOL,
        "measures": MEASURES_VERSION,
        "package": metadata.version("mono2stereo"),
        "settings": {
            "stretches_per_recording": outcome.stretches_per_recording,
            "stretch_seconds": STRETCH_SECONDS,
            "sample_rate": RATE,
            "measured_at": MEASURED_AT,
            "seed": SEED,
            "reference": outcome.reference,
        },
        "recordings": [
            {
                "name": material.name,
                "sha256": material.sha256,
                "starts_seconds": [round(start, 3) for start in material.starts_seconds],
                "left_out": material.left_out,
            }
            for material in outcome.material
        ],
        "methods": [_method(outcome, str(method), row) for method, row in outcome.methods.iterrows()],
        "settings_swept": [
            {
                "method": row["method"],
                "setting": row["setting"],
                "unnatural": row["unnatural"].split(),
                "less_natural": row["less_natural"].split(),
                "measures": {name: _number(row[name]) for name in SWEPT},
            }
            for _, row in outcome.trade_off.iterrows()
        ],
        "comparisons": [
            {name: value if isinstance(value, str) else _number(value) for name, value in row.items()}
            for row in outcome.comparisons.to_dict("records")
        ],
    }
    return json.dumps(told, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _method(outcome: Outcome, method: str, row: pd.Series) -> dict[str, Any]:
    entry = next(
        candidate
        for candidate in outcome.entries
        if candidate.point.method == method and candidate.point.in_full
    )
    own = outcome.recordings
    own = own[(own["method"] == method) & (own["setting"] == row["setting"])]
    peak = _number(row["peak_bytes"])
    return {
        "method": method,
        "kind": row["kind"],
        "setting": row["setting"],
        "version": entry.version,
        "command": entry.command,
        "digests": entry.digests,
        "keeps_mid": bool(row["keeps_mid"]),
        "unnatural": row["unnatural"].split(),
        "less_natural": row["less_natural"].split(),
        "real_time_factor": _number(row["real_time_factor"]),
        "peak_bytes": None if peak is None else int(peak),
        "recordings": int(row["tracks"]),
        "reasons": sorted(set(own["reason"]) - {""}),
        "measures": {
            name: {
                "mean": _number(row[name]),
                "low": _number(row[f"{name}_low"]),
                "high": _number(row[f"{name}_high"]),
                "recordings": [_number(value) for value in own[name]],
            }
            for name in MEASURES
        },
    }


def _number(value: Any) -> float | None:
    return round(float(value), DECIMALS) if value is not None and np.isfinite(value) else None


def read_results(file: Path) -> Results:
    """What `as_json` wrote.

    Raises:
        DataError: no such file, no results of the benchmark, or of another format.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if told["format"] != BENCHMARK_RESULTS:
            raise DataError(
                f"{file}: format {told['format']}, not {BENCHMARK_RESULTS}; read it with its release"
            )
        measured = [recording for recording in told["recordings"] if not recording["left_out"]]
        values = {
            method["method"]: {
                name: {
                    recording["sha256"]: float(value)
                    for recording, value in zip(measured, measure["recordings"], strict=True)
                    if value is not None
                }
                for name, measure in method["measures"].items()
                if name in MEASURES
            }
            for method in told["methods"]
        }
        recordings = {recording["name"]: recording["sha256"] for recording in measured}
        stretches = int(told["settings"]["stretches_per_recording"])
        return Results(file, int(told["protocol"]), int(told["measures"]), stretches, recordings, values)
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f"{file}: no such file") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{file}: no results.json of the benchmark") from None

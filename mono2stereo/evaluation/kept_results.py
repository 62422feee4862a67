"""What classical methods and own sides measured before, so that the next experiment measures its model alone.

A file per stretch, named by what decides the numbers: the code, the libraries that compute,
the audio and the settings.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.evaluation.points import NOT_INSTALLED, Point, Result
from mono2stereo.files import atomic_path
from mono2stereo.hashes import code_hash, imported_files, short_hash
from mono2stereo.measures import Readings

MOST_FILES = 2000  # some 150 kB each; the oldest go
DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


def kept_or_measured(
    folder: Path | None,
    stretch: Excerpt,
    points: Sequence[Point],
    measure: Callable[[Excerpt, Sequence[Point]], list[Result]],
) -> list[Result]:
    """Results of points that are the same in every experiment, from `folder` where they lie there.

    Args:
        folder: None keeps nothing.
        stretch: what they are measured on.
        points: no models.
        measure: makes the results.
    """
    if folder is None:
        return measure(stretch, points)
    file = folder / f"{_name(stretch, points)}.npz"
    try:
        results = _read(file)
        os.utime(file)
    except DAMAGED:
        results = measure(stretch, points)
        if not any(
            NOT_INSTALLED in reason for result in results for reason in result.readings.reasons.values()
        ):
            _write(file, results)
            _bound(folder)
    return results


def _name(stretch: Excerpt, points: Sequence[Point]) -> str:
    settings = [(point.method, point.setting, point.in_full, point.missing) for point in points]
    told = json.dumps([stretch.name, stretch.track, stretch.sample_rate, settings]).encode()
    audio = (np.ascontiguousarray(part).tobytes() for part in (stretch.run_in, stretch.mid, stretch.side))
    return f"{code_version('mono2stereo.evaluation.measuring')}-{short_hash(told, *audio)}"


@cache
def code_version(module: str) -> str:
    """Changes with the code that a module runs and with the libraries that compute."""
    code = code_hash(imported_files(module))
    return short_hash(code.encode(), *(metadata.version(name).encode() for name in ("numpy", "scipy")))


def _write(file: Path, results: Sequence[Result]) -> None:
    told = [asdict(replace(result, curves={})) for result in results]
    curves: dict[str, Any] = {
        f"{number}/{name}": curve
        for number, result in enumerate(results)
        for name, curve in result.curves.items()
    }
    with atomic_path(file) as partial_path:
        np.savez_compressed(partial_path, told=np.array(json.dumps(told)), **curves)


def _read(file: Path) -> list[Result]:
    with np.load(file) as kept:
        curves: dict[int, dict[str, np.ndarray]] = {}
        for key in kept.files:
            number, _, name = key.partition("/")
            if name:
                curves.setdefault(int(number), {})[name] = kept[key]
        return [
            Result(**row | {"readings": Readings(**row["readings"]), "curves": curves.get(number, {})})
            for number, row in enumerate(json.loads(str(kept["told"])))
        ]


def _bound(folder: Path) -> None:
    by_age = sorted(folder.glob("*.npz"), key=lambda file: file.stat().st_mtime_ns)
    for file in by_age[:-MOST_FILES]:
        file.unlink(missing_ok=True)

"""What listeners said: result files of the blind test, read, joined and averaged."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from mono2stereo.errors import DataError
from mono2stereo.versions import LISTENING_RESULTS

FORMAT = LISTENING_RESULTS
SCALES = ("quality", "width")


@dataclass(frozen=True)
class Session:
    """One person's ratings of one test.

    Attributes:
        page: tells the pages apart that were listened to.
        session: drawn by the page; the JSON and the CSV of one test have the same.
        listener: as they named themselves, perhaps empty.
        ratings: (stimulus, excerpt, quality, width) of each version rated.
    """

    page: str
    session: str
    listener: str
    ratings: tuple[tuple[str, str, float, float], ...]


@dataclass(frozen=True)
class Score:
    """Mean rating of one stimulus on one scale, over listeners.

    Attributes:
        stimulus: its key on the page.
        scale: quality or width.
        listeners: who rated it.
        ratings: of all listeners and excerpts.
        mean: of the listeners' means over excerpts, 0 to 100.
        low: lower end of the 95 % interval, NaN with one listener.
        high: upper end.
    """

    stimulus: str
    scale: str
    listeners: int
    ratings: int
    mean: float
    low: float
    high: float


def read_sessions(files: Sequence[Path]) -> list[Session]:
    """Read result files, JSON or CSV; a session that comes twice counts once.

    Raises:
        DataError: a file is no result of the blind test, or of another page than the first.
    """
    sessions: dict[str, tuple[Path, Session]] = {}
    for file in files:
        session = _read(file)
        first_file, first = next(iter(sessions.values()), (file, session))
        if session.page != first.page:
            raise DataError(
                f"{file}: of page {session.page}, {first_file} is of page {first.page}; "
                "their versions differ: evaluate them apart"
            )
        known_file, known = sessions.setdefault(session.session, (file, session))
        if known.ratings != session.ratings:
            raise DataError(f"{file}: the same session as {known_file} with other ratings; keep one of them")
    return [session for _, session in sessions.values()]


def scores(sessions: Iterable[Session]) -> list[Score]:
    """Mean and 95 % interval of every stimulus on both scales, in descending order of quality.

    A listener is one observation: the ratings of several excerpts are averaged first, because one person's
    ratings resemble each other. The interval is Student's, cut to the scale.
    """
    ratings: dict[tuple[str, str], dict[str, list[float]]] = {}
    for session in sessions:
        for stimulus, _, *values in session.ratings:
            for scale, rating in zip(SCALES, values, strict=True):
                ratings.setdefault((scale, stimulus), {}).setdefault(session.session, []).append(rating)
    rows = []
    for (scale, stimulus), by_listener in ratings.items():
        means = [float(np.mean(values)) for values in by_listener.values()]
        number = sum(len(values) for values in by_listener.values())
        rows.append(Score(stimulus, scale, len(means), number, *interval(means)))
    return sorted(rows, key=lambda score: (SCALES.index(score.scale), -score.mean, score.stimulus))


def interval(means: Sequence[float]) -> tuple[float, float, float]:
    """Mean of one value per listener and its 95 % interval, within 0 … 100.

    >>> [round(value, 1) for value in interval([40.0, 50.0, 60.0])]
    [50.0, 25.2, 74.8]
    """
    mean, number = float(np.mean(means)), len(means)
    if number < 2:
        return mean, math.nan, math.nan
    half = float(scipy.stats.t.ppf(0.975, number - 1) * np.std(means, ddof=1) / np.sqrt(number))
    return mean, max(0.0, mean - half), min(100.0, mean + half)


def as_json(rows: Sequence[Score]) -> str:
    """All scores as JSON; an interval that cannot be is null."""
    scores = [
        {name: None if value != value else value for name, value in asdict(score).items()} for score in rows
    ]
    return json.dumps(scores, indent=1, allow_nan=False)


def as_text(rows: Sequence[Score]) -> str:
    """A table per scale, for a terminal."""
    lines = []
    widest = max(len(score.stimulus) for score in rows)
    for scale in SCALES:
        lines += ["", f"{scale:<{widest}}  mean   95 % interval  listeners  ratings"]
        for score in (row for row in rows if row.scale == scale):
            ends = "–" if math.isnan(score.low) else f"{score.low:.1f} … {score.high:.1f}"
            lines.append(
                f"{score.stimulus:<{widest}}  {score.mean:4.1f}  {ends:>14}  "
                f"{score.listeners:>9}  {score.ratings:>7}"
            )
    return "\n".join(lines[1:])


def _read(file: Path) -> Session:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f"{file}: no such file") from None
    except UnicodeDecodeError:
        raise DataError(
            f"{file}: no result of the blind test; give JSON or CSV that the page saved"
        ) from None
    try:
        result = json.loads(text) if text.lstrip().startswith("{") else _from_csv(text)
        if result["format"] != FORMAT:
            raise DataError(
                f"{file}: format {result['format']}, not {FORMAT}; read it with the release that made it"
            )
        ratings = tuple(
            (
                str(rating["stimulus"]),
                str(rating["excerpt"]),
                *(_on_the_scale(rating[scale]) for scale in SCALES),
            )
            for rating in result["ratings"]
        )
        if not ratings:
            raise ValueError
        return Session(str(result["page"]), str(result["session"]), str(result["listener"]), ratings)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{file}: no result of the blind test; give JSON or CSV that the page saved"
        ) from None


def _from_csv(text: str) -> dict[str, Any]:
    rows = list(csv.DictReader(text.splitlines(keepends=True)))
    if not rows:
        raise ValueError
    return {**rows[0], "ratings": rows}


def _on_the_scale(value: Any) -> float:
    rating = float(value)
    if not 0 <= rating <= 100:
        raise ValueError
    return rating

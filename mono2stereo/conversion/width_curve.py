"""How wide a recording is per frequency: curves of side against mid."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError

_NUMBER = r"-?\d+(\.\d+)?"
POINTS = re.compile(rf"{_NUMBER}:{_NUMBER}(,{_NUMBER}:{_NUMBER})*")


@dataclass(frozen=True)
class WidthCurve:
    """Side against mid in dB at rising frequencies; straight between them over log frequency, held outside.

    Args:
        frequency_hz: at least one, above 0, rising.
        side_to_mid_db: as many.

    Raises:
        AudioError: anything else.

    >>> curve = WidthCurve((100.0, 1000.0), (-20.0, -10.0))
    >>> curve.at(np.array([0.0, 100.0, 316.228, 5000.0])).round(3).tolist()
    [-20.0, -20.0, -15.0, -10.0]
    """

    frequency_hz: Sequence[float]
    side_to_mid_db: Sequence[float]

    def __post_init__(self) -> None:
        try:
            hz, db = np.array(self.frequency_hz, np.float64), np.array(self.side_to_mid_db, np.float64)
        except (TypeError, ValueError):
            raise AudioError(
                "width curve: frequency_hz and side_to_mid_db must be lists of numbers"
            ) from None
        fits = hz.ndim == 1 and hz.shape == db.shape and len(hz) and np.isfinite([hz, db]).all()
        if not fits or not hz[0] > 0 or not np.all(np.diff(hz) > 0):
            raise AudioError(
                "width curve: give as many side_to_mid_db as frequency_hz, and these above 0 and rising"
            )

    @classmethod
    def of(cls, width: Mapping[str, Sequence[float]] | None) -> WidthCurve | None:
        """From the form in which model cards hold it."""
        return cls(width["frequency_hz"], width["side_to_mid_db"]) if width else None

    @classmethod
    def named(cls, text: str) -> WidthCurve:
        """From points, or from a file's name.

        Raises:
            AudioError: neither.

        >>> WidthCurve.named("100:-20,1000:-10.5").side_to_mid_db
        [-20.0, -10.5]
        """
        if not POINTS.fullmatch(text):
            return cls.read(text)
        pairs = [point.split(":") for point in text.split(",")]
        return cls([float(hz) for hz, _ in pairs], [float(db) for _, db in pairs])

    @classmethod
    def read(cls, path: Path | str) -> WidthCurve:
        """Read JSON with the lists `frequency_hz` and `side_to_mid_db`, or a CSV file with both columns.

        Raises:
            AudioError: no such file, or something else in it.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
            if text.lstrip().startswith("{"):
                facts = json.loads(text)
                return cls(facts["frequency_hz"], facts["side_to_mid_db"])
            heading, *lines = [line.split(",") for line in text.split("\n") if line.strip()]
            columns = dict(zip(map(str.strip, heading), zip(*lines, strict=True), strict=True))
            return cls(
                *([float(cell) for cell in columns[key]] for key in ("frequency_hz", "side_to_mid_db"))
            )
        except AudioError as error:
            raise AudioError(f"{path}: {error}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "columns frequency_hz,side_to_mid_db?"
            raise AudioError(f"{path}: no width curve can be read from it ({reason})") from None

    def at(self, frequency_hz: Signal) -> Signal:
        """In dB at any frequencies, 0 Hz included."""
        low = self.frequency_hz[0]
        return np.interp(
            np.log(np.maximum(frequency_hz, low)), np.log(self.frequency_hz), self.side_to_mid_db
        )

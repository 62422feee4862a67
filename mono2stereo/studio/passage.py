"""What is heard of a passage, in numbers: loudness, peaks, the measures, and what to beware of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile

from mono2stereo.conversion.gain import true_peak_db
from mono2stereo.conversion.widening import Width, width_filters
from mono2stereo.decorrelators.fir import FirStream
from mono2stereo.dsp.loudness import LoudnessMeter
from mono2stereo.dsp.mid_side import decode
from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.true_peak import TruePeak
from mono2stereo.measures import MEASURES, OF_A_FILE
from mono2stereo.measures.recordings import STRETCH_SECONDS, STRETCHES, measure_recording
from mono2stereo.model_card import ModelCard
from mono2stereo.studio import voices
from mono2stereo.studio.settings import checked

WIDTHS = (0.0, 1.0, 2.0)  # of the side; the page finds the gains between them
MOST_SECONDS = 600.0  # that are listened to for loudness and peaks; of more, evenly spaced parts
MID, BOTH = np.array([2.0, 0.0, 0.0]), np.array([0.0, 2.0, 2.0])  # of input, mid, side, each on both channels
FOLD_DOWN = np.array([0.0, 2.0, 0.0])
LOUD_LU = 1.0  # more than this is heard


def measure_passage(
    *,
    mid: str,
    side: str | None,
    sample_rate: int,
    card: str | None,
    changes_mid: bool,
    settings: dict[str, Any],
    first: int,
    last: int,
    name: str,
) -> dict[str, Any]:
    """Listen to a passage of a version; without `side` to the mid alone.

    Returns:
        lufs: of the input, of left and right, and of the fold-down; true_peak_dbtp; gains: for equal loudness
        at `WIDTHS`; measures: rows of heading and value; warnings: lines.
    """
    _, width, _ = checked(settings)
    filters = None
    if side and not changes_mid:
        filters = width_filters(ModelCard.loads(card) if card else None, width or Width(), sample_rate)
    loudness, peak, stretches = LoudnessMeter(sample_rate, 3), TruePeak(2), []
    for start, end in _parts(first, last, sample_rate):
        source = voices.passage(Path(mid), start, end).astype(np.float64)
        own = (
            voices.passage(voices.own_mid(Path(side)), start, end).astype(np.float64)
            if side and changes_mid
            else source
        )
        heard = np.zeros_like(source) if side is None else _side(Path(mid), Path(side), filters, start, end)
        heard, own = heard[: len(source)], own[: len(source)]
        loudness.add(np.stack([source, own, heard], axis=1))
        stereo = decode(own, heard)
        peak.add(stereo)
        stretches.append(stereo)
    before, after, folded = (_finite(loudness.lufs(weights)) for weights in (MID, BOTH, FOLD_DOWN))
    gains = []
    for each in WIDTHS:
        at = loudness.lufs(np.array([0.0, 2.0, 2.0 * each**2]))
        gains.append(10 ** ((before - at) / 20) if before is not None and math.isfinite(at) else 1.0)
    peak_db = true_peak_db(peak.peak)
    rows, reason = _measures(stretches, sample_rate, Path(mid).parent)
    return {
        "lufs": {"input": before, "stereo": after, "fold_down": folded},
        "true_peak_dbtp": _finite(peak_db),
        "gains": gains,
        "measures": rows,
        "reason": reason,
        "warnings": list(_warnings(peak_db, before, folded, changes_mid=changes_mid and side is not None)),
        "seconds": (last - first) / sample_rate,
    }


def _parts(first: int, last: int, sample_rate: int) -> Iterator[tuple[int, int]]:
    """All of it in blocks of ten seconds; of a long passage evenly spaced ones."""
    length = round(STRETCH_SECONDS * sample_rate)
    count, most = max(1, -(-(last - first) // length)), round(MOST_SECONDS / STRETCH_SECONDS)
    for index in range(min(count, most)):
        start = first + (index if count <= most else index * (count - 1) // (most - 1)) * length
        yield start, min(start + length, last)


def _side(
    mid: Path, side: Path, filters: tuple[Signal | None, Signal | None] | None, start: int, end: int
) -> Signal:
    gain, highband = filters or (None, None)
    if gain is None and highband is None:
        return voices.passage(side, start, end).astype(np.float64)
    responses = [np.ones(1) if gain is None else gain, *([] if highband is None else [highband])]
    early = max(map(len, responses)) - 1
    signals = [voices.passage(file, start - early, end).astype(np.float64) for file in (side, mid)]
    return FirStream(*responses).process(*signals[: len(responses)])[early:]


def _measures(stretches: list[Signal], sample_rate: int, folder: Path) -> tuple[list[dict[str, Any]], str]:
    """As `mono2stereo measure` takes them of a file with this passage."""
    with TemporaryDirectory(dir=folder) as scratch:
        file = Path(scratch) / "passage.wav"
        soundfile.write(
            file,
            np.concatenate(stretches[:: max(1, len(stretches) // STRETCHES)]),
            sample_rate,
            subtype="FLOAT",
        )
        measured = measure_recording(file)
    rows = [
        {
            "heading": MEASURES[name].heading,
            "value": f"{measured.readings.values[name]:.{MEASURES[name].decimals}f}"
            if name in measured.readings.values
            else "–",
            "explanation": MEASURES[name].explanation,
        }
        for name in OF_A_FILE
    ]
    return rows, measured.error


def _warnings(
    peak_db: float, before: float | None, folded: float | None, *, changes_mid: bool
) -> Iterator[str]:
    if peak_db > 0:
        yield f"true peak {peak_db:+.2f} dBTP: integer files are turned down for it, floats hold it"
    if changes_mid:
        yield "this method changes the mid: the fold-down is not the input"
        if before is not None and folded is not None and abs(folded - before) > LOUD_LU:
            yield f"folded down it is {folded - before:+.1f} LU against the input"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

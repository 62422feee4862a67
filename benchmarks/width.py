"""Is the width that was asked for met? `python -m benchmarks.width DIR [--model FILE]`, on new recordings.

Folds every recording below DIR down to mono, widens it with the natural curve, and measures side against mid
per third octave as `preprocess` measured the training recordings. Prints the median over recordings beside
the curve, and the largest deviation of a band in which recordings say anything.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.compare import RESULTS
from mono2stereo.conversion import Widened, Width, WidthCurve
from mono2stereo.data.natural import WIDTH_CENTRES_HZ, OwnRateLevels
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.sounds.folders import recordings_below

TOLERANCE_DB = 1.5
QUIET_DB = -70.0  # of the mid below its loudest band: nothing there to be wide
SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"}


def recordings(folder: Path) -> list[Path]:
    """Files below a folder that soundfile reads, links included."""
    found = [folder / name for name in recordings_below(folder) if name.suffix.lower() in SUFFIXES]
    if not found:
        raise SystemExit(f"{folder}: holds no {', '.join(sorted(SUFFIXES))}")
    return found


def side_to_mid_db(mid: np.ndarray, sample_rate: int, decorrelator: Decorrelator) -> np.ndarray:
    """Measure what is made of `mid` (samples,), per band of `WIDTH_CENTRES_HZ`; NaN where mid is quiet."""
    levels = OwnRateLevels(sample_rate)
    levels.add(np.stack([mid, decorrelator.side(mid, sample_rate)], axis=1))
    mid_db, side_db = levels.levels_db()
    return np.where(mid_db > np.nanmax(mid_db) + QUIET_DB, side_db - mid_db, np.nan)


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    model = NeuralDecorrelator.load(options.model)
    asked = WidthCurve.of(model.card.natural_width)
    if not asked or not model.card.own_width:
        raise SystemExit("the model's card holds no natural_width or no own_width; export it anew")
    found = []
    for file in recordings(options.folder):
        samples, sample_rate = soundfile.read(file, dtype="float32", always_2d=True)
        found.append(side_to_mid_db(samples.mean(axis=1), sample_rate, Widened(model, Width())))
    told = np.sum(np.isfinite(found), axis=0) > len(found) / 2
    told &= 2 * model.card.highpass_hz < WIDTH_CENTRES_HZ
    hz = WIDTH_CENTRES_HZ[told]
    low, median, high = np.nanpercentile(np.array(found)[:, told], [25, 50, 75], axis=0)
    print(f"{len(found)} recordings; side against mid in dB: asked, median made (quartiles), deviation")
    for row in zip(hz, asked.at(hz), median, low, high, median - asked.at(hz), strict=True):
        print("{:8.0f} Hz {:7.2f} {:7.2f} ({:6.2f} to {:6.2f}) {:+6.2f}".format(*row))
    worst = np.abs(median - asked.at(hz)).argmax()
    deviation = float(median[worst] - asked.at(hz)[worst])
    verdict = "met" if abs(deviation) <= TOLERANCE_DB else "not met"
    print(f"largest deviation {deviation:+.2f} dB at {hz[worst]:.0f} Hz: ±{TOLERANCE_DB} dB {verdict}")
    path = RESULTS.with_name("width.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = {"recordings": len(found), "worst_db": round(deviation, 2), "at_hz": round(float(hz[worst]), 1)}
    path.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

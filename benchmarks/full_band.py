"""Does a network of the whole band beat one whose side is continued?

`python -m benchmarks.full_band DIR MODEL…`, models beside the default one. Of every stereo recording below
DIR that has treble, two stretches of 10 s: their mid is widened as `convert` does it, and the side measured
beside the recording's own, band by band.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.fft
import soundfile

from benchmarks.width import recordings
from mono2stereo.conversion import Widened, Width
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.dsp import haze
from mono2stereo.dsp.bands import level_match
from mono2stereo.dsp.coherence import mel_coherence
from mono2stereo.dsp.mel import mel_centres_hz, mel_filterbank
from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.movement import FIGURES, movement
from mono2stereo.dsp.stft import Stft

RATE = 44100
BANDS = {
    "50 to 500 Hz": (50.0, 500.0),
    "0.5 to 9 kHz": (500.0, 9000.0),
    "11.2 to 17.8 kHz": (11220.0, 17783.0),
}
LOG_MEL = Stft(2048, 512, 2048)
LOG_MEL_FLOOR_DB = -80.0  # re the loudest cell of the mid
SECONDS, RUN_IN_SECONDS = 10.0, 2.0
STRETCHES = 2
SILENCE_DB = -90.0  # in a band, re the loudest of the two: nothing there to measure


def in_band(x: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """What of x (samples,) lies between two frequencies."""
    spectrum = scipy.fft.rfft(x)
    hz = scipy.fft.rfftfreq(len(x), 1 / RATE)
    return scipy.fft.irfft(np.where((hz >= low_hz) & (hz < high_hz), spectrum, 0), len(x))


def figures(mid: np.ndarray, side: np.ndarray, band: tuple[float, float]) -> dict[str, float]:
    """Of mid and side, (samples,), both of one band: what can be told of the band alone."""
    low_hz, high_hz = band
    side = level_match(side, mid)
    mel_hz = mel_centres_hz(RATE)
    bands = (mel_hz > low_hz) & (mel_hz < high_hz)
    coherence = {
        f"coherence, {length / RATE * 1e3:.0f} ms": np.nanmean(mel_coherence(mid, side, RATE, length)[bands])
        for length in (2048, 8192)
    }
    weights = mel_filterbank(RATE, LOG_MEL.fft_length)[bands].T
    cells = [np.abs(LOG_MEL.analyse(x)) ** 2 @ weights for x in (mid, side)]
    quiet = cells[0].max() * 10 ** (LOG_MEL_FLOOR_DB / 10)
    log_mel = 10 * np.abs(np.log10((cells[1] + quiet) / (cells[0] + quiet))).mean()
    of_mid, of_side = (haze.cells(x, RATE) for x in (mid, side))
    near = haze.mask(of_mid)
    floor = near.max() * 10 ** (haze.FLOOR_DB / 10)
    hz = np.arange(near.shape[1]) * RATE / (2 * near.shape[1] - 2)
    excess = 10 * np.log10(np.maximum(of_side, floor) / np.maximum(near, floor))
    hazy = np.maximum(excess[:, (hz >= low_hz) & (hz < high_hz)], 0).mean()
    moves = dict(zip(FIGURES, movement(mid, side, RATE), strict=True))
    return {**coherence, "log_mel_db": log_mel, "haze_db": hazy, **moves}


def stretches(file: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Mid and own side, (samples,), each behind its run-in."""
    with soundfile.SoundFile(file) as sound:
        if sound.samplerate != RATE or sound.channels != 2:
            return
        length = round((RUN_IN_SECONDS + SECONDS) * RATE)
        count = min(STRETCHES, sound.frames // length)
        for number in range(count):
            sound.seek((2 * number + 1) * sound.frames // (2 * count) - length // 2)
            yield encode(sound.read(length, dtype="float32"))


def measure(file: Path, methods: dict[str, Decorrelator | None]) -> list[dict[str, float | str]]:
    """One row for each stretch, band and method; None: the own side."""
    rows: list[dict[str, float | str]] = []
    run_in = round(RUN_IN_SECONDS * RATE)
    for mid, own in stretches(file):
        for name, method in methods.items():
            side = own if method is None else method.side(mid, RATE)
            heard = [x[run_in:].astype(np.float64) for x in (mid, side)]
            for label, band in BANDS.items():
                parts = [in_band(x, *band) for x in heard]
                if min(np.std(part) for part in parts) < 10 ** (SILENCE_DB / 20) * np.std(heard[0]):
                    continue
                rows.append(
                    {"recording": file.name, "band": label, "method": name}
                    | {"side_to_mid_db": 20 * np.log10(np.std(parts[1]) / np.std(parts[0]))}
                    | figures(*parts, band=band)
                )
    return rows


def main() -> None:
    """Measure and print means over recordings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", type=Path, nargs="*")
    options = parser.parse_args()
    methods: dict[str, Decorrelator | None] = {"own side": None}
    methods["default model"] = Widened(NeuralDecorrelator.load(), Width())
    methods |= {model.stem: Widened(NeuralDecorrelator.load(model), Width()) for model in options.models}
    rows = [row for file in recordings(options.folder) for row in measure(file, methods)]
    if not rows:
        raise SystemExit(f"{options.folder}: no stereo recordings of {RATE} Hz, 12 s and more, with treble")
    table = pd.DataFrame(rows)
    of_recordings = table.groupby(["band", "method", "recording"], sort=False).mean()
    means = of_recordings.groupby(level=[0, 1], sort=False).mean().sort_index(level=0, sort_remaining=False)
    print(f"means over {table.recording.nunique()} recordings")
    print(means.round(2).to_string())


if __name__ == "__main__":
    main()

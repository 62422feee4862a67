"""Reading, resampling and storing in preprocess, beside a bare loop over the same files and cores."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from benchmarks.compare import Candidate, record, rows, size, time_in_turn
from mono2stereo.data.own_side import level_bands, measure_own_side
from mono2stereo.data.preprocessing import round_trip_db, write_pair
from mono2stereo.dsp.stft import Stft
from mono2stereo.parallel import map_parallel

FILES, SECONDS = size((8, 60), (2, 4))
RATE_IN, RATE_OUT = 44100, 22050


def write_recordings(folder: str) -> None:
    """Stereo noise as WAV files; what they sound like costs no time."""
    for number in range(FILES):
        file = Path(folder) / f"{number}.wav"
        noise = 0.1 * np.random.default_rng(number).standard_normal((SECONDS * RATE_IN, 2), np.float32)
        soundfile.write(file, noise, RATE_IN)


def _store(file: Path) -> int:
    return write_pair(file, file.with_suffix(".ours.npy"), RATE_OUT)


def _bare(file: Path) -> None:
    stereo, rate = soundfile.read(file, dtype="float32")
    np.save(file.with_suffix(".bare.npy"), soxr.resample(stereo, rate, RATE_OUT, quality="VHQ"))


def _verify(file: Path) -> None:
    pair = np.load(file.with_suffix(".ours.npy"), mmap_mode="r")
    round_trip_db(pair[:, 0], Stft(116, 58, 128))
    for channel in (0, 1):
        level_bands(pair[:, channel], RATE_OUT)
    measure_own_side(pair, RATE_OUT)


def run(*, folder: str, work: str) -> Callable[[], object]:
    """All files through one piece of work, a process per core."""
    files = sorted(Path(folder).glob("*.wav"))
    function = {"store": _store, "bare": _bare, "verify": _verify}[work]
    return partial(map_parallel, function, files, label=work)


def main() -> None:
    """Time, print and record."""
    with tempfile.TemporaryDirectory() as folder:
        write_recordings(folder)
        candidates = {
            name: Candidate("benchmarks.preprocess:run", {"folder": folder, "work": work})
            for name, work in (("ours", "store"), ("bare_loop", "bare"), ("verification", "verify"))
        }
        record(rows("preprocess", time_in_turn(candidates, rounds=5, warm_up=1)))


if __name__ == "__main__":
    main()

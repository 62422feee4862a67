"""How fast is a conversion: from the start of the program, of a long file, and beside what bounds it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

from benchmarks.compare import Candidate, record, rows, time_in_turn
from mono2stereo.conversion import Widened, Width, WidthCurve, convert_file
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.decorrelators.neural_stream import AT_ONCE_FRAMES
from mono2stereo.decorrelators.velvet import Velvet

SAMPLE_RATE, SHORT_SECONDS, LONG_SECONDS = 44100, 10, 120
BLOCK_SAMPLES = 1 << 16
WIDTH = Width(curve=WidthCurve([50.0, 200.0, 2000.0, 20000.0], [-20.0, -12.0, -8.0, -4.0]))


def write_recordings(folder: Path) -> None:
    """Noise as 16-bit WAV; what it sounds like costs no time."""
    for name, seconds in (("short", SHORT_SECONDS), ("long", LONG_SECONDS)):
        noise = 0.1 * np.random.default_rng(seconds).standard_normal(seconds * SAMPLE_RATE)
        soundfile.write(folder / f"{name}.wav", noise, SAMPLE_RATE, subtype="PCM_16")


def command(*, folder: str) -> Callable[[], object]:
    """The short file as a person would convert it, in a new process."""
    program = Path(sys.executable).with_name("mono2stereo")
    line = f"rm -f {folder}/out.wav && {program} convert {folder}/short.wav -o {folder}/out.wav"
    return partial(subprocess.run, line, shell=True, check=True, capture_output=True)


def python() -> Callable[[], object]:
    """A Python that does nothing."""
    return partial(subprocess.run, [sys.executable, "-c", "pass"], check=True)


def whole(*, folder: str) -> Callable[[], object]:
    """The long file from disk to disk, with every filter at work."""
    source, target = Path(folder) / "long.wav", Path(folder) / "whole.wav"
    widened = Widened(NeuralDecorrelator.load(), WIDTH)

    def call() -> None:
        target.unlink(missing_ok=True)
        convert_file(source, target, decorrelator=widened)

    return call


def network() -> Callable[[], object]:
    """The network alone on as many frames."""
    model = NeuralDecorrelator.load()
    card = model.card
    frames = LONG_SECONDS * card.sample_rate // card.frame_step
    spectrum = np.random.default_rng(0).standard_normal((AT_ONCE_FRAMES, card.stft.n_bins))
    spectrum = spectrum.astype(np.complex64)

    def call() -> None:
        states = model._silent_states
        for _ in range(-(-frames // AT_ONCE_FRAMES)):
            _, states = model._run(spectrum, states)

    return call


def read_and_write(*, folder: str, velvet: bool = False) -> Callable[[], object]:
    """The long file read, and written with two channels; `velvet`: mid ± a velvet-noise convolution."""
    response = Velvet().impulse_response(SAMPLE_RATE).astype(np.float32)

    def call() -> None:
        target = Path(folder) / f"bare_{velvet}.wav"
        with (
            soundfile.SoundFile(Path(folder) / "long.wav") as source,
            soundfile.SoundFile(target, "w", SAMPLE_RATE, 2, "PCM_16") as out,
        ):
            for mid in source.blocks(BLOCK_SAMPLES, dtype="float32"):
                side = scipy.signal.oaconvolve(mid, response)[: len(mid)] if velvet else mid
                out.write(np.stack([mid + side, mid - side], axis=1))

    return call


def main() -> None:
    """Time, print and record."""
    with tempfile.TemporaryDirectory() as folder:
        write_recordings(Path(folder))
        start = {
            "ours": Candidate("benchmarks.convert:command", {"folder": folder}),
            "python": Candidate("benchmarks.convert:python", {}),
        }
        record(rows(f"convert/{SHORT_SECONDS}_s_from_start", time_in_turn(start, rounds=7, warm_up=1)))
        long = {
            "ours": Candidate("benchmarks.convert:whole", {"folder": folder}),
            "network": Candidate("benchmarks.convert:network", {}),
            "read_and_write": Candidate("benchmarks.convert:read_and_write", {"folder": folder}),
            "velvet": Candidate("benchmarks.convert:read_and_write", {"folder": folder, "velvet": True}),
        }
        seconds = time_in_turn(long, rounds=7, warm_up=1)
        record(rows(f"convert/{LONG_SECONDS}_s", seconds))
        for name, label in (("ours", "the whole"), ("network", "the network alone")):
            factor = LONG_SECONDS / statistics.median(seconds[name])
            print(f"{label}: {factor:.0f} × real time; {LONG_SECONDS} s at {SAMPLE_RATE} Hz")


if __name__ == "__main__":
    main()

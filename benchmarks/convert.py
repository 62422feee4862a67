"""How fast is a conversion: from the start of the program, of a long file, and beside what bounds it."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import scipy.signal
import soundfile

from benchmarks.compare import RESULTS, Candidate, record, rows, size, time_in_turn
from mono2stereo.conversion import Widened, Width, WidthCurve, convert_file
from mono2stereo.conversion.batch import network_threads
from mono2stereo.conversion.writing import StereoWriter
from mono2stereo.decorrelators import neural_stream
from mono2stereo.decorrelators.fir import FirStream
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.decorrelators.neural_stream import AT_ONCE_FRAMES
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.dsp.filters import SosFilter
from mono2stereo.dsp.stft import Stft
from mono2stereo.dsp.streaming_resampler import StreamResampler
from mono2stereo.dsp.true_peak import TruePeak
from mono2stereo.sounds.sound import Sound

SAMPLE_RATE = 44100
SHORT_SECONDS, LONG_SECONDS = size((10, 120), (1, 5))
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


def whole(*, folder: str, threads: int = 0) -> Callable[[], object]:
    """The long file from disk to disk, with every filter at work, as `convert` does it."""
    source, target = Path(folder) / "long.wav", Path(folder) / "whole.wav"
    widened = Widened(NeuralDecorrelator.load(threads=threads or network_threads()), WIDTH)

    def call() -> None:
        target.unlink(missing_ok=True)
        convert_file(source, target, decorrelator=widened)

    return call


def network() -> Callable[[], object]:
    """The network alone on as many frames."""
    model = NeuralDecorrelator.load()
    card = model.card
    frames = LONG_SECONDS * card.sample_rate // card.frame_step
    spectrum = np.random.default_rng(0).standard_normal((AT_ONCE_FRAMES, 2 * card.stft.n_bins))
    spectrum = spectrum.astype(np.float32)

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


PARTS: dict[str, tuple[tuple[Any, str], ...]] = {
    "network": ((NeuralDecorrelator, "_run"),),
    "equaliser and high band": ((FirStream, "process"),),
    "STFT and its inverse": ((neural_stream, "times"), (Stft, "overlap_add")),
    "resampling": ((StreamResampler, "process"),),
    "DC blocker and high-pass": ((SosFilter, "process"),),
    "true peak": ((TruePeak, "add"),),
    "rounding and dither": ((StereoWriter, "_integers"),),
    "read and write": ((Sound, "read"), (StereoWriter, "_append")),
}


def profile(folder: str) -> dict[str, float]:
    """Processor seconds of each part of the long conversion, the network on one thread, and of the rest."""
    spent = dict.fromkeys(PARTS, 0.0)

    def watched(part: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            began = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                spent[part] += time.thread_time() - began

        return call

    convert = whole(folder=folder, threads=1)
    convert()
    with ExitStack() as stack:
        for part, functions in PARTS.items():
            for owner, name in functions:
                watching = watched(part, getattr(owner, name))
                stack.enter_context(mock.patch.object(owner, name, watching))
        began = time.process_time()
        convert()
        every = time.process_time() - began
    return spent | {"all the rest": every - sum(spent.values())}


def record_profile(spent: dict[str, float]) -> None:
    """Print and keep milliseconds per second of sound."""
    parts = {part: round(1e3 * seconds / LONG_SECONDS, 3) for part, seconds in spent.items()}
    for part, milliseconds in parts.items():
        print(f"{part}: {milliseconds:.2f} ms of processor time per second of sound")
    RESULTS.with_name("convert.json").write_text(json.dumps(parts, indent=1) + "\n")


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
        record_profile(profile(folder))


if __name__ == "__main__":
    main()

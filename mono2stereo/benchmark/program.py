"""Another program as a method: it is given a mono WAV and makes a stereo WAV of it."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from mono2stereo.benchmark import launcher
from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError, UsageError, printable
from mono2stereo.hashes import file_sha256
from mono2stereo.sounds.opening import open_sound

LEAST_GAIN = 1e-3  # of the fold-down re the input: below it nothing of the input is left
VERSION_SECONDS = 10.0
LONGEST_REASON = 160  # characters of what a program says


@dataclass(frozen=True)
class Usage:
    """What a run took: wall-clock seconds, and the largest resident memory of its process in bytes."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Program:
    """A command with `{in}`, `{out}` and perhaps `{samples}`, their length; run without a shell.

    It may turn everything by one gain, which is taken out again; whatever else it does to the mid is its own.

    Attributes:
        name: of method and setting.
        command: as one would type it.
        limit_seconds: after which it is ended.
    """

    name: str
    command: str
    limit_seconds: float
    changes_mid = True

    def __post_init__(self) -> None:
        if "{in}" not in self.command or "{out}" not in self.command:
            raise UsageError(f"--tool {self.name}: the command names {{in}} and {{out}}, the WAV files")
        try:
            self.words()
        except ValueError as error:
            raise UsageError(f"--tool {self.name}: {error}") from None

    def words(self) -> list[str]:
        """The command's, without what it begins with if that cannot be found."""
        words = shlex.split(self.command)
        return [shutil.which(words[0]) or words[0], *words[1:]]

    def files(self) -> list[Path]:
        """The program and the files that its command names: what decides what it does."""
        return [path for path in map(Path, self.words()) if path.is_file()]

    @property
    def missing(self) -> str:
        """Why it cannot be run at all; empty if it can."""
        return "" if shutil.which(self.words()[0]) else f"{self.words()[0]}: no such program"

    def version(self) -> str:
        """The first line that it prints for `--version`; empty if it fails or prints nothing."""
        with TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            status, *_ = run_measured([self.words()[0], "--version"], log, VERSION_SECONDS)
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        return printable(lines[0].strip()) if status == 0 and lines else ""

    def digests(self) -> dict[str, str]:
        """SHA-256 by name of `files`."""
        return {path.name: file_sha256(path) for path in self.files()}

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        return self.run(mid, sample_rate)[0][1]

    def fold_down(self, mid: Signal, sample_rate: int) -> Signal:
        return self.run(mid, sample_rate)[0][0]

    def run(self, mid: Signal, sample_rate: int) -> tuple[tuple[Signal, Signal], Usage]:
        """Mid and side, (samples,) each, and what it took; asked again for the same, it is not run again.

        Raises:
            AudioError: it failed, was late, or made no stereo of this length and rate; and how.
        """
        return _run(self, mid.astype(np.float32).tobytes(), sample_rate)


@lru_cache(maxsize=1)
def _run(program: Program, samples: bytes, sample_rate: int) -> tuple[tuple[Signal, Signal], Usage]:
    mid = np.frombuffer(samples, np.float32)
    with TemporaryDirectory(prefix="mono2stereo-") as name:
        folder = Path(name)
        given, answered = folder / "in.wav", folder / "out.wav"
        soundfile.write(given, mid, sample_rate, subtype="FLOAT")
        places = {"{in}": str(given), "{out}": str(answered), "{samples}": str(len(mid))}
        words = program.words()
        for mark, place in places.items():
            words = [word.replace(mark, place) for word in words]
        status, usage, late = run_measured(words, folder / "log", program.limit_seconds)
        if late:
            raise AudioError(f"not done after {program.limit_seconds:g} s")
        if status:
            raise AudioError(_how_it_ended(status) + _last_words(folder / "log", folder))
        if not answered.is_file():
            raise AudioError("wrote no file" + _last_words(folder / "log", folder))
        stereo = _read(answered, len(mid), sample_rate)
    made_mid, side = encode(stereo)
    gain = float(np.dot(made_mid, mid) / max(np.dot(mid, mid), 1e-30))
    if abs(gain) < LEAST_GAIN and mid.any():
        raise AudioError("the fold-down has nothing of the input")
    gain = gain or 1.0
    return (made_mid / np.float32(gain), side / np.float32(gain)), usage


def run_measured(words: list[str], log: Path, limit_seconds: float) -> tuple[int, Usage, bool]:
    """Run a command; its exit status (of a signal, negative), what it took, and whether it was ended late.

    Args:
        words: of the command.
        log: a file for whatever it prints.
        limit_seconds: after which it and its children are ended.

    Raises:
        AudioError: it cannot be started.
    """
    command = [sys.executable, "-I", "-S", launcher.__file__, str(limit_seconds), str(log), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            told, failed = process.communicate()
        except BaseException:  # Ctrl-C, SIGTERM: it ends the program first
            process.terminate()
            raise
    if process.returncode:
        raise AudioError(f"cannot be run: {(failed.strip().splitlines() or ['no reason given'])[-1]}")
    status, seconds, peak, late = told.split()
    return int(status), Usage(float(seconds), int(peak)), late == "1"


def _how_it_ended(status: int) -> str:
    if status > 0:
        return f"exit status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"


def _last_words(log: Path, folder: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = printable(lines[-1].replace(f"{folder}/", ""))[:LONGEST_REASON] if lines else ""
    return f": {last}" if last else ""


def _read(file: Path, samples: int, sample_rate: int) -> Signal:
    """(samples, 2) float32; refuses what is not what it was given."""
    with open_sound(file, "its output") as sound:
        channels, rate = sound.channels, sound.sample_rate
        blocks = list(sound.blocks(1 << 16, "float32"))
    if channels != 2:
        raise AudioError(f"its output has {channels} channels, not 2")
    if rate != sample_rate:
        raise AudioError(f"its output is at {rate} Hz, the input at {sample_rate} Hz")
    stereo = np.concatenate(blocks) if blocks else np.zeros((0, 2), np.float32)
    if len(stereo) != samples:
        raise AudioError(f"its output has {len(stereo)} samples, the input {samples}")
    if not np.isfinite(stereo).all():
        raise AudioError("its output holds values that are not finite")
    return stereo

"""Mono in, stereo out: L = M + S, R = M - S, so that the fold-down (L + R)/2 is the input."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.dsp.mid_side import decode
from mono2stereo.errors import AudioError
from mono2stereo.files import atomic_path


def convert(mono: np.ndarray, *, sample_rate: int, decorrelator: Decorrelator | None = None) -> np.ndarray:
    """Give a mono signal a side.

    Args:
        mono: `(samples,)`, floating point.
        sample_rate: In Hz; any.
        decorrelator: What makes the side; without it the network that comes with the package.

    Returns:
        `(samples, 2)` of the same dtype; the mean of both channels is `mono`. Widening adds energy: peaks
        beyond full scale are possible and are not clipped.

    Raises:
        AudioError: More than one channel, no floating point, or values that are not finite.
    """
    mono = np.asarray(mono)
    if mono.ndim != 1 or mono.dtype.kind != "f":
        raise AudioError(
            f"mono is {mono.dtype} of shape {mono.shape}; give floating point of shape (samples,)"
        )
    if not np.all(np.isfinite(mono)):
        raise AudioError("mono holds values that are not finite; repair the recording first")
    side = (decorrelator or _default()).side(mono, sample_rate)
    return decode(mono, side)


def convert_file(source: Path | str, target: Path | str, *, decorrelator: Decorrelator | None = None) -> None:
    """Read a mono recording, write its stereo version as 32-bit float WAV; whole or not at all.

    Args:
        source: Anything libsndfile reads, with one channel (or two equal ones).
        target: `*.wav`.
        decorrelator: As for `convert`.

    Raises:
        AudioError: Unreadable, not mono, or the target is no WAV file.
    """
    source, target = Path(source), Path(target)
    if target.suffix.lower() != ".wav":
        raise AudioError(f"{target}: give a name that ends in .wav; the output is 32-bit float WAV")
    try:
        samples, sample_rate = soundfile.read(source, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(f"{source}: cannot be read ({error})") from None
    if np.any(samples != samples[:, :1]):
        raise AudioError(f"{source}: has {samples.shape[1]} different channels; give a mono recording")
    stereo = convert(samples[:, 0], sample_rate=sample_rate, decorrelator=decorrelator)
    with atomic_path(target) as beside:
        soundfile.write(beside, stereo, sample_rate, subtype="FLOAT")


@lru_cache(maxsize=1)
def _default() -> NeuralDecorrelator:
    return NeuralDecorrelator.load()

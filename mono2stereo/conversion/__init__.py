"""Mono in, stereo out: L = M + S, R = M - S, so that the fold-down (L + R)/2 is the input."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from mono2stereo.conversion.file_conversion import convert_file as _convert_file
from mono2stereo.conversion.limiter import SideLimiter
from mono2stereo.conversion.live import StereoStream
from mono2stereo.conversion.options import Converted, FileOptions
from mono2stereo.conversion.widening import Widened, Width
from mono2stereo.conversion.width_curve import WidthCurve
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.decorrelators.neural import LIVE_BLOCK_FRAMES, NeuralDecorrelator
from mono2stereo.dsp.mid_side import decode
from mono2stereo.dsp.signals import require_mono, require_sample_rate
from mono2stereo.errors import AudioError

__all__ = [
    "Converted",
    "FileOptions",
    "StereoStream",
    "Widened",
    "Width",
    "WidthCurve",
    "convert",
    "convert_file",
    "stream",
]


def convert(
    mono: np.ndarray,
    *,
    sample_rate: int,
    decorrelator: Decorrelator | None = None,
    width: Width | None = None,
) -> np.ndarray:
    """Give a mono signal a side.

    Args:
        mono: `(samples,)`, float32 or float64.
        sample_rate: In Hz, whole, from 8000 to 384 000.
        decorrelator: What makes the side; without it the network that comes with the package.
        width: How wide; without it as wide as recordings are, or as a `Widened` decorrelator says.

    Returns:
        `(samples, 2)` of the same dtype; the mean of both channels is `mono`. Widening adds energy: peaks
        beyond full scale are possible and are not clipped.

    Raises:
        AudioError: More than one channel, no floating point, values that are not finite, or another rate.
    """
    mono = np.asarray(mono)
    require_mono(mono, "mono")
    if not np.all(np.isfinite(mono)):
        raise AudioError("mono holds values that are not finite; repair the recording first")
    sample_rate = require_sample_rate(sample_rate)
    widened = _widened(decorrelator or _default(), width)
    return decode(mono, widened.side(mono, sample_rate) if len(mono) else mono)


def stream(
    *,
    sample_rate: int,
    decorrelator: Decorrelator | None = None,
    width: Width | None = None,
    ceiling_db: float | None = 0.0,
) -> StereoStream:
    """Start to widen a signal that comes in blocks of any size.

    Args:
        sample_rate: In Hz, whole, from 8000 to 384 000.
        decorrelator: What makes the side; without it the network that comes with the package, set to its
            shortest latency.
        width: How wide; without it as wide as recordings are.
        ceiling_db: Where left or right would pass it, re full scale and between samples too, the side alone
            is made smaller for a moment; None lets it pass.

    Returns:
        Its `process` takes `(n,)` and returns `(n, 2)`, `latency_samples` late.

    Raises:
        AudioError: Another rate.
    """
    sample_rate = require_sample_rate(sample_rate)
    widened = _widened(decorrelator or _default(live=True), width)
    limiter = None if ceiling_db is None else SideLimiter(sample_rate, 10 ** (ceiling_db / 20))
    return StereoStream(widened.stream(sample_rate), limiter)


def convert_file(
    source: Path | str,
    target: Path | str,
    *,
    decorrelator: Decorrelator | None = None,
    width: Width | None = None,
    options: FileOptions | None = None,
) -> Converted:
    """Write the stereo version of a recording, whole or not at all, in blocks: of any length.

    Args:
        source: WAV, FLAC, OGG, MP3 or AIFF; of two channels `options` may choose one.
        target: Its suffix decides the format; the sample format is the source's, where the format has it.
        decorrelator: As for `convert`.
        width: As for `convert`.
        options: Gain, loudness, sample format, overwriting.

    Returns:
        The gain that the whole file was given, and what else a person should know.

    Raises:
        AudioError: Unreadable or unfit, or the target exists and `options` do not say `force`.
        OSError: The disk is full, read-only, …
    """
    widened = _widened(decorrelator or _default(), width)
    return _convert_file(source, target, decorrelator=widened, options=options)


def _widened(decorrelator: Decorrelator, width: Width | None) -> Widened:
    if isinstance(decorrelator, Widened) and not width:
        return decorrelator
    return Widened(decorrelator, width or Width())


@lru_cache
def _default(*, live: bool = False) -> NeuralDecorrelator:
    if live:
        return NeuralDecorrelator.load(block_frames=LIVE_BLOCK_FRAMES, threads=1)
    return NeuralDecorrelator.load()

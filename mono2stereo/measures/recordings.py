"""Measure stereo files of any rate, as the evaluation measures its stretches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.resampling import resample
from mono2stereo.dsp.signals import LOWEST_SAMPLE_RATE, Signal, mean_defined
from mono2stereo.errors import AudioError
from mono2stereo.measures import OF_A_FILE, Readings, take_measures
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis

COMMON_RATE = 22050  # Hz: files of different rates are compared over the same bands
STRETCHES = 10
STRETCH_SECONDS = 10.0
SHORTEST_SECONDS = 0.5


@dataclass(frozen=True)
class Recording:
    """What was measured of a file.

    Attributes:
        path: the file.
        sample_rate: its own, Hz.
        seconds: its duration.
        stretches: how many were measured.
        readings: means over the stretches.
        curves: the same over `side_analysis.curve_axes`, and the levels of mid and side as they came.
        example: the first stretch at the common rate, (samples, 2).
        error: why nothing was measured; the rest is then empty.
    """

    path: Path
    sample_rate: int = 0
    seconds: float = 0.0
    stretches: int = 0
    readings: Readings = field(default_factory=Readings)
    curves: dict[str, Signal] = field(default_factory=dict)
    example: Signal = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    error: str = ""


def measure_recording(path: Path, *, stretches: int = STRETCHES) -> Recording:
    """Measure up to `stretches` stretches of 10 s, evenly spaced; a file shorter than that is measured whole.

    What is wrong with a file is told in the result, not raised.
    """
    try:
        return _measure(path, stretches)
    except (AudioError, soundfile.SoundFileError, OSError) as error:
        known = isinstance(error, AudioError)
        reason = str(error) if known else f"cannot be read ({_plain(error, path)})"
        return Recording(path, error=reason)


def _plain(error: Exception, path: Path) -> str:
    text = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
    return " ".join(text.replace(f"{path}: ", "").split()).rstrip(".")


def _measure(path: Path, stretches: int) -> Recording:
    if path.is_dir():
        raise AudioError("a folder; give a file")
    with path.open("rb") as file, soundfile.SoundFile(file) as audio:  # whatever the name is
        _require_fit(audio)
        rate, frames = audio.samplerate, audio.frames
        analyses: list[SideAnalysis] = []
        examples: list[Signal] = []
        for stereo in _stretches(audio, stretches):
            mid, side = (SignalAnalysis(np.ascontiguousarray(x), COMMON_RATE) for x in encode(stereo))
            if not (mid.silent and side.silent):  # between movements
                analyses.append(SideAnalysis(mid, side))
                examples = examples or [stereo]
    if not analyses:
        raise AudioError("silent")
    readings, curves = _means(
        [take_measures(each, OF_A_FILE) for each in analyses], [_curves(each) for each in analyses]
    )
    if not readings.values:
        raise AudioError("; ".join(dict.fromkeys(readings.reasons.values())))
    return Recording(path, rate, frames / rate, len(analyses), readings, curves, examples[0])


def _require_fit(audio: soundfile.SoundFile) -> None:
    if audio.channels != 2:
        channels = "one channel" if audio.channels == 1 else f"{audio.channels} channels"
        raise AudioError(f"{channels}; only stereo can be measured")
    if audio.samplerate < LOWEST_SAMPLE_RATE:
        raise AudioError(f"{audio.samplerate} Hz; at least {LOWEST_SAMPLE_RATE} Hz")
    if audio.frames < SHORTEST_SECONDS * audio.samplerate:
        raise AudioError(f"{audio.frames / audio.samplerate:.3g} s long; at least {SHORTEST_SECONDS:g} s")


def _stretches(audio: soundfile.SoundFile, count: int) -> Iterator[Signal]:
    """(samples, 2) at the common rate: the middle of each of as many equal sections, one at a time."""
    length = min(round(STRETCH_SECONDS * audio.samplerate), audio.frames)
    sections = min(count, audio.frames // length)
    for section in range(sections):
        audio.seek((2 * section + 1) * audio.frames // (2 * sections) - length // 2)
        stereo = audio.read(length, dtype="float32", always_2d=True)
        if not np.isfinite(stereo).all():
            raise AudioError("holds values that are not finite; repair it first")
        if len(stereo) < SHORTEST_SECONDS * audio.samplerate:
            raise AudioError("breaks off before the end that its header announces")
        yield resample(stereo, audio.samplerate, COMMON_RATE)


def _curves(stretch: SideAnalysis) -> dict[str, Signal]:
    levels = {
        "mid_levels": stretch.levels_re_mid_db(stretch.mid.third_octaves_db),
        "side_levels": stretch.levels_re_mid_db(stretch.side.third_octaves_db),
    }
    return stretch.curves | levels


def _means(readings: list[Readings], curves: list[dict[str, Signal]]) -> tuple[Readings, dict[str, Signal]]:
    means = Readings()
    for name in OF_A_FILE:
        values = [each.values[name] for each in readings if name in each.values]
        if values:
            means.values[name] = float(np.mean(values))
        else:
            means.reasons[name] = readings[0].reasons[name]
    return means, {name: mean_defined([each[name] for each in curves]) for name in curves[0]}

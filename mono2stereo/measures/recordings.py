"""Measure stereo files of any rate, as the evaluation measures its stretches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.resampling import resample
from mono2stereo.dsp.signals import LOWEST_SAMPLE_RATE, Signal, mean_defined
from mono2stereo.errors import AudioError
from mono2stereo.measures import OF_A_FILE, Readings, take_measures
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis
from mono2stereo.sounds.opening import open_sound
from mono2stereo.sounds.sound import Sound

COMMON_RATE = 22050  # Hz: files of different rates are compared over the same bands
STRETCHES = 10
STRETCH_SECONDS = 10.0
SHORTEST_SECONDS = 0.5


@dataclass(frozen=True)
class MeasuredRecording:
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


def measure_recording(path: Path, *, stretches: int = STRETCHES) -> MeasuredRecording:
    """Measure up to `stretches` stretches of 10 s, evenly spaced; a file shorter than that is measured whole.

    What is wrong with a file is told in the result, not raised.
    """
    try:
        return _measure(path, stretches)
    except AudioError as error:
        return MeasuredRecording(path, error=str(error).removeprefix(f"{path}: "))


def _measure(path: Path, stretches: int) -> MeasuredRecording:
    if path.is_dir():
        raise AudioError("a folder; give a file")
    with open_sound(path) as audio:
        require_stereo_sound(audio)
        frames = audio.count()
    with open_sound(path) as audio:
        rate = audio.sample_rate
        if frames < SHORTEST_SECONDS * rate:
            raise AudioError(f"{frames / rate:.3g} s long; at least {SHORTEST_SECONDS:g} s")
        analyses: list[SideAnalysis] = []
        examples: list[Signal] = []
        for stereo in _stretches(audio, frames, stretches):
            mid, side = (SignalAnalysis(np.ascontiguousarray(x), COMMON_RATE) for x in encode(stereo))
            if not (mid.silent and side.silent):  # between movements
                analyses.append(SideAnalysis(mid, side))
                examples = examples or [stereo]
    if not analyses:
        raise AudioError("silent")
    readings = mean_readings([take_measures(each, OF_A_FILE) for each in analyses])
    every = [_curves(each) for each in analyses]
    curves = {name: mean_defined([each[name] for each in every]) for name in every[0]}
    if not readings.values:
        raise AudioError("; ".join(dict.fromkeys(readings.reasons.values())))
    return MeasuredRecording(path, rate, frames / rate, len(analyses), readings, curves, examples[0])


def require_stereo_sound(audio: Sound) -> None:
    """Refuse what has no mid and side to measure.

    Raises:
        AudioError: not two channels, or a rate below 8000 Hz.
    """
    if audio.channels != 2:
        channels = "one channel" if audio.channels == 1 else f"{audio.channels} channels"
        raise AudioError(f"{channels}; only stereo can be measured")
    if audio.sample_rate < LOWEST_SAMPLE_RATE:
        raise AudioError(f"{audio.sample_rate} Hz; at least {LOWEST_SAMPLE_RATE} Hz")


def _stretches(audio: Sound, frames: int, count: int) -> Iterator[Signal]:
    """(samples, 2) at the common rate: the middle of each of as many equal sections, one at a time."""
    length = min(round(STRETCH_SECONDS * audio.sample_rate), frames)
    sections = min(count, frames // length)
    for section in range(sections):
        audio.skip((2 * section + 1) * frames // (2 * sections) - length // 2 - audio.frames_read)
        stereo = audio.read(length, "float32")
        if not np.isfinite(stereo).all():
            raise AudioError("holds values that are not finite; repair it first")
        if len(stereo) < SHORTEST_SECONDS * audio.sample_rate:
            raise AudioError("breaks off before the end that its header announces")
        yield resample(stereo, audio.sample_rate, COMMON_RATE)


def _curves(stretch: SideAnalysis) -> dict[str, Signal]:
    levels = {
        "mid_levels": stretch.levels_re_mid_db(stretch.mid.third_octaves_db),
        "side_levels": stretch.levels_re_mid_db(stretch.side.third_octaves_db),
    }
    return stretch.curves | levels


def mean_readings(readings: Sequence[Readings]) -> Readings:
    """Means over stretches of what `measure_recording` measures; of what none has, the first's reason."""
    means = Readings()
    for name in OF_A_FILE:
        values = [each.values[name] for each in readings if name in each.values]
        if values:
            means.values[name] = float(np.mean(values))
        else:
            means.reasons[name] = readings[0].reasons[name]
    return means

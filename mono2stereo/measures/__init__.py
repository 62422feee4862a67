"""The measures: what each is called wherever it is written, how it is explained, and how it is taken.

One table serves the evaluation's CSV files, report and metrics as well as `mono2stereo measure`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from mono2stereo.dsp.signals import mean_defined
from mono2stereo.errors import AudioError
from mono2stereo.measures.side_analysis import (
    COHERENCE_SECONDS,
    CRITICAL_BAND_SECONDS,
    DISTANCE_LEVEL_DB,
    EXACT_DB,
    MAX_LAG_MS,
    MONO_DB,
    SideAnalysis,
)

MID, SIDE, OWN = "mid", "side", "own side"


@dataclass(frozen=True)
class Measure:
    """One number about a stretch.

    Attributes:
        name: in files and metrics.
        heading: in tables, with the unit.
        decimals: shown.
        explanation: a line of the report.
        take: measures it, or raises AudioError with the reason why not.
        needs: what must sound: the mid alone, also the side, also the recording's own side.
        compared: whether it says how good a method is: shown with intervals and tested against the model.
        swept: whether it is taken at every setting of a method, not only at the one that stands for it.
    """

    name: str
    heading: str
    decimals: int
    explanation: str
    take: Callable[[SideAnalysis], float]
    needs: str = SIDE
    compared: bool = False
    swept: bool = False


def _coherence(length: int, explanation: str) -> Measure:
    return Measure(
        f"coherence_{length}",
        f"coherence {length}",
        3,
        f"{explanation}, over parts of {COHERENCE_SECONDS[length]:g} s",
        lambda stretch: stretch.coherence(length),
        compared=True,
        swept=True,
    )


def _movement(name: str, heading: str, explanation: str) -> Measure:
    return Measure(
        name, f"{heading} (dB)", 2, explanation, lambda stretch: stretch.movement[name],
        compared=True, swept=True,
    )  # fmt: skip


_MODULATION = (
    "how much the levels of left and right move against the mid's, band by band, with the side 5 dB below "
    "the mid: standard deviation of what lies {}"
)

ALL = (
    _coherence(1024, "mean over 80 mel bands, frames of 1024 samples: 1 for a copy"),
    _coherence(4096, "the same at frames of 4096 samples, which echoes and short filters do not evade"),
    _coherence(16384, "the same at frames of 16384 samples, which only long reverberation evades"),
    Measure(
        "coherence_critical_bands", "coherence, critical bands", 3,
        "mean over bands one ERB wide, frames of 186 ms in the bass to 46 ms in the treble, over parts of "
        f"{CRITICAL_BAND_SECONDS:g} s: independent signals read about 0.10",
        SideAnalysis.critical_band_coherence, compared=True, swept=True,
    ),
    Measure(
        "correlation_at_zero_lag", "r at lag 0", 3, "magnitude of the correlation of mid and side",
        lambda stretch: float(np.abs(stretch.correlation[len(stretch.correlation) // 2])),
    ),
    Measure(
        "largest_correlation", f"r ±{MAX_LAG_MS} ms", 3,
        f"the largest magnitude at any lag within ±{MAX_LAG_MS} ms: 1 for an echo",
        lambda stretch: float(np.abs(stretch.correlation).max()), compared=True, swept=True,
    ),
    Measure(
        "octave_correlation", "r octaves", 3,
        "the same within each octave from 63 Hz, mean over octaves: tones and narrow bands agree by chance",
        lambda stretch: float(mean_defined(np.abs(stretch.octaves).max(axis=1))),
    ),
    Measure(
        "log_mel_db", "log-mel (dB)", 2,
        "mean absolute difference of mel cells, floored 60 dB below the mid's loudest",
        SideAnalysis.log_mel_db, compared=True, swept=True,
    ),
    Measure(
        "colour_db", "colour (dB)", 2,
        "standard deviation over third octaves from 63 Hz of the level difference",
        SideAnalysis.colour_db, compared=True,
    ),
    Measure(
        "onset_correlation", "onsets", 3,
        "correlation of the onset envelopes (project-defined): 1 where transients stay in time",
        SideAnalysis.onset_correlation, compared=True, swept=True,
    ),
    Measure(
        "haze_db", "haze (dB)", 2,
        "mean excess of the side's cells over the largest of the mid's within 21 Hz and a frame of 186 ms: 0 "
        "where nothing sounds that the mid has not",
        SideAnalysis.haze_db, compared=True, swept=True,
    ),
    _movement("modulation_below_1_hz_db", "mod. < 1 Hz", _MODULATION.format("below 1 Hz")),
    _movement("modulation_1_to_4_hz_db", "mod. 1–4 Hz", "the same from 1 to 4 Hz"),
    _movement("modulation_4_to_16_hz_db", "mod. 4–16 Hz", "the same from 4 to 16 Hz"),
    _movement("modulation_16_to_40_hz_db", "mod. 16–40 Hz", "the same from 16 to 40 Hz"),
    _movement("level_difference_db", "L−R", "standard deviation over time of left minus right by band"),
    _movement("level_difference_change_db", "L−R change", "its mean change per 11.6 ms"),
    Measure(
        "own_mel", "own side, mel", 2,
        "distance to the recording's own side over mel bands, no unit: MusicHiFi's, with both sides at "
        f"{DISTANCE_LEVEL_DB:g} dB re full scale",
        SideAnalysis.own_mel, OWN, compared=True, swept=True,
    ),
    Measure(
        "own_stft", "own side, STFT", 2, "the same over the bins of the STFT",
        SideAnalysis.own_stft, OWN, compared=True, swept=True,
    ),
    Measure(
        "own_levels_db", "own side, levels (dB)", 2,
        "mean absolute difference of third-octave levels from DC to Nyquist, levels matched",
        SideAnalysis.own_levels_db, OWN,
    ),
    Measure(
        "crest_change_db", "crest (dB)", 2,
        "crest factor of the side minus that of the mid (project-defined)",
        SideAnalysis.crest_change_db,
    ),
    Measure(
        "pre_echo_db", "pre-echo (dB)", 2,
        "level of the side in the 20 ms before the mid's attacks minus the mid's there (project-defined): "
        "above 0 where attacks are smeared ahead",
        SideAnalysis.pre_echo_db,
    ),
    Measure(
        "level_db", "level (dB)", 2, "RMS of the side re the mid, as it came",
        lambda stretch: stretch.side.level_db - stretch.source.level_db,
    ),
    Measure(
        "below_30_hz_db", "< 30 Hz (dB)", 1,
        "the same of what lies below 30 Hz, DC included: above 0 is a defect",
        lambda stretch: stretch.band_change_db(0), MID,
    ),
    Measure(
        "near_nyquist_db", "> 0.9 Nyquist (dB)", 1,
        "the same of what lies above 0.9 of the Nyquist frequency",
        SideAnalysis.near_nyquist_db, MID,
    ),
    Measure(
        "loudness_change_lu", "loudness (LU)", 2,
        "BS.1770 loudness of the stereo minus that of the mid on both channels",
        SideAnalysis.loudness_change_lu, MID,
    ),
    Measure(
        "fold_down_error_db", "fold-down (dB)", 0,
        f"(L+R)/2 minus the mono input, re that: below −120; {EXACT_DB:.0f} means none",
        SideAnalysis.fold_down_error_db, MID,
    ),
)  # fmt: skip

MEASURES = {measure.name: measure for measure in ALL}
COMPARED = [measure.name for measure in ALL if measure.compared]
SWEPT = [measure.name for measure in ALL if measure.swept]
# A file has no side other than its own, and its mid is its fold-down.
OF_A_FILE = [measure.name for measure in ALL if measure.needs != OWN and measure.name != "fold_down_error_db"]


@dataclass(frozen=True)
class Readings:
    """Numbers, all finite, and why others are missing; both by measure."""

    values: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def take_measures(stretch: SideAnalysis, names: Iterable[str] = tuple(MEASURES)) -> Readings:
    """Take the measures of these names."""
    readings = Readings()
    for name in names:
        measure = MEASURES[name]
        try:
            _require_sound(stretch, measure.needs)
            value = float(measure.take(stretch))
            if not np.isfinite(value):
                raise AudioError("undefined for this signal")
            readings.values[name] = value
        except AudioError as reason:
            readings.reasons[name] = str(reason)
    return readings


def no_readings(reason: str, names: Iterable[str] = tuple(MEASURES)) -> Readings:
    """Nothing of these names, for one reason."""
    return Readings(reasons=dict.fromkeys(names, reason))


def in_words(reasons: Mapping[str, str]) -> str:
    """Reasons by measure; those that share one are named together.

    >>> in_words({"log_mel_db": "the side is silent", "colour_db": "the side is silent"})
    'log-mel (dB), colour (dB): the side is silent'
    """
    together: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        together.setdefault(reason, []).append(MEASURES[name].heading)
    if len(together) == 1 and len(reasons) == len(MEASURES):
        return f"nothing: {next(iter(together))}"
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in together.items())


def _require_sound(stretch: SideAnalysis, needs: str) -> None:
    if stretch.mid.silent:
        raise AudioError("the mid is silent")
    below_db = stretch.mid.level_db - stretch.side.level_db
    if below_db < MONO_DB:
        raise AudioError(f"opposite phase: the mid lies {-below_db:.0f} dB below the side")
    if needs == MID:
        return
    if stretch.side.silent:
        raise AudioError("the side is silent")
    if below_db > -MONO_DB:
        raise AudioError(f"mono: the side lies {below_db:.0f} dB below the mid")

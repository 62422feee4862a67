"""What is measured of one mid and the side made for it: similarity, timbre, transients, level.

The signal processing is `mono2stereo.dsp`'s; here is what it is applied to and how the results are called
wherever they are written. No single number will do: a long delay passes for incoherent at a short window,
any short filter looks coherent at a long one, and level-matched measures do not see a mean offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mono2stereo.dsp.bands import (
    colour_db,
    level_db,
    level_match,
    third_octave_edges_hz,
    third_octave_levels_db,
)
from mono2stereo.dsp.coherence import coherence_floor, mel_coherence
from mono2stereo.dsp.correlation import lagged_correlation
from mono2stereo.dsp.loudness import integrated_lufs
from mono2stereo.dsp.mel import log_mel_distance_db, mel_centres_hz
from mono2stereo.dsp.mid_side import decode, encode
from mono2stereo.dsp.onsets import crest_factor_db, onset_correlation
from mono2stereo.dsp.signals import Signal, mean_defined, require_pair
from mono2stereo.dsp.stft import Stft

FRAME_LENGTHS = (1024, 4096)
MAX_LAG_MS = 120
COLOUR_FROM_HZ = 50.0
NEAR_NYQUIST = 0.9
SILENT_PART_DB = -60.0  # re its stretch
LOWEST_DB = -100.0  # re the mid: what lies lower counts as nothing, on either side of a ratio
EXACT_DB = -200.0


def _measure(heading: str, decimals: int, explanation: str) -> Any:
    return field(metadata={"heading": heading, "decimals": decimals, "explanation": explanation})


@dataclass(frozen=True)
class Measures:
    """One stretch's numbers, each explained where it is declared. NaN: undefined, as for a silent side."""

    coherence_1024: float = _measure(
        "coherence 1024", 3, "mean over 80 mel bands, frames of 1024 samples: 1 for a copy"
    )
    coherence_4096: float = _measure(
        "coherence 4096", 3, "the same at frames of 4096 samples, which echoes and short filters do not evade"
    )
    correlation_at_zero_lag: float = _measure("r at lag 0", 3, "magnitude of the correlation of mid and side")
    largest_correlation: float = _measure(
        f"r ±{MAX_LAG_MS} ms", 3, f"the largest magnitude at any lag within ±{MAX_LAG_MS} ms: 1 for an echo"
    )
    log_mel_db: float = _measure(
        "log-mel (dB)", 2, "mean absolute difference of mel cells, floored 60 dB below the mid's loudest"
    )
    colour_db: float = _measure(
        "colour (dB)", 2, "standard deviation over third octaves from 63 Hz of the level difference"
    )
    onset_correlation: float = _measure(
        "onsets", 3, "correlation of the onset envelopes (project-defined): 1 where transients stay in time"
    )
    crest_change_db: float = _measure(
        "crest (dB)", 2, "crest factor of the side minus that of the mid (project-defined)"
    )
    level_db: float = _measure("level (dB)", 2, "RMS of the side re the mid, as it came")
    below_30_hz_db: float = _measure(
        "< 30 Hz (dB)", 1, "the same of what lies below 30 Hz, DC included: above 0 is a defect"
    )
    near_nyquist_db: float = _measure(
        "> 0.9 Nyquist (dB)", 1, "the same of what lies above 0.9 of the Nyquist frequency"
    )
    loudness_change_lu: float = _measure(
        "loudness (LU)", 2, "BS.1770 loudness of the stereo minus that of the mid on both channels"
    )
    fold_down_error_db: float = _measure(
        "fold-down (dB)", 0, f"(L+R)/2 minus the mid, re the mid: below −120; {EXACT_DB:.0f} means none"
    )


class Measurement:
    """A mid and its side, measured on demand; what is costly is computed once.

    Args:
        mid: (samples,), at least half a second, not silent.
        side: (samples,). What compares a silent one with the mid is NaN.
        sample_rate: Hz.
        coherence_seconds: Coherence is averaged over as many whole parts of this length as fit.

    Raises:
        AudioError: lengths differ, or (from the measures) too short, such as for 16 coherence frames.
    """

    def __init__(self, *, mid: Signal, side: Signal, sample_rate: int, coherence_seconds: float) -> None:
        require_pair(mid, side, "mid and side")
        self.mid, self.side, self.sample_rate = mid, side, sample_rate
        self.part_samples = part_samples(len(mid), sample_rate, coherence_seconds)

    @cached_property
    def coherence_by_band(self) -> dict[int, Signal]:
        """By frame length, (n_mels,): means over the parts in which both signals sound."""
        parts = list(self._sounding_parts())
        return {
            length: mean_defined([mel_coherence(mid, side, self.sample_rate, length) for mid, side in parts])
            for length in FRAME_LENGTHS
        }

    def coherence(self, frame_length: int) -> float:
        """Mean over the mel bands that have energy."""
        return float(mean_defined(self.coherence_by_band[frame_length]))

    @cached_property
    def log_mel_db(self) -> float:
        """Distance of the level-matched side from the mid."""
        if not self.side.any():
            return np.nan
        return log_mel_distance_db(estimate=self.side, reference=self.mid, sample_rate=self.sample_rate)

    @property
    def measures(self) -> Measures:
        """All numbers."""
        mid, side, rate = self.mid, self.side, self.sample_rate
        sounds = bool(side.any())
        correlation = np.abs(self._correlation)
        return Measures(
            coherence_1024=self.coherence(1024),
            coherence_4096=self.coherence(4096),
            correlation_at_zero_lag=float(correlation[len(correlation) // 2]),
            largest_correlation=float(correlation.max()),
            log_mel_db=self.log_mel_db,
            colour_db=colour_db(estimate=side, reference=mid, sample_rate=rate, low_hz=COLOUR_FROM_HZ)
            if sounds
            else np.nan,
            onset_correlation=onset_correlation(mid, side, rate),
            crest_change_db=crest_factor_db(side) - crest_factor_db(mid),
            level_db=level_db(side) - level_db(mid) if sounds else np.nan,
            below_30_hz_db=self._change_db(*(third_octave_levels_db(x, rate)[0] for x in (side, mid))),
            near_nyquist_db=self._change_db(near_nyquist_level_db(side), near_nyquist_level_db(mid)),
            loudness_change_lu=loudness_change_lu(mid, side, rate),
            fold_down_error_db=fold_down_error_db(mid, side),
        )

    @property
    def curves(self) -> dict[str, Signal]:
        """What the numbers sum up, over the axes of `curve_axes`."""
        bands = {f"coherence_{length}": bands for length, bands in self.coherence_by_band.items()}
        starts = (np.arange(-MAX_LAG_MS, MAX_LAG_MS + 1) - 0.5) * self.sample_rate / 1000
        starts_samples = np.ceil(starts).astype(int) + len(self._correlation) // 2
        return {
            **bands,
            "levels": long_term_levels_db(level_match(self.side, self.mid), self.mid, self.sample_rate),
            "correlogram": np.maximum.reduceat(np.abs(self._correlation), np.maximum(starts_samples, 0)),
        }

    @cached_property
    def _correlation(self) -> Signal:
        return lagged_correlation(self.mid, self.side, round(MAX_LAG_MS * self.sample_rate / 1000))

    def _sounding_parts(self) -> Iterator[tuple[Signal, Signal]]:
        signals = (self.mid, self.side)
        lowest = [level_db(signal) + SILENT_PART_DB for signal in signals]
        for start in range(0, len(self.mid) - self.part_samples + 1, self.part_samples):
            mid, side = (signal[start : start + self.part_samples] for signal in signals)
            if level_db(mid) > lowest[0] and level_db(side) > lowest[1]:
                yield mid, side

    def _change_db(self, side_db: float, mid_db: float) -> float:
        lowest = level_db(self.mid) + LOWEST_DB
        return float(max(side_db, lowest) - max(mid_db, lowest))


def part_samples(samples: int, sample_rate: int, coherence_seconds: float) -> int:
    """Length of the parts that coherence is averaged over: all of a stretch that is no longer."""
    return min(round(coherence_seconds * sample_rate), samples)


def coherence_floors(sample_rate: int, coherence_seconds: float) -> dict[int, float]:
    """Coherence that independent signals show over one part, by frame length.

    >>> {length: round(floor, 2) for length, floor in coherence_floors(22050, 3.0).items()}
    {1024: 0.08, 4096: 0.16}
    """
    samples = round(coherence_seconds * sample_rate)
    return {length: coherence_floor(1 + (samples - length) // (length // 4)) for length in FRAME_LENGTHS}


def curve_axes(sample_rate: int) -> dict[str, tuple[str, Signal]]:
    """Name and values of each curve's axis; the third octave from DC to 30 Hz stands at 0 Hz."""
    edges = third_octave_edges_hz(sample_rate)
    mel_bands = ("frequency_hz", mel_centres_hz(sample_rate))
    return {
        **{f"coherence_{length}": mel_bands for length in FRAME_LENGTHS},
        "levels": ("frequency_hz", np.sqrt(edges[:-1] * edges[1:])),
        "correlogram": ("lag_ms", np.arange(-MAX_LAG_MS, MAX_LAG_MS + 1)),
    }


def long_term_levels_db(x: Signal, mid: Signal, sample_rate: int) -> Signal:
    """Third-octave levels of (samples,) re the whole mid's, (n_bands,), from -100 dB up."""
    return np.maximum(third_octave_levels_db(x, sample_rate) - level_db(mid), LOWEST_DB)


def near_nyquist_level_db(x: Signal) -> float:
    """Level in dB re full scale of what lies above 0.9 of the Nyquist frequency."""
    stft = Stft(FRAME_LENGTHS[0], FRAME_LENGTHS[0] // 2, FRAME_LENGTHS[0])
    powers = np.sum(np.abs(stft.analyse(x.astype(np.float64))) ** 2, axis=0)
    powers[1:-1] *= 2
    above = powers[round(NEAR_NYQUIST * (stft.n_bins - 1)) :].sum()
    return level_db(x) + 10 * np.log10(max(above, 1e-30) / max(powers.sum(), 1e-30))


def loudness_change_lu(mid: Signal, side: Signal, sample_rate: int) -> float:
    """BS.1770 loudness of the stereo re the mid on both channels; NaN where either is too quiet for one."""
    mono = integrated_lufs(np.stack([mid, mid], axis=1), sample_rate)
    change = integrated_lufs(decode(mid, side), sample_rate) - mono
    return change if np.isfinite(change) else np.nan


def fold_down_error_db(mid: Signal, side: Signal) -> float:
    """Level re the mid of what folding the stereo down adds to it; -200 for nothing.

    >>> fold_down_error_db(np.array([0.5, -0.5]), np.array([0.25, 0.25]))
    -200.0
    """
    folded, _ = encode(decode(mid, side))
    return max(level_db(folded - mid) - level_db(mid), EXACT_DB)

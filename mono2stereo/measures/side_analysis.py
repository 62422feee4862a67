"""A mid and the side made for it, compared: similarity, timbre, transients, level, the recording's own side.

No single number will do: a long delay passes for incoherent at a short window, any short filter looks
coherent at a long one, and level-matched measures do not see a mean offset. What cannot be told raises
AudioError, whose text is the reason that tables give.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mono2stereo.dsp import haze
from mono2stereo.dsp.bands import level_db, levels_distance_db, levels_spread_db, third_octave_edges_hz
from mono2stereo.dsp.coherence import (
    coherence_floor,
    coherence_of_spectra,
    critical_band_coherence,
    critical_band_lengths,
)
from mono2stereo.dsp.correlation import lagged_correlation, octave_centres_hz, octave_correlation
from mono2stereo.dsp.distances import magnitude_distance
from mono2stereo.dsp.loudness import integrated_lufs
from mono2stereo.dsp.mel import cells_distance_db, mel_centres_hz
from mono2stereo.dsp.mid_side import decode, encode
from mono2stereo.dsp.movement import FIGURES, movement
from mono2stereo.dsp.onsets import crest_factor_db, envelope_correlation, pre_echo_db
from mono2stereo.dsp.signals import Signal, mean_defined, require_pair
from mono2stereo.errors import AudioError
from mono2stereo.measures.signal_analysis import SignalAnalysis

# By frame length, how long the parts are over which coherence is taken: always as long, since what
# independent signals read depends on it.
COHERENCE_SECONDS = {1024: 3.0, 4096: 3.0, 16384: 10.0}
CRITICAL_BAND_SECONDS = 3.0
MOVEMENT_SECONDS = 3.0  # at least: slow modulation takes time to tell
FEWEST_FRAMES = 30
MAX_LAG_MS = 120
COLOUR_FROM_HZ = 50.0
LOWEST_DB = -100.0  # re the mid: what lies lower counts as nothing, on either side of a ratio
EXACT_DB = -200.0
MONO_DB = -60.0  # re the mid: a side below it is what rounding left of a mono recording
DISTANCE_LEVEL_DB = -20.0  # re full scale: the level at which the distances to the own side are taken


class SideAnalysis:
    """What can be measured of one stretch; what is costly is computed once.

    Args:
        mid: of the stereo that was made, at least half a second, not silent.
        side: of it.
        own: the recording's own side; None where there is no recording to compare with.
        source: the mono signal it was made from; without it, the mid. Coherence and correlation compare mid
            and side, all else the side and the source: for a method that changes the mid (Haas) no colour of
            its mid excuses that of its side.

    Raises:
        AudioError: lengths differ, or (from the measures) what is asked cannot be told, and why.
    """

    def __init__(
        self,
        mid: SignalAnalysis,
        side: SignalAnalysis,
        own: SignalAnalysis | None = None,
        source: SignalAnalysis | None = None,
    ) -> None:
        require_pair(mid.x, side.x, "mid and side")
        self.mid, self.side, self.own, self.sample_rate = mid, side, own, mid.sample_rate
        self.source = source or mid

    def coherence_by_band(self, frame_length: int) -> Signal:
        """(n_mels,): mean over the parts in which both signals sound."""
        part = part_samples(frame_length, self.sample_rate)
        if len(self.mid.x) < part:
            raise AudioError(
                f"{len(self.mid.x) / self.sample_rate:.3g} s; "
                f"taken over parts of {COHERENCE_SECONDS[frame_length]:g} s"
            )
        if (frames := coherence_frames(frame_length, self.sample_rate)) < FEWEST_FRAMES:
            raise AudioError(f"{frames} frames in a part at {self.sample_rate} Hz; at least {FEWEST_FRAMES}")
        if frame_length not in self._coherence:
            parts = zip(*(each.spectra(frame_length, part) for each in (self.mid, self.side)), strict=True)
            sounding = [(mid, side) for mid, side in parts if len(mid) and len(side)]
            if not sounding:
                raise AudioError("no part in which mid and side sound")
            self._coherence[frame_length] = mean_defined(
                [coherence_of_spectra(mid, side, self.sample_rate) for mid, side in sounding]
            )
        return self._coherence[frame_length]

    @cached_property
    def _coherence(self) -> dict[int, Signal]:
        return {}

    def coherence(self, frame_length: int) -> float:
        """Mean over the mel bands that have energy."""
        return float(mean_defined(self.coherence_by_band(frame_length)))

    def critical_band_coherence(self) -> float:
        """Mean over the bands that have energy, over the parts in which both signals sound."""
        part = round(CRITICAL_BAND_SECONDS * self.sample_rate)
        if len(self.mid.x) < part:
            raise AudioError(
                f"{len(self.mid.x) / self.sample_rate:.3g} s; taken over parts of {CRITICAL_BAND_SECONDS:g} s"
            )
        lengths = [int(length) for length in np.unique(critical_band_lengths(self.sample_rate))]
        mids, sides = (
            [dict(zip(lengths, each, strict=True)) for each in zip(*spectra, strict=True)]
            for spectra in ([x.spectra(n, part) for n in lengths] for x in (self.mid, self.side))
        )
        bands = [
            critical_band_coherence(mid, side, self.sample_rate)
            for mid, side in zip(mids, sides, strict=True)
            if len(mid[lengths[0]]) and len(side[lengths[0]])
        ]
        if not bands:
            raise AudioError("no part in which mid and side sound")
        return float(mean_defined(mean_defined(bands)))

    @cached_property
    def movement(self) -> dict[str, float]:
        """Figures of `dsp.movement` by name, over the whole stretch."""
        if len(self.mid.x) < MOVEMENT_SECONDS * self.sample_rate:
            raise AudioError(
                f"{len(self.mid.x) / self.sample_rate:.3g} s; movement takes {MOVEMENT_SECONDS:g} s"
            )
        figures = movement(self.mid.x, self.side.x, self.sample_rate)
        return dict(zip(FIGURES, map(float, figures), strict=True))

    def haze_db(self) -> float:
        return haze.haze_of_cells(
            estimate=haze.cells(self.side.x, self.sample_rate) * self._gain**2,
            mask=self.source.haze_mask,
            sample_rate=self.sample_rate,
        )

    @cached_property
    def correlation(self) -> Signal:
        """Over lags of ±120 ms, from -1 to 1; positive lags: the side comes later."""
        return lagged_correlation(self.mid.x, self.side.x, self._max_lag)

    @cached_property
    def octaves(self) -> Signal:
        """The same per octave, (n_octaves, lags)."""
        return octave_correlation(self.mid.x, self.side.x, self.sample_rate, self._max_lag)

    @property
    def _max_lag(self) -> int:
        return round(MAX_LAG_MS * self.sample_rate / 1000)

    def log_mel_db(self) -> float:
        return cells_distance_db(
            estimate=self.side.mel_cells * self.side.mel_cells.dtype.type(self._gain),
            reference=self.source.mel_cells,
        )

    def colour_db(self) -> float:
        return levels_spread_db(
            estimate=self.side.third_octaves_db + 20 * np.log10(self._gain),
            reference=self.source.third_octaves_db,
            sample_rate=self.sample_rate,
            low_hz=COLOUR_FROM_HZ,
        )

    @property
    def _gain(self) -> float:
        return self.side.gain_to(self.source)

    def onset_correlation(self) -> float:
        correlation = envelope_correlation(self.source.onset_envelope, self.side.onset_envelope)
        return _told(correlation, "no onsets: the level never rises")

    def pre_echo_db(self) -> float:
        echo = pre_echo_db(estimate=self.side.x, reference=self.source.x, sample_rate=self.sample_rate)
        return _told(echo, "the mid has no attack, no rise of 10 dB within 20 ms")

    def crest_change_db(self) -> float:
        return crest_factor_db(self.side.x) - crest_factor_db(self.source.x)

    def band_change_db(self, band: int) -> float:
        return self._change_db(self.side.third_octaves_db[band], self.source.third_octaves_db[band])

    def near_nyquist_db(self) -> float:
        return self._change_db(self.side.near_nyquist_db, self.source.near_nyquist_db)

    def _change_db(self, side_db: float, mid_db: float) -> float:
        lowest = self.source.level_db + LOWEST_DB
        return float(max(side_db, lowest) - max(mid_db, lowest))

    def loudness_change_lu(self) -> float:
        """BS.1770 loudness of the stereo re the mid on both channels."""
        mono = integrated_lufs(np.stack([self.source.x, self.source.x], axis=1), self.sample_rate)
        change = integrated_lufs(decode(self.mid.x, self.side.x), self.sample_rate) - mono
        return _told(change, "too quiet for a loudness, below -70 LUFS throughout")

    def fold_down_error_db(self) -> float:
        """Level, re what the stereo was made from, of what folding it down adds to that; -200 for nothing."""
        folded, _ = encode(decode(self.mid.x, self.side.x))
        return max(level_db(folded - self.source.x) - level_db(self.source.x), EXACT_DB)

    def own_mel(self) -> float:
        return self._own_distance("distance_cells")

    def own_stft(self) -> float:
        return self._own_distance("distance_magnitudes")

    def own_levels_db(self) -> float:
        own = self._own()
        change = 20 * np.log10(self.side.gain_to(own))
        return levels_distance_db(
            estimate=self.side.third_octaves_db + change, reference=own.third_octaves_db
        )

    def _own_distance(self, what: str) -> float:
        own = self._own()
        scaled = []
        for each in (self.side, own):
            gain = 10 ** ((DISTANCE_LEVEL_DB - each.level_db) / 20)
            scaled.append({n: value * value.dtype.type(gain) for n, value in getattr(each, what).items()})
        return magnitude_distance(estimate=scaled[0], reference=scaled[1])

    def _own(self) -> SignalAnalysis:
        if self.own is None or self.own.silent or self.own.level_db < self.mid.level_db + MONO_DB:
            raise AudioError("the recording has no side of its own")
        return self.own

    @property
    def curves(self) -> dict[str, Signal]:
        """What the numbers sum up, over the axes of `curve_axes`; NaN where it cannot be told."""
        axes = curve_axes(self.sample_rate)
        starts = (np.arange(-MAX_LAG_MS, MAX_LAG_MS + 1) - 0.5) * self.sample_rate / 1000
        starts_samples = np.maximum(np.ceil(starts).astype(int) + self._max_lag, 0)
        octaves = np.abs(self.octaves)
        curves = {
            "levels": self.levels_re_mid_db(self.side.third_octaves_db + 20 * np.log10(self._gain)),
            "correlogram": np.maximum.reduceat(np.abs(self.correlation), starts_samples),
            "octaves": octaves.max(axis=1),
            "octaves_at_zero_lag": octaves[:, self._max_lag],
        }
        for length in COHERENCE_SECONDS:
            name = f"coherence_{length}"
            try:
                curves[name] = self.coherence_by_band(length)
            except AudioError:
                curves[name] = np.full(len(axes[name][1]), np.nan)
        return curves

    def levels_re_mid_db(self, third_octaves_db: Signal) -> Signal:
        """Third-octave levels re the whole mid's, from -100 dB up."""
        return np.maximum(third_octaves_db - self.source.level_db, LOWEST_DB)


def part_samples(frame_length: int, sample_rate: int) -> int:
    """Length of the parts over which coherence at `frame_length` is taken."""
    return round(COHERENCE_SECONDS[frame_length] * sample_rate)


def coherence_frames(frame_length: int, sample_rate: int) -> int:
    """Frames in a part."""
    return 1 + (part_samples(frame_length, sample_rate) - frame_length) // (frame_length // 4)


def coherence_floors(sample_rate: int) -> dict[int, float]:
    """What independent signals read over one part, by frame length; without those that have too few frames.

    >>> {length: round(floor, 2) for length, floor in coherence_floors(22050).items()}
    {1024: 0.08, 4096: 0.16, 16384: 0.17}
    """
    frames = {length: coherence_frames(length, sample_rate) for length in COHERENCE_SECONDS}
    return {length: coherence_floor(count) for length, count in frames.items() if count >= FEWEST_FRAMES}


def curve_axes(sample_rate: int) -> dict[str, tuple[str, Signal]]:
    """Name and values of each curve's axis; the third octave from DC to 30 Hz stands at 0 Hz."""
    edges = third_octave_edges_hz(sample_rate)
    octaves = ("frequency_hz", octave_centres_hz(sample_rate).round(1))
    return {
        **{
            f"coherence_{length}": ("frequency_hz", mel_centres_hz(sample_rate))
            for length in COHERENCE_SECONDS
        },
        "levels": ("frequency_hz", np.sqrt(edges[:-1] * edges[1:])),
        "correlogram": ("lag_ms", np.arange(-MAX_LAG_MS, MAX_LAG_MS + 1)),
        "octaves": octaves,
        "octaves_at_zero_lag": octaves,
    }


def _told(value: float, otherwise: str) -> float:
    if not np.isfinite(value):
        raise AudioError(otherwise)
    return value

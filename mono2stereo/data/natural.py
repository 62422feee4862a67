"""What is natural in real recordings: their width per band, and how coherent their side is and how it moves.

Levels are taken at a recording's own rate, before it is resampled, so that the width reaches 20 kHz.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from mono2stereo.data.pairs import Natural, NaturalWidth
from mono2stereo.dsp.bands import band_powers, third_octave_edges_hz
from mono2stereo.dsp.movement import FIGURES

WIDTH_EDGES_HZ = third_octave_edges_hz(40_000)[1:]  # from 30 Hz to 20 kHz
WIDTH_CENTRES_HZ = np.sqrt(WIDTH_EDGES_HZ[1:] * WIDTH_EDGES_HZ[:-1])
CODECS_THIN_ABOVE_HZ = 8000.0
CODEC_DROP_DB = 20.0
_SILENCE = 1e-30


class OwnRateLevels:
    """Long-term third-octave levels of mid and side, block by block: half-second Hann frames, half apart."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._length = sample_rate // 2
        self._window = np.hanning(self._length + 1)[:-1].astype(np.float32)
        self._rest = np.zeros((0, 2), np.float32)
        self._power = np.zeros((2, self._length // 2 + 1))

    def add(self, mid_side: NDArray[np.float32]) -> None:
        """Take the next block (samples, 2)."""
        joined = np.concatenate([self._rest, mid_side])
        step = self._length // 2
        count = max((len(joined) - self._length) // step + 1, 0)
        for start in range(0, count * step, step):  # one at a time: a block at a low rate holds many
            frame = joined[start : start + self._length].T * self._window
            self._power += np.abs(scipy.fft.rfft(frame)) ** 2
        self._rest = joined[count * step :]

    def levels_db(self) -> NDArray[np.float64]:
        """(2, n_bands) of mid and side re the loudest band of both; NaN in bands that reach past Nyquist."""
        powers = np.stack([band_powers(power, self.sample_rate, WIDTH_EDGES_HZ) for power in self._power])
        powers[:, WIDTH_EDGES_HZ[1:] > self.sample_rate / 2] = np.nan
        levels: NDArray[np.float64] = 10 * np.log10(np.maximum(powers, _SILENCE))
        return levels - np.nanmax(levels)


def thinned_by_codec(levels_db: NDArray[np.float64]) -> bool:
    """Whether mid or side falls off a cliff above 8 kHz, as the low-pass or joint stereo of a codec has it.

    The rule: a level more than 20 dB below that of the third octave before. Recordings' own treble falls
    by less, and silence falls from nowhere.

    Args:
        levels_db: (2, n_bands), from `OwnRateLevels`.
    """
    high = np.flatnonzero(WIDTH_CENTRES_HZ > CODECS_THIN_ABOVE_HZ)
    with np.errstate(invalid="ignore"):
        return bool(np.any(levels_db[:, high - 1] - levels_db[:, high] > CODEC_DROP_DB))


def side_to_mid_bands_db(levels_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """Side against mid per band, (n_bands,); NaN where the recording does not tell."""
    bands: NDArray[np.float64] = levels_db[1] - levels_db[0]
    if thinned_by_codec(levels_db):
        bands = np.where(WIDTH_CENTRES_HZ > CODECS_THIN_ABOVE_HZ, np.nan, bands)
    return bands


def natural(
    levels_db: Sequence[NDArray[np.float64]],
    coherence: Sequence[Mapping[int, NDArray[np.float64]]],
    movement: Sequence[NDArray[np.float64]],
    *,
    crop_samples: int,
) -> Natural:
    """Medians over tracks.

    Args:
        levels_db: by track, from `OwnRateLevels`.
        coherence: by track: by window length the coherence of mid and side per mel band.
        movement: by track: the figures of `dsp.movement`.
        crop_samples: what coherence and movement were measured over.
    """
    bands = np.stack([side_to_mid_bands_db(levels) for levels in levels_db])
    recordings = np.sum(~np.isnan(bands), axis=0)
    width = NaturalWidth(
        frequency_hz=[round(float(hz), 1) for hz in WIDTH_CENTRES_HZ[recordings > 0]],
        side_to_mid_db=[round(float(db), 2) for db in np.nanmedian(bands[:, recordings > 0], axis=0)],
        recordings=[int(count) for count in recordings[recordings > 0]],
    )
    medians = {length: _median([track[length] for track in coherence]) for length in coherence[0]}
    moves = dict(zip(FIGURES, map(_median_told, np.transpose(movement)), strict=True))
    return Natural(width, crop_samples, {str(length): bands for length, bands in medians.items()}, moves)


def _median_told(values: NDArray[np.float64]) -> float | None:
    """Over those that are not NaN; None where all are."""
    defined = values[~np.isnan(values)]
    return round(float(np.median(defined)), 4) if len(defined) else None


def _median(bands: Sequence[NDArray[np.float64]]) -> list[float]:
    stacked = np.stack(bands)
    defined = ~np.isnan(stacked).all(axis=0)
    medians = np.zeros(stacked.shape[1])  # a band that no track has needs no floor
    medians[defined] = np.nanmedian(stacked[:, defined], axis=0)
    return [round(float(value), 4) for value in medians]

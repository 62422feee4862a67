"""One signal and what the measures need of it, each computed once however many others it is compared with."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mono2stereo.dsp import distances, haze
from mono2stereo.dsp.bands import level_db, third_octave_levels_db
from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.dsp.onsets import rises_db
from mono2stereo.dsp.signals import Signal, require_mono
from mono2stereo.dsp.stft import Stft

FRAMES = Stft(frame_length=1024, frame_step=256, fft_length=1024)
NEAR_NYQUIST = 0.9
SILENT_DB = -120.0  # re full scale
SILENT_PART_DB = -60.0  # re its stretch


class SignalAnalysis:
    """What is known of a signal, found out on demand.

    Args:
        x: (samples,).
        sample_rate: Hz.

    Raises:
        AudioError: not a waveform, or (on demand) too short for what is asked.
    """

    def __init__(self, x: Signal, sample_rate: int) -> None:
        require_mono(x, "x", samples=1)
        self.x, self.sample_rate = x, sample_rate
        self._spectra: dict[tuple[int, int], list[Signal]] = {}

    @cached_property
    def level_db(self) -> float:
        """RMS re full scale."""
        return level_db(self.x)

    @property
    def silent(self) -> bool:
        """Whether there is nothing to compare."""
        return self.level_db < SILENT_DB

    def gain_to(self, other: SignalAnalysis) -> float:
        """Factor that brings this signal to the RMS of `other`; 1 for silence."""
        return 1.0 if self.silent else float(10 ** ((other.level_db - self.level_db) / 20))

    @cached_property
    def magnitudes(self) -> Signal:
        """(frames, n_bins) of 1024 samples every 256."""
        return np.abs(FRAMES.analyse(self.x))

    @cached_property
    def mel_cells(self) -> Signal:
        """(frames, 80) mel magnitudes."""
        weights = mel_filterbank(self.sample_rate, FRAMES.fft_length)
        return self.magnitudes @ weights.T.astype(self.x.dtype)

    @cached_property
    def onset_envelope(self) -> Signal:
        """(frames - 1,) dB."""
        return rises_db(self.mel_cells)

    @cached_property
    def haze_mask(self) -> Signal:
        """What `dsp.haze` lets a side hold beside this signal, (frames, bins)."""
        return haze.mask(haze.cells(self.x, self.sample_rate))

    @cached_property
    def third_octaves_db(self) -> Signal:
        """(n_bands,) re full scale, from DC to Nyquist."""
        return third_octave_levels_db(self.x, self.sample_rate)

    @cached_property
    def near_nyquist_db(self) -> float:
        """Level re full scale of what lies above 0.9 of the Nyquist frequency."""
        powers = np.sum(self.magnitudes.astype(np.float64) ** 2, axis=0)
        powers[1:-1] *= 2
        above = powers[round(NEAR_NYQUIST * (FRAMES.n_bins - 1)) :].sum()
        return self.level_db + float(10 * np.log10(max(above, 1e-30) / max(powers.sum(), 1e-30)))

    @cached_property
    def distance_magnitudes(self) -> dict[int, Signal]:
        """What `dsp.distances` compares, by window."""
        return distances.magnitudes(self.x)

    @cached_property
    def distance_cells(self) -> dict[int, Signal]:
        """The same by mel bands."""
        return distances.mel_cells(self.distance_magnitudes, self.sample_rate)

    def spectra(self, frame_length: int, part_samples: int) -> list[Signal]:
        """STFT (frames, n_bins) at 75 % overlap of each whole part; empty where the part is silent."""
        key = frame_length, part_samples
        if key not in self._spectra:
            stft = Stft(frame_length, frame_length // 4, frame_length)
            starts = range(0, len(self.x) - part_samples + 1, part_samples)
            parts = [self.x[start : start + part_samples] for start in starts]
            lowest = max(self.level_db + SILENT_PART_DB, SILENT_DB)
            nothing = np.zeros((0, stft.n_bins), np.complex64)
            self._spectra[key] = [stft.analyse(p) if level_db(p) > lowest else nothing for p in parts]
        return self._spectra[key]

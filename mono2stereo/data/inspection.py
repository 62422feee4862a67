"""Listen to one recording block by block: is it fit for training, and what is odd about it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mono2stereo.sounds.kinds import KINDS
from mono2stereo.sounds.opening import open_sound
from mono2stereo.sounds.sound import Sound

MONO_BELOW_DB = -60.0
SILENT_BELOW_RMS = 1e-5
FULL_SCALE = 1.0 - 2.0**-15
DC_FROM = 0.01  # of full scale
CLIPPED_FROM = 1e-5  # of all samples
DIGITAL_SILENCE_FROM_SECONDS = 1.0
SAMPLE_RATES = (8000, 768000)
BLOCK_FRAMES = 1 << 17


@dataclass(frozen=True)
class Inspection:
    """What was found out about a recording.

    Attributes:
        sample_rate: Hz.
        seconds: decoded duration.
        side_to_mid_db: level of (L−R)/2 against (L+R)/2; nan where there is none.
        clipped_samples: samples at or beyond full scale, over both channels.
        unfit: why it is left out; empty where it is not.
        note: what is odd about one that is kept.
    """

    sample_rate: int
    seconds: float
    side_to_mid_db: float
    clipped_samples: int
    unfit: str
    note: str


@dataclass
class _Sums:
    """Running sums over a recording's blocks."""

    frames: int = 0
    not_finite: int = 0
    clipped: int = 0
    silent_frames: int = 0
    peak: float = 0.0
    totals: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))  # left, right
    energies: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))  # mid, side

    def add(self, block: NDArray[np.floating]) -> None:
        left, right = block[:, 0], block[:, -1]
        self.frames += len(block)
        magnitude = np.abs(block)
        self.not_finite += int(np.count_nonzero(~np.isfinite(block)))
        self.clipped += int(np.count_nonzero(magnitude >= FULL_SCALE))
        self.silent_frames += int(np.count_nonzero(magnitude.max(axis=1) == 0))
        self.peak = max(self.peak, float(magnitude.max()))
        self.totals += left.sum(), right.sum()
        self.energies += np.sum(((left + right) / 2) ** 2), np.sum(((left - right) / 2) ** 2)


def inspect_audio(path: Path, min_seconds: float) -> Inspection:
    """Decode and judge one recording in bounded memory.

    Raises:
        AudioError: it is not audio, or breaks off in the middle of a frame.
    """
    sums = _Sums()
    with open_sound(path) as audio, np.errstate(invalid="ignore", over="ignore"):
        for block in audio.blocks(BLOCK_FRAMES):
            sums.add(block)
        rate = audio.sample_rate
        seconds = sums.frames / rate
        ratio_db = _side_to_mid_db(sums)
        unfit = _unfit(sums, audio, seconds, min_seconds, ratio_db)
        notes = [] if unfit else [*_header_notes(audio, path), *_sample_notes(sums, rate)]
    measured = math.nan if unfit and "mono" not in unfit else round(ratio_db, 2)
    return Inspection(rate, round(seconds, 4), measured, sums.clipped, unfit, "; ".join(notes))


def _side_to_mid_db(sums: _Sums) -> float:
    total = float(sums.energies.sum())
    if not 0 < total < math.inf:
        return math.nan
    mid, side = np.maximum(sums.energies, 1e-30 * total)
    return 10 * math.log10(side / mid)


def _unfit(sums: _Sums, audio: Sound, seconds: float, min_seconds: float, ratio_db: float) -> str:
    """Why a recording is left out; empty where it is fit."""
    lowest, highest = SAMPLE_RATES
    if not lowest <= audio.sample_rate <= highest:
        return f"wrong header: {audio.sample_rate} Hz; from {lowest} to {highest} Hz"
    if audio.channels > 2:
        return f"{audio.channels} channels; mix it down to two"
    if audio.channels == 1:
        return "mono"
    if not sums.frames:
        return "empty"
    if seconds < min_seconds:
        return f"too short: {seconds:.2f} s, {sums.frames} samples"
    if sums.not_finite:
        return f"{sums.not_finite} samples that are not finite"
    # Without its DC offset: a constant is no sound.
    power = float(sums.energies.sum()) / sums.frames - float(np.sum((sums.totals / sums.frames) ** 2)) / 2
    if math.sqrt(max(power, 0.0)) < SILENT_BELOW_RMS:
        return "silent"
    if ratio_db < MONO_BELOW_DB:
        return "mono"
    return "channels in opposite phase" if ratio_db > -MONO_BELOW_DB else ""


def _sample_notes(sums: _Sums, sample_rate: int) -> Iterator[str]:
    offset = float(np.max(np.abs(sums.totals))) / sums.frames
    if offset >= DC_FROM:
        yield f"DC offset of {20 * math.log10(offset):.0f} dB"
    if sums.clipped > CLIPPED_FROM * 2 * sums.frames:
        yield f"{sums.clipped} samples at full scale or beyond (peak {20 * math.log10(sums.peak):+.1f} dB)"
    silence = sums.silent_frames / sample_rate
    if silence >= DIGITAL_SILENCE_FROM_SECONDS:
        yield f"{silence:.1f} s of digital silence"


def _header_notes(audio: Sound, path: Path) -> Iterator[str]:
    named = {kind.name for kind in KINDS if path.suffix.lower() in kind.suffixes}
    if named and audio.kind not in named:
        yield f"holds {audio.kind}, whatever its name says"
    if audio.missing_seconds:
        yield f"wrong header: announces {'more' if audio.missing_seconds > 0 else 'less'} audio than there is"
    yield from audio.notices

"""Excerpts as files to listen to and pictures to look at, the same for every checkpoint, equally loud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.dsp.mid_side import decode
from mono2stereo.files import atomic_path
from mono2stereo.measures import Readings
from mono2stereo.rendering.listening.stimuli import ORIGINAL, SHOWN, Stimulus, step_key
from mono2stereo.rendering.loudness_matching import HIGHEST_PEAK, fades, gain_to
from mono2stereo.rendering.spectrogram import draw_spectrograms


@dataclass(frozen=True)
class CheckpointFiles:
    """What one checkpoint made of an excerpt; paths relative to the folder of the rendering."""

    step: int
    readings: Readings
    mono: Path
    stereo: Path
    picture: Path


@dataclass(frozen=True)
class RenderedExcerpt:
    """An excerpt's files: its recording's own stereo and every checkpoint's, ascending by step."""

    own: Readings
    original: Path
    checkpoints: tuple[CheckpointFiles, ...]


def render(
    excerpt: Excerpt,
    stimuli: Mapping[str, Stimulus],
    steps: Sequence[int],
    folder: Path,
    *,
    loudness_lufs: float,
) -> RenderedExcerpt:
    """Write mono, stereo and a picture of every checkpoint, and the recording's own stereo.

    `<folder>/audio/step-000500/01_<track>_logmel-3.9dB_{mono,stereo}.wav` and `…_spectrogram.png`, and
    `<folder>/audio/original/01_<track>_original.wav`. All WAVs are 24-bit, two channels: the mono ones carry
    the mid on both, so that they play as loud as they measure. All files are equally loud; if one peaked
    above -1 dB of full scale, all of them are turned down together.

    Args:
        excerpt: what was made stereo.
        stimuli: by key, from `make_stimuli`.
        steps: the checkpoints among them.
        folder: where to write.
        loudness_lufs: integrated loudness of every file, BS.1770-4.

    Raises:
        AudioError: the excerpt is too quiet to measure.
    """
    mid, rate = excerpt.mid, excerpt.sample_rate
    original = Path("audio", ORIGINAL, f"{excerpt.name}_original.wav")
    written = []
    waveforms = {original: decode(mid, excerpt.side)}
    for step in sorted(steps):
        side, readings = stimuli[step_key(step)].side, stimuli[step_key(step)].readings
        distance_db = readings.values.get("log_mel_db")  # none of a silent side
        name = excerpt.name if distance_db is None else f"{excerpt.name}_logmel-{distance_db:.1f}dB"
        stem = Path("audio", step_key(step), name)
        mono, stereo, picture = (
            stem.with_name(f"{stem.name}_{what}") for what in ("mono.wav", "stereo.wav", "spectrogram.png")
        )
        waveforms |= {mono: np.stack([mid, mid], axis=1), stereo: decode(mid, side)}
        draw_spectrograms(
            folder / picture,
            mid=mid,
            estimate=side,
            reference=excerpt.side,
            sample_rate=rate,
            title=f"{excerpt.track}, from {excerpt.start_seconds:.1f} s, step {step}"
            + (f": log-mel difference {distance_db:.1f} dB" if distance_db is not None else ""),
        )
        written.append(CheckpointFiles(step, readings, mono, stereo, picture))
    _write_equally_loud(waveforms, folder, rate, loudness_lufs)
    return RenderedExcerpt(stimuli[ORIGINAL].readings, original, tuple(written))


def means_by_step(rendered: Sequence[RenderedExcerpt]) -> pd.DataFrame:
    """Mean of every measure over the excerpts, a row per checkpoint, indexed by step, ascending."""
    rows = [
        {"step": checkpoint.step, **_row(checkpoint.readings)}
        for excerpt in rendered
        for checkpoint in excerpt.checkpoints
    ]
    return pd.DataFrame(rows).groupby("step").mean()


def own_means(rendered: Sequence[RenderedExcerpt]) -> pd.Series:
    """Mean of every measure over the recordings' own sides: what nature does in these excerpts."""
    return pd.DataFrame([_row(excerpt.own) for excerpt in rendered]).mean()


def _row(readings: Readings) -> dict[str, float]:
    return {name: readings.values.get(name, np.nan) for name in SHOWN}


def _write_equally_loud(
    waveforms: Mapping[Path, NDArray], folder: Path, sample_rate: int, loudness_lufs: float
) -> None:
    faded = {file: stereo * fades(len(stereo), sample_rate)[:, None] for file, stereo in waveforms.items()}
    gains = {file: gain_to(loudness_lufs, stereo, sample_rate, file.name) for file, stereo in faded.items()}
    peak = max(gains[file] * float(np.abs(stereo).max()) for file, stereo in faded.items())
    common = min(1.0, HIGHEST_PEAK / peak)
    for file, stereo in faded.items():
        with atomic_path(folder / file) as partial_path:
            soundfile.write(partial_path, stereo * (gains[file] * common), sample_rate, subtype="PCM_24")

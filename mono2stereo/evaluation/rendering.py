"""Excerpts as files to listen to and pictures to look at, the same for every checkpoint, equally loud."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from mono2stereo.decorrelators import Decorrelator
from mono2stereo.dsp.coherence import mean_coherence
from mono2stereo.dsp.loudness import integrated_lufs
from mono2stereo.dsp.mel import log_mel_distance_db
from mono2stereo.dsp.mid_side import decode
from mono2stereo.errors import AudioError
from mono2stereo.evaluation.excerpts import Excerpt
from mono2stereo.evaluation.spectrogram import draw_spectrograms
from mono2stereo.files import atomic_path
from mono2stereo.progress import progress

HIGHEST_PEAK = 10 ** (-1 / 20)  # of full scale, in any file
FADE_SECONDS = 0.01


@dataclass(frozen=True)
class SideMeasures:
    """How a side relates to its mid over one excerpt.

    Attributes:
        log_mel_db: mean log-mel difference, the side at the mid's level.
        coherence_1024: mean over mel bands, frames of 1024 samples.
        coherence_4096: the same, frames of 4096 samples.
        side_to_mid_db: level of the side against the mid, at least -120.
    """

    log_mel_db: float
    coherence_1024: float
    coherence_4096: float
    side_to_mid_db: float

    @classmethod
    def of(cls, mid: NDArray, side: NDArray, sample_rate: int) -> SideMeasures:
        """Measure the side (samples,) of a mid (samples,)."""
        power_ratio = np.mean(np.square(side, dtype=np.float64)) / np.mean(np.square(mid, dtype=np.float64))
        return cls(
            log_mel_distance_db(estimate=side, reference=mid, sample_rate=sample_rate),
            mean_coherence(mid, side, sample_rate, 1024),
            mean_coherence(mid, side, sample_rate, 4096),
            float(10 * np.log10(max(power_ratio, 1e-12))),
        )


@dataclass(frozen=True)
class CheckpointFiles:
    """What one checkpoint made of an excerpt; paths relative to the folder of the rendering."""

    step: int
    measures: SideMeasures
    mono: Path
    stereo: Path
    picture: Path


@dataclass(frozen=True)
class RenderedExcerpt:
    """An excerpt with its recording's own stereo and every checkpoint's, ascending by step."""

    excerpt: Excerpt
    own: SideMeasures
    original: Path
    checkpoints: tuple[CheckpointFiles, ...]


def render(
    excerpts: Sequence[Excerpt],
    checkpoints: Mapping[int, Callable[[], Decorrelator]],
    folder: Path,
    *,
    loudness_lufs: float,
) -> list[RenderedExcerpt]:
    """Write mono, stereo and a picture of every excerpt and checkpoint, and the recording's own stereo.

    `<folder>/audio/step-000500/01_<track>_logmel-3.9dB_{mono,stereo}.wav` and `…_spectrogram.png`, and
    `<folder>/audio/original/01_<track>_original.wav`. All WAVs are 24-bit, two channels: the mono ones carry
    the mid on both, so that they play as loud as they measure. Files of an excerpt are equally loud; if one
    peaked above -1 dB of full scale, all of them are turned down together.

    Args:
        excerpts: from `choose_excerpts`.
        checkpoints: by step, what loads the decorrelator; loaded anew for each excerpt, none is kept.
        folder: where to write.
        loudness_lufs: integrated loudness of every file, BS.1770-4.

    Raises:
        AudioError: an excerpt is too quiet to measure, or a side is not finite.
    """
    return [
        _render_excerpt(excerpt, checkpoints, folder, loudness_lufs)
        for excerpt in progress(excerpts, label="render")
    ]


def means_by_step(rendered: Sequence[RenderedExcerpt]) -> pd.DataFrame:
    """Mean of every measure over the excerpts, a row per checkpoint, indexed by step, ascending."""
    rows = [
        {"step": checkpoint.step, **asdict(checkpoint.measures)}
        for one in rendered
        for checkpoint in one.checkpoints
    ]
    return pd.DataFrame(rows).groupby("step").mean()


def own_means(rendered: Sequence[RenderedExcerpt]) -> pd.Series:
    """Mean of every measure over the recordings' own sides: what nature does in these excerpts."""
    return pd.DataFrame([asdict(one.own) for one in rendered]).mean()


def _render_excerpt(
    excerpt: Excerpt,
    checkpoints: Mapping[int, Callable[[], Decorrelator]],
    folder: Path,
    loudness_lufs: float,
) -> RenderedExcerpt:
    mid, rate = excerpt.mid, excerpt.sample_rate
    sides = {step: _side(excerpt, checkpoints[step](), step) for step in sorted(checkpoints)}
    own = SideMeasures.of(mid, excerpt.side, rate)
    original = Path("audio", "original", f"{excerpt.name}_original.wav")
    written = []
    waveforms = {original: decode(mid, excerpt.side)}
    for step, side in sides.items():
        measures = SideMeasures.of(mid, side, rate)
        stem = Path("audio", f"step-{step:06d}", f"{excerpt.name}_logmel-{measures.log_mel_db:.1f}dB")
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
            title=f"{excerpt.track}, from {excerpt.start_seconds:.1f} s, step {step}: "
            f"log-mel difference {measures.log_mel_db:.1f} dB",
        )
        written.append(CheckpointFiles(step, measures, mono, stereo, picture))
    _write_equally_loud(waveforms, folder, rate, loudness_lufs)
    return RenderedExcerpt(excerpt, own, original, tuple(written))


def _side(excerpt: Excerpt, decorrelator: Decorrelator, step: int) -> NDArray:
    heard = np.concatenate([excerpt.run_in, excerpt.mid])
    side = decorrelator.side(heard, excerpt.sample_rate)[len(excerpt.run_in) :]
    if not np.isfinite(side).all():
        raise AudioError(f"{excerpt.name}, step {step}: the side is not finite; train again, more slowly")
    return side


def _write_equally_loud(
    waveforms: Mapping[Path, NDArray], folder: Path, sample_rate: int, loudness_lufs: float
) -> None:
    faded = {file: stereo * _fades(len(stereo), sample_rate) for file, stereo in waveforms.items()}
    gains = {}
    for file, stereo in faded.items():
        measured = integrated_lufs(stereo, sample_rate)
        if not np.isfinite(measured):
            raise AudioError(
                f"{file.name}: quieter than -70 LUFS; listen to another track or a longer excerpt"
            )
        gains[file] = 10 ** ((loudness_lufs - measured) / 20)
    peak = max(gains[file] * float(np.abs(stereo).max()) for file, stereo in faded.items())
    common = min(1.0, HIGHEST_PEAK / peak)
    for file, stereo in faded.items():
        with atomic_path(folder / file) as beside:
            soundfile.write(beside, stereo * (gains[file] * common), sample_rate, subtype="PCM_24")


def _fades(samples: int, sample_rate: int) -> NDArray:
    """Gains (samples, 1) that let a passage begin and end without a click."""
    from_the_edge = np.minimum(np.arange(samples), np.arange(samples)[::-1])
    ramp = np.minimum(from_the_edge / (FADE_SECONDS * sample_rate), 1.0)
    return np.sin(np.pi / 2 * ramp)[:, None] ** 2

"""Recordings → mid/side pairs at one sample rate, each with its STFT round trip verified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mono2stereo.data.manifest import OK, ManifestRow
from mono2stereo.data.own_side import OwnSide, level_bands, measure_own_side
from mono2stereo.data.pairs import PairEntry, write_index
from mono2stereo.data.parallel import map_parallel
from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import DataError
from mono2stereo.files import atomic_path

BLOCK_SAMPLES = 1 << 18
FULL_SCALE = 1.0 - 2.0**-15


@dataclass(frozen=True)
class PreprocessedTrack:
    """What preprocessing found out about one track.

    Attributes:
        entry: its line in the index of pairs.
        seconds: its length.
        round_trip_db: SNR of STFT and back on the whole mid, edges included.
        clipped_samples: input samples at full scale, over both channels.
        own_side: how its side relates to its mid.
    """

    entry: PairEntry
    seconds: float
    round_trip_db: float
    clipped_samples: int
    own_side: OwnSide


def preprocess(
    rows: Sequence[ManifestRow],
    folder: Path,
    *,
    root: Path,
    sample_rate: int,
    stft: Stft,
    min_round_trip_db: float,
) -> list[PreprocessedTrack]:
    """Write the pairs of all fit recordings to `folder`, or nothing at all.

    Args:
        rows: the manifest; rows with another status than "ok" are passed over.
        folder: where the pairs go; one that stands there is replaced.
        root: what relative paths of the manifest are relative to.
        sample_rate: of the pairs, Hz.
        stft: the transform to verify.
        min_round_trip_db: the least SNR of its round trip that any track may have.

    Raises:
        DataError: audio is missing or has changed since the manifest, or a round trip is too inexact.
    """
    fit = [row for row in rows if row.status == OK]
    with atomic_path(folder) as beside:
        work = partial(_preprocess_track, folder=beside, root=root, sample_rate=sample_rate, stft=stft)
        tracks = map_parallel(work, fit, label="preprocess")
        worst = min(tracks, key=lambda track: track.round_trip_db)
        if worst.round_trip_db < min_round_trip_db:
            raise DataError(
                f"{worst.entry.name}: STFT round trip {worst.round_trip_db:.1f} dB, below "
                f"preprocess.min_round_trip_db = {min_round_trip_db:g}; change stft.* or the limit"
            )
        write_index(beside, sample_rate, [track.entry for track in tracks])
    return tracks


def missing_audio(rows: Sequence[ManifestRow], *, root: Path) -> list[Path]:
    """Audio of fit recordings that is not where the manifest says, as in a clone with a cached manifest."""
    return [root / row.path for row in rows if row.status == OK and not (root / row.path).is_file()]


def _preprocess_track(
    row: ManifestRow, *, folder: Path, root: Path, sample_rate: int, stft: Stft
) -> PreprocessedTrack:
    source = root / row.path
    if not source.is_file() or source.stat().st_size != row.bytes:
        raise DataError(f"{source}: missing or changed since the manifest; run the stage download again")
    file = f"{row.split}/{row.track}.npy"
    (folder / row.split).mkdir(parents=True, exist_ok=True)
    try:
        clipped = write_pair(source, folder / file, sample_rate)
    except soundfile.SoundFileError as error:
        raise DataError(f"{source}: unreadable: {' '.join(str(error).split())}") from None
    mid_side = np.load(folder / file, mmap_mode="r")
    entry = PairEntry(
        name=row.track,
        split=row.split,
        file=file,
        samples=len(mid_side),
        side_to_mid_db=row.side_to_mid_db,
        mid_level_bands=_rounded(level_bands(mid_side[:, 0], sample_rate)),
        side_level_bands=_rounded(level_bands(mid_side[:, 1], sample_rate)),
    )
    return PreprocessedTrack(
        entry,
        seconds=len(mid_side) / sample_rate,
        round_trip_db=round_trip_db(mid_side[:, 0], stft),
        clipped_samples=clipped,
        own_side=measure_own_side(mid_side, sample_rate),
    )


def write_pair(source: Path, target: Path, sample_rate: int) -> int:
    """Decode, encode to mid and side, and resample one recording in bounded memory.

    The result is that of `dsp.resampling.resample` on the whole: float32 (samples, 2).

    Returns:
        The number of input samples at full scale, over both channels.
    """
    clipped = 0
    read = written = 0
    with soundfile.SoundFile(source) as audio, target.open("wb") as file:
        _write_header(file, 0)
        resampler = soxr.ResampleStream(audio.samplerate, sample_rate, 2, dtype="float32", quality="VHQ")
        for stereo, last in _blocks(audio):
            clipped += int(np.count_nonzero(np.abs(stereo) >= FULL_SCALE))
            read += len(stereo)
            pair = np.stack(encode(stereo), axis=1)
            if audio.samplerate != sample_rate:
                pair = resampler.resample_chunk(np.ascontiguousarray(pair), last=last)
            file.write(np.ascontiguousarray(pair, "<f4").tobytes())
            written += len(pair)
        # Streaming may end a sample early or late.
        samples = (2 * read * sample_rate + audio.samplerate) // (2 * audio.samplerate)
        file.write(bytes(8 * max(samples - written, 0)))
        file.seek(-8 * max(written - samples, 0), 1)
        file.truncate()
        file.seek(0)
        _write_header(file, samples)
    return clipped


def _blocks(audio: soundfile.SoundFile) -> Iterator[tuple[NDArray[np.float32], bool]]:
    block = audio.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)
    while len(block):
        following = audio.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)
        yield block, len(following) == 0
        block = following


def _write_header(file: BinaryIO, samples: int) -> None:
    # NumPy leaves room in the header for the first axis to grow, so a second one fits over the first.
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f4", "fortran_order": False, "shape": (samples, 2)}
    )


def round_trip_db(x: NDArray[np.float32], stft: Stft) -> float:
    """SNR in dB of STFT and back over `x` (samples,), verified in blocks, the edges of each included."""
    signal = noise = 0.0
    for start in range(0, len(x), BLOCK_SAMPLES):
        block = np.ascontiguousarray(x[start : start + BLOCK_SAMPLES])
        error = stft.round_trip(block).astype(np.float64) - block
        signal += float(np.sum(block.astype(np.float64) ** 2))
        noise += float(np.sum(error**2))
    return float(10 * np.log10(signal / max(noise, 1e-30 * signal)))


def _rounded(levels: NDArray[np.float64]) -> list[float]:
    return [float(f"{level:.6g}") for level in levels]

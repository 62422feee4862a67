"""Recordings → mid/side pairs at one sample rate, each with its STFT round trip verified.

Every file is read and written in blocks, so that memory does not grow with its length. Finished tracks wait
outside DVC's outs until all are done: an interrupted run goes on with the next track.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from mono2stereo.data.manifest import OK, ManifestRow
from mono2stereo.data.natural import OwnRateLevels, natural
from mono2stereo.data.own_side import (
    Samples,
    level_bands,
    measure_own_side,
    sounding_stretches,
    stretch_coherence,
    stretch_movement,
)
from mono2stereo.data.pairs import Natural, PairEntry, StoredColumns, write_index
from mono2stereo.data.preprocessed_track import PreprocessedTrack
from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import AudioError, DataError
from mono2stereo.files import atomic_path
from mono2stereo.hashes import fingerprint
from mono2stereo.parallel import map_parallel
from mono2stereo.sounds.opening import open_sound
from mono2stereo.sounds.sound import Sound

BLOCK_SAMPLES = 1 << 18


@dataclass(frozen=True)
class Settings:
    """What decides a pair beside its recording.

    Attributes:
        sample_rate: of the pairs, Hz.
        stft: the transform to verify.
        crop_samples: what the losses see of a clip.
        coherence_frame_lengths: windows of the coherence loss, samples.
        n_mels: its bands.
    """

    sample_rate: int
    stft: Stft
    crop_samples: int
    coherence_frame_lengths: tuple[int, ...]
    n_mels: int

    @property
    def fingerprint(self) -> str:
        """Changes with any setting and with the code that makes pairs."""
        return fingerprint(vars(self), __name__)


def preprocess(
    rows: Sequence[ManifestRow], folder: Path, *, root: Path, settings: Settings, min_round_trip_db: float
) -> list[PreprocessedTrack]:
    """Write the pairs of all fit recordings to `folder`, or nothing at all.

    Args:
        rows: the manifest; rows with another status than "ok" are passed over.
        folder: where the pairs go; one that stands there is replaced.
        root: what relative paths of the manifest are relative to; finished tracks wait in
            data/finished_tracks below it.
        settings: what decides a pair.
        min_round_trip_db: the least SNR of its round trip that any track may have.

    Raises:
        DataError: audio is missing or has changed since the manifest, or a round trip is too inexact.
    """
    fit = [row for row in rows if row.status == OK]
    with _finished_tracks(root) as finished:
        for left in folder.parent.glob(f".{folder.name}.*.partial"):  # by a killed run
            shutil.rmtree(left)
        waiting = finished / settings.fingerprint
        work = partial(_finish_track, folder=waiting, root=root, settings=settings)
        tracks = map_parallel(work, fit, label="preprocess")
        worst = min(tracks, key=lambda track: track.round_trip_db)
        if worst.round_trip_db < min_round_trip_db:
            raise DataError(
                f"{worst.entry.name}: STFT round trip {worst.round_trip_db:.1f} dB, below "
                f"preprocess.min_round_trip_db = {min_round_trip_db:g}; change stft.* or the limit"
            )
        with atomic_path(folder) as partial_path:
            for row, track in zip(fit, tracks, strict=True):
                _link_or_copy(_stored(row, waiting), partial_path / track.entry.file)
            entries = [track.entry for track in tracks]
            write_index(partial_path, settings.sample_rate, entries, natural_of(tracks, settings))
        shutil.rmtree(finished)
    return tracks


def natural_of(tracks: Sequence[PreprocessedTrack], settings: Settings) -> Natural:
    """What is natural in the training split."""
    heard = [track for track in tracks if track.entry.split == "train"]
    return natural(
        [track.levels_db for track in heard],
        [track.crop_coherence for track in heard],
        [track.crop_movement for track in heard],
        crop_samples=settings.crop_samples,
    )


@contextmanager
def _finished_tracks(root: Path) -> Iterator[Path]:
    """The folder where finished tracks wait; one run at a time."""
    folder = root / "data" / "finished_tracks"
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"preprocess: waits for another run that holds {lock.lock_file}", file=sys.stderr)
        lock.acquire()
    try:
        yield folder
    finally:
        lock.release()


def missing_audio(rows: Sequence[ManifestRow], *, root: Path) -> list[Path]:
    """Audio of fit recordings that is not where the manifest says, as in a clone with a cached manifest."""
    return [root / row.path for row in rows if row.status == OK and not (root / row.path).is_file()]


def _finish_track(row: ManifestRow, *, folder: Path, root: Path, settings: Settings) -> PreprocessedTrack:
    """Make a track and what is to be known of it, unless an earlier run has."""
    facts = folder / f"{row.sha256}.json"  # written last; its folder's name stands for the code
    if not facts.is_file():
        track = _preprocess_track(row, _stored(row, folder), root=root, settings=settings)
        with atomic_path(facts) as partial_path:
            partial_path.write_text(track.dumps())
    track = PreprocessedTrack.loads(facts.read_text())
    file = f"{row.split}/{row.track}.npy"
    group = Path(row.path).parent.name
    return replace(track, entry=replace(track.entry, name=row.track, split=row.split, file=file, group=group))


def _stored(row: ManifestRow, folder: Path) -> Path:
    return folder / f"{row.sha256}.npy"


def _preprocess_track(row: ManifestRow, target: Path, *, root: Path, settings: Settings) -> PreprocessedTrack:
    source, rate = root / row.path, settings.sample_rate
    if not source.is_file() or source.stat().st_size != row.bytes:
        raise DataError(f"{source}: missing or changed since the manifest; run the stage download again")
    levels = OwnRateLevels(row.sample_rate)
    try:
        with atomic_path(target) as partial_path:
            write_pair(source, partial_path, rate, listen=levels.add)
    except AudioError as error:
        raise DataError(str(error)) from None
    pair, mid, side = StoredColumns(target), StoredColumns(target, 0), StoredColumns(target, 1)
    crops = sounding_stretches(pair, settings.crop_samples)
    return PreprocessedTrack(
        PairEntry(
            name=row.track,
            split=row.split,
            file=target.name,
            samples=len(pair),
            side_to_mid_db=row.side_to_mid_db,
            mid_level_bands=_rounded(level_bands(mid, rate)),
            side_level_bands=_rounded(level_bands(side, rate)),
        ),
        seconds=len(pair) / rate,
        round_trip_db=round_trip_db(mid, settings.stft),
        own_side=measure_own_side(pair, rate),
        levels_db=levels.levels_db(),
        crop_coherence=stretch_coherence(crops, rate, settings.coherence_frame_lengths, settings.n_mels),
        crop_movement=stretch_movement(crops, rate),
    )


def write_pair(
    source: Path,
    target: Path,
    sample_rate: int,
    *,
    listen: Callable[[NDArray[np.float32]], None] | None = None,
) -> None:
    """Decode, encode to mid and side, and resample one recording in bounded memory.

    The result is that of `dsp.resampling.resample` on the whole: float32 (samples, 2).

    Args:
        source: a stereo recording.
        target: the .npy file.
        sample_rate: of the pair, Hz.
        listen: hears each block of mid and side at the recording's own rate, (samples, 2).
    """
    read = written = 0
    with open_sound(source) as audio, target.open("wb") as file:
        _write_header(file, 0)
        resampler = soxr.ResampleStream(audio.sample_rate, sample_rate, 2, dtype="float32", quality="VHQ")
        for stereo, last in _blocks(audio):
            read += len(stereo)
            pair = np.stack(encode(stereo), axis=1)
            if listen:
                listen(pair)
            if audio.sample_rate != sample_rate:
                pair = resampler.resample_chunk(np.ascontiguousarray(pair), last=last)
            file.write(np.ascontiguousarray(pair, "<f4").tobytes())
            written += len(pair)
        # Streaming may end a sample early or late.
        samples = (2 * read * sample_rate + audio.sample_rate) // (2 * audio.sample_rate)
        file.write(bytes(8 * max(samples - written, 0)))
        file.seek(-8 * max(written - samples, 0), 1)
        file.truncate()
        file.seek(0)
        _write_header(file, samples)


def _blocks(audio: Sound) -> Iterator[tuple[NDArray[np.float32], bool]]:
    blocks = audio.blocks(BLOCK_SAMPLES, "float32")
    block = next(blocks, None)
    while block is not None:
        following = next(blocks, None)
        yield block, following is None
        block = following


def _write_header(file: BinaryIO, samples: int) -> None:
    # NumPy leaves room in the header for the first axis to grow, so a second one fits over the first.
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f4", "fortran_order": False, "shape": (samples, 2)}
    )


def round_trip_db(x: Samples, stft: Stft) -> float:
    """SNR in dB of STFT and back over `x` (samples,), verified in blocks, the edges of each included."""
    signal = noise = 0.0
    for start in range(0, len(x), BLOCK_SAMPLES):
        block = np.ascontiguousarray(x[start : start + BLOCK_SAMPLES])
        error = stft.round_trip(block).astype(np.float64) - block
        signal += float(np.sum(block.astype(np.float64) ** 2))
        noise += float(np.sum(error**2))
    return float(10 * np.log10(signal / max(noise, 1e-30 * signal)))


def _link_or_copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _rounded(levels: NDArray[np.float64]) -> list[float]:
    return [float(f"{level:.6g}") for level in levels]

"""The test material: stretches of a folder's recordings, folded down, at the protocol's rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from mono2stereo.benchmark.protocol import RATE, STRETCH_SECONDS
from mono2stereo.data.excerpts import Excerpt
from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.resampling import resample
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError, DataError
from mono2stereo.evaluation.stretches import stretches_of
from mono2stereo.files import atomic_path
from mono2stereo.hashes import file_sha256, short_hash
from mono2stereo.measures.recordings import require_stereo_sound
from mono2stereo.parallel import map_parallel
from mono2stereo.sounds.folders import recordings_below
from mono2stereo.sounds.opening import open_sound
from mono2stereo.versions import BENCHMARK_PROTOCOL


@dataclass(frozen=True)
class Material:
    """One recording's.

    Attributes:
        name: its path below the folder.
        sha256: of its bytes.
        starts_seconds: of the stretches.
        left_out: why it has none.
        stored: a file with the stretches, for `load_stretches`.
    """

    name: str
    sha256: str
    starts_seconds: tuple[float, ...]
    left_out: str
    stored: Path


class Recording:
    """A stereo file as mid and side at the protocol's rate, (samples, 2); no more is read than is sliced.

    Raises:
        AudioError: it cannot be read, or is not stereo.
    """

    def __init__(self, file: Path, name: str) -> None:
        with open_sound(file) as sound:
            require_stereo_sound(sound)
            self._own_rate, self._own_samples = sound.sample_rate, sound.count()
        self._file, self.name, self.sample_rate, self.mid_side = file, name, RATE, self

    def __len__(self) -> int:
        return self._own_samples * RATE // self._own_rate

    def __getitem__(self, wanted: slice) -> Signal:
        """Raises AudioError: it breaks off, or holds what is no number."""
        start, stop, _ = wanted.indices(len(self))
        first = max(start // RATE - 1, 0)  # a whole second is a whole sample at both rates
        seconds = stop // RATE + 2 - first
        with open_sound(self._file) as sound:
            sound.skip(first * self._own_rate)
            stereo = sound.read(seconds * self._own_rate, "float32")
        if not np.isfinite(stereo).all():
            raise AudioError("holds values that are not finite; repair it first")
        mid_side = np.stack(encode(resample(stereo, self._own_rate, RATE)), axis=1)
        cut = mid_side[start - first * RATE : stop - first * RATE]
        if len(cut) < stop - start:
            raise AudioError("breaks off before the end that its header announces")
        return cut


def find_recordings(folder: Path) -> list[Path]:
    """All below a folder, as `data.source=folder` finds them.

    Raises:
        DataError: no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give one of stereo recordings")
    paths = [folder / path for path in recordings_below(folder)]
    if not paths:
        raise DataError(f"{folder}: holds no WAV, FLAC, OGG, MP3 or AIFF file; give a folder that does")
    return paths


def prepare(folder: Path, cache: Path, *, stretches: int) -> list[Material]:
    """Choose and cut every recording's stretches as evaluate does, once for all methods.

    Raises:
        DataError: nothing can be measured.
    """
    work = partial(_cut, folder=folder, cache=cache, stretches=stretches)
    material = map_parallel(work, find_recordings(folder), label="recordings")
    if all(each.left_out for each in material):
        reasons = "; ".join(f"{each.name}: {each.left_out}" for each in material[:3])
        raise DataError(f"{folder}: no recording can be measured ({reasons})")
    return material


def _cut(file: Path, *, folder: Path, cache: Path, stretches: int) -> Material:
    name, digest = file.relative_to(folder).as_posix(), file_sha256(file)
    key = short_hash(*(str(part).encode() for part in (digest, BENCHMARK_PROTOCOL, stretches)))
    stored = cache / f"stretches-{key}.npz"
    try:
        chosen = load_stretches(stored)
    except (OSError, ValueError, KeyError, EOFError):
        try:
            chosen = tuple(stretches_of(Recording(file, name), count=stretches, seconds=STRETCH_SECONDS))
        except AudioError as error:
            return Material(name, digest, (), str(error).removeprefix(f"{file}: "), stored)
        _store(stored, chosen)
    return Material(name, digest, tuple(stretch.start_seconds for stretch in chosen), "", stored)


def _store(file: Path, stretches: Sequence[Excerpt]) -> None:
    parts = {
        f"{part}_{number}": getattr(stretch, part)
        for number, stretch in enumerate(stretches)
        for part in ("run_in", "mid", "side")
    }
    starts = np.array([stretch.start_seconds for stretch in stretches])
    with atomic_path(file) as partial_path:
        np.savez(partial_path, starts=starts, **parts)


@lru_cache(maxsize=2)
def load_stretches(file: Path) -> tuple[Excerpt, ...]:
    """Of one recording, without names."""
    with np.load(file) as stored:
        return tuple(
            Excerpt(
                name="",
                track="",
                start_seconds=float(start),
                run_in=stored[f"run_in_{number}"],
                mid=stored[f"mid_{number}"],
                side=stored[f"side_{number}"],
                sample_rate=RATE,
            )
            for number, start in enumerate(stored["starts"])
        )


def named_stretches(material: Material) -> list[Excerpt]:
    """The stretches of a recording that has some, as the tables name them."""
    return [
        replace(stretch, name=f"{material.name} from {stretch.start_seconds:.1f} s", track=material.name)
        for stretch in load_stretches(material.stored)
    ]

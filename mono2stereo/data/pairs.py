"""The folder of mid/side pairs that preprocess writes and everything after it reads.

`<folder>/{train,valid,test}/<track>.npy` holds float32 (samples, 2), the columns mid and side;
`<folder>/index.json` says what there is and how loud, and what is natural in the training split.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mono2stereo.errors import DataError

INDEX = "index.json"


@dataclass(frozen=True)
class PairEntry:
    """One track in the index.

    Attributes:
        name: the track's name.
        split: train, valid or test.
        file: the .npy file, relative to the folder.
        samples: length.
        side_to_mid_db: broadband level of side against mid.
        mid_level_bands: long-term RMS of each mel band's magnitude over the track, 80 values.
        side_level_bands: the same of the side.
        group: folder that the recording lay in, such as an album or a genre.
    """

    name: str
    split: str
    file: str
    samples: int
    side_to_mid_db: float
    mid_level_bands: list[float]
    side_level_bands: list[float]
    group: str = ""


@dataclass(frozen=True)
class NaturalWidth:
    """How wide recordings are: medians over those that tell.

    Attributes:
        frequency_hz: centres of third octaves from 30 Hz to 20 kHz; those that no recording has are absent.
        side_to_mid_db: level of side against mid in each.
        recordings: how many told.
    """

    frequency_hz: list[float]
    side_to_mid_db: list[float]
    recordings: list[int]

    @property
    def curve(self) -> dict[str, list[float]]:
        """As exported models carry it."""
        return {"frequency_hz": self.frequency_hz, "side_to_mid_db": self.side_to_mid_db}


@dataclass(frozen=True)
class Natural:
    """What recordings of the training split are like.

    Attributes:
        width: side against mid per band, at the recordings' own rates.
        crop_samples: length over which coherence and movement were measured.
        coherence: by window length in samples: median over tracks per mel band, 0 in bands without any bin.
        movement: median over tracks of each figure of `dsp.movement`, dB; None where the crop is too short
            to tell. Empty in pairs made before it was measured.
    """

    width: NaturalWidth
    crop_samples: int
    coherence: dict[str, list[float]]
    movement: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredColumns:
    """A file of pairs, or one of its columns, of which only the slices asked for are ever in memory.

    A memory map would count its pages as this process's, in the end the whole file.
    """

    path: Path
    column: int | None = None

    def __len__(self) -> int:
        return len(np.load(self.path, mmap_mode="r"))

    def __getitem__(self, piece: slice, /) -> NDArray[np.float32]:
        stored = np.load(self.path, mmap_mode="r")[piece]
        return np.array(stored if self.column is None else stored[:, self.column])


@dataclass(frozen=True)
class Pair:
    """One track as training and evaluation see it.

    Attributes:
        name: the track's name.
        split: train, valid or test.
        sample_rate: Hz.
        mid_side: float32 (samples, 2), mapped from the file, read-only.
        side_to_mid_db: broadband level of side against mid.
        mid_level_bands: float32 (80,), long-term RMS of each mel band's magnitude.
        side_level_bands: the same of the side.
        group: folder that the recording lay in, such as an album or a genre.
    """

    name: str
    split: str
    sample_rate: int
    mid_side: NDArray[np.float32]
    side_to_mid_db: float
    mid_level_bands: NDArray[np.float32]
    side_level_bands: NDArray[np.float32]
    group: str = ""


def write_index(
    folder: Path, sample_rate: int, entries: Sequence[PairEntry], natural: Natural | None = None
) -> None:
    """Write index.json into `folder`."""
    index = {
        "sample_rate": sample_rate,
        "natural": natural and asdict(natural),
        "tracks": [asdict(entry) for entry in entries],
    }
    (folder / INDEX).write_text(json.dumps(index, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load_natural(folder: Path | str) -> Natural | None:
    """What preprocess found natural in the training split; None in pairs that do not say.

    Raises:
        DataError: the index is missing or damaged.
    """
    index = _read_index(Path(folder))
    try:
        saved = index.get("natural")
        return Natural(**saved | {"width": NaturalWidth(**saved["width"])}) if saved else None
    except (AttributeError, KeyError, TypeError):
        raise _damaged(Path(folder)) from None


def load_pairs(folder: Path | str, split: str) -> list[Pair]:
    """Map all pairs of a split, in the order of the manifest, without reading their samples.

    Raises:
        DataError: the folder, a file or the split is missing or damaged.
    """
    folder = Path(folder)
    index = _read_index(folder)
    try:
        rate = int(index["sample_rate"])
        entries = [PairEntry(**entry) for entry in index["tracks"] if entry["split"] == split]
    except (ValueError, KeyError, TypeError):
        raise _damaged(folder) from None
    if not entries:
        raise DataError(f"{folder}: no track in the split {split!r}; run the stage preprocess again")
    return [_open(folder, rate, entry) for entry in entries]


def _read_index(folder: Path) -> Any:
    try:
        return json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{folder / INDEX}: not found; run the stage preprocess first") from None
    except ValueError:
        raise _damaged(folder) from None


def _damaged(folder: Path) -> DataError:
    return DataError(f"{folder / INDEX}: damaged; run the stage preprocess again")


def _open(folder: Path, sample_rate: int, entry: PairEntry) -> Pair:
    path = folder / entry.file
    try:
        mid_side = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise DataError(f"{path}: missing or damaged; run the stage preprocess again") from None
    if mid_side.shape != (entry.samples, 2) or mid_side.dtype != np.float32:
        raise DataError(f"{path}: not the float32 ({entry.samples}, 2) of the index; run preprocess again")
    return Pair(
        name=entry.name,
        split=entry.split,
        sample_rate=sample_rate,
        mid_side=mid_side,
        side_to_mid_db=entry.side_to_mid_db,
        mid_level_bands=np.asarray(entry.mid_level_bands, np.float32),
        side_level_bands=np.asarray(entry.side_level_bands, np.float32),
        group=entry.group,
    )

"""The manifest: one row for every recording of a source, fit for training or with the reason why not."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path

from mono2stereo.data.inspection import inspect_audio
from mono2stereo.data.sources.track import SPLITS, Track
from mono2stereo.errors import AudioError, DataError
from mono2stereo.files import atomic_path
from mono2stereo.hashes import file_sha256
from mono2stereo.parallel import map_parallel

OK = "ok"


@dataclass(frozen=True)
class ManifestRow:
    """One recording.

    Attributes:
        track: unique name.
        split: train, valid or test.
        path: relative to the repository's root where the audio lies below it, else absolute.
        sample_rate: Hz; 0 if unreadable.
        seconds: decoded duration.
        bytes: size of the file.
        sha256: of the file.
        side_to_mid_db: level of (L−R)/2 against (L+R)/2; nan where there is none.
        clipped_samples: samples at or beyond full scale, over both channels.
        status: "ok", or why the recording is left out.
        note: what is odd about one that is kept as it is.
    """

    track: str
    split: str
    path: str
    sample_rate: int
    seconds: float
    bytes: int
    sha256: str
    side_to_mid_db: float
    clipped_samples: int
    status: str
    note: str = ""


def build_manifest(
    tracks: Sequence[Track], *, root: Path, min_seconds: float, strict: bool = False
) -> list[ManifestRow]:
    """Inspect every track and say on stderr which ones are left out, and why.

    Args:
        tracks: from a source; the rows keep their order.
        root: the repository's top folder.
        min_seconds: shorter recordings are left out.
        strict: refuse unfit recordings instead.

    Raises:
        DataError: a split has no fit recording, or `strict` and some are unfit.
    """
    rows = map_parallel(partial(inspect_track, root=root, min_seconds=min_seconds), tracks, label="inspect")
    rows = _mark_duplicates(rows)
    unfit = [row for row in rows if row.status != OK]
    if strict and unfit:
        named = "; ".join(f"{row.path} ({row.status})" for row in unfit)
        raise DataError(f"data.strict: {len(unfit)} of {len(rows)} recordings unfit, remove them: {named}")
    for row in unfit:
        print(f"left out: {row.path}: {row.status}", file=sys.stderr)
    odd = sum(row.status == OK and bool(row.note) for row in rows)
    if odd:
        print(
            f"kept though odd: {odd} of {len(rows)}; the column note of the manifest says how",
            file=sys.stderr,
        )
    for split in SPLITS:
        if not any(row.split == split and row.status == OK for row in rows):
            raise DataError(
                f"{split}: no fit recording among {sum(row.split == split for row in rows)}; add stereo "
                f"recordings of at least {min_seconds:g} s to it"
            )
    return rows


def inspect_track(track: Track, *, root: Path, min_seconds: float) -> ManifestRow:
    """Decode one recording block by block and judge it. Broken audio becomes a status, not an error."""
    try:
        path = track.path.relative_to(root).as_posix()
    except ValueError:
        path = track.path.resolve().as_posix()
    shown = path.encode("utf-8", "replace").decode()
    row = ManifestRow(track.name, track.split, shown, 0, 0.0, 0, "", math.nan, 0, "unreadable")
    if shown != path:
        return replace(row, status="name not in UTF-8, as DVC needs it; rename it")
    try:
        row = replace(row, bytes=track.path.stat().st_size, sha256=file_sha256(track.path))
        inspection = inspect_audio(track.path, min_seconds)
    except AudioError as error:
        return replace(row, status=f"unreadable: {str(error).removeprefix(f'{track.path}: ')}")
    except OSError as error:
        return replace(row, status=f"unreadable: {(error.strerror or str(error)).lower()}")
    return replace(
        row,
        sample_rate=inspection.sample_rate,
        seconds=inspection.seconds,
        side_to_mid_db=inspection.side_to_mid_db,
        clipped_samples=inspection.clipped_samples,
        status=inspection.unfit or OK,
        note=inspection.note,
    )


def _mark_duplicates(rows: list[ManifestRow]) -> list[ManifestRow]:
    """Leave out copies of a recording: one in train and one in test would make the test worthless."""
    first: dict[str, ManifestRow] = {}
    marked = []
    for row in rows:
        original = first.setdefault(row.sha256, row)
        is_copy = row.status == OK and original is not row
        marked.append(replace(row, status=f"copy of {original.path}") if is_copy else row)
    return marked


def write_manifest(rows: Sequence[ManifestRow], path: Path) -> None:
    """Write the rows as CSV."""
    with atomic_path(path) as partial_path, partial_path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(ManifestRow)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read the rows that `write_manifest` wrote. Raises DataError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [
                ManifestRow(
                    track=row["track"],
                    split=row["split"],
                    path=row["path"],
                    sample_rate=int(row["sample_rate"]),
                    seconds=float(row["seconds"]),
                    bytes=int(row["bytes"]),
                    sha256=row["sha256"],
                    side_to_mid_db=float(row["side_to_mid_db"]),
                    clipped_samples=int(row["clipped_samples"]),
                    status=row["status"],
                    note=row["note"],
                )
                for row in csv.DictReader(file)
            ]
    except FileNotFoundError:
        raise DataError(f"{path}: not found; run the stage download first") from None
    except (KeyError, ValueError, TypeError):
        raise DataError(f"{path}: not a manifest; run the stage download again") from None

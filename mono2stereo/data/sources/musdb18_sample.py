"""The seven-second excerpts of MUSDB18's tracks, which musdb decodes once to WAV files."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from mono2stereo.data.download import is_complete, note_complete
from mono2stereo.data.sources.musdb_tree import PARTS, MusdbTree, mixtures, musdb_settings
from mono2stereo.data.sources.track import Track
from mono2stereo.errors import DataError
from mono2stereo.files import atomic_path
from mono2stereo.progress import progress

MADE_OF = "made_of"


class Musdb18SampleSource:
    """`{train,test}/<Artist - Title>.stem.mp4`, decoded to `<raw>/{train,test}/<Artist - Title>/mixture.wav`.

    See MusdbTree for where the STEMS come from; downloaded ones lie in `<raw>-stems`. WAVs made of other
    STEMS are made anew; without STEMS on disk, whole WAVs are enough.
    """

    def __init__(
        self, path: Path | None, *, raw: Path, url: str | None = None, delete_archive: bool = False
    ) -> None:
        self.raw = raw
        self.stems = MusdbTree(
            path,
            raw.with_name(f"{raw.name}-stems"),
            "*.stem.mp4",
            "MUSDB18-7-STEMS.zip",
            url or musdb_settings()["sample-url"],
            delete_archive=delete_archive,
        )

    def prepare(self) -> None:
        if is_complete(self.raw) and self._made_of() in ("", self._stamp()):
            return
        if missing := [program for program in ("ffmpeg", "ffprobe") if shutil.which(program) is None]:
            raise DataError(
                f"musdb18-sample: {' and '.join(missing)} not on PATH, and musdb needs both to decode the "
                "excerpts; install ffmpeg, or take data.source=musdb18hq"
            )
        self.stems.prepare()
        if (made_of := self._made_of()) != self._stamp():
            for part in PARTS:
                shutil.rmtree(self.raw / part, ignore_errors=True)
            with atomic_path(self.raw / MADE_OF) as partial_path:
                partial_path.write_text(made_of, encoding="utf-8")
        print("decode: musdb looks at every file", file=sys.stderr)
        import musdb  # only here: it raises where ffmpeg is missing

        try:
            tracks = musdb.DB(root=str(self.stems.path)).tracks
        except Exception as error:  # of ffmpeg-python: no class of its own for a broken file
            raise DataError(
                f"{self.stems.path}: musdb cannot read it ({' '.join(str(error).split())})"
            ) from error
        decoded = [_decode(track, self.raw) for track in progress(tracks, label="decode")]
        note_complete(self.raw, paths=decoded)

    def tracks(self) -> list[Track]:
        return mixtures(self.raw)

    def _made_of(self) -> str:
        files = ((file, file.stat()) for file in self.stems.files())
        return "\n".join(f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in files)

    def _stamp(self) -> str | None:
        stamp = self.raw / MADE_OF
        return stamp.read_text(encoding="utf-8") if stamp.is_file() else None


def _decode(track: Any, root: Path) -> Path:
    """Write a musdb track's mixture: 16 bits, which is what musdb decodes to."""
    path = root / track.subset / track.name / "mixture.wav"
    if path.is_file():
        return path
    try:
        audio = track.audio
    except Exception as error:  # of ffmpeg-python, stempeg or NumPy, as it happens
        raise DataError(f"{track.path}: musdb cannot decode it ({' '.join(str(error).split())})") from error
    if audio.ndim != 2 or len(audio) < track.samples - track.rate / 4:
        raise DataError(f"{track.path}: musdb decoded {len(audio)} of {track.samples} samples; replace it")
    with atomic_path(path) as partial_path:
        soundfile.write(
            partial_path, np.round(audio * 32768).astype(np.int16), round(track.rate), subtype="PCM_16"
        )
    return path

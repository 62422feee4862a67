"""The embedded corpus: short pieces synthesised here, in the layout of MUSDB18-HQ."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import soundfile

from mono2stereo import synthesis
from mono2stereo.data.sources.demo.mix import record
from mono2stereo.data.sources.demo.pieces import PIECES, Piece
from mono2stereo.data.sources.track import SPLITS, Track
from mono2stereo.files import atomic_path
from mono2stereo.hashes import code_hash
from mono2stereo.parallel import map_parallel
from mono2stereo.synthesis.instruments import SAMPLE_RATE

ARTIST = "mono2stereo demo"
MADE_BY = "made_by"
PIECES_CODE, SOUND_CODE = Path(__file__).parent, Path(synthesis.__file__).parent


class DemoSource:
    """Pieces as `<path>/{train,test}/<Artist - Title>/mixture.wav`, valid ones below train as in MUSDB.

    The same code writes the same bytes on one machine. What an earlier run of it left is kept; what other
    code left is replaced.
    """

    def __init__(self, path: Path, pieces: Sequence[Piece] = PIECES) -> None:
        self.path = path
        self.pieces = pieces

    def prepare(self) -> None:
        code = code_hash([file for package in (PIECES_CODE, SOUND_CODE) for file in package.glob("*.py")])
        stamp = self.path / MADE_BY
        if not stamp.is_file() or stamp.read_text() != code:
            for part in ("train", "test"):
                shutil.rmtree(self.path / part, ignore_errors=True)
            with atomic_path(stamp) as partial_path:
                partial_path.write_text(code)
        by_piece = zip(self.pieces, self._by_piece(), strict=True)
        jobs = [(PIECES.index(piece), track.path) for piece, track in by_piece if not track.path.exists()]
        if jobs:
            map_parallel(_write, jobs, label="synthesise")

    def tracks(self) -> list[Track]:
        return sorted(self._by_piece(), key=lambda track: (SPLITS.index(track.split), track.name))

    def _by_piece(self) -> list[Track]:
        tracks = []
        for piece in self.pieces:
            name = f"{ARTIST} - {piece.title}"
            part = "test" if piece.split == "test" else "train"
            tracks.append(Track(name, piece.split, self.path / part / name / "mixture.wav"))
        return tracks


def _write(job: tuple[int, Path]) -> None:
    number, path = job
    stereo = record(PIECES[number], seed=number)
    with atomic_path(path) as partial_path:
        soundfile.write(partial_path, stereo, SAMPLE_RATE, subtype="PCM_16")

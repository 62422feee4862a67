"""Turn the manifest's recordings into mid/side pairs and verify the STFT on every one."""

from __future__ import annotations

import os
from pathlib import Path

from mono2stereo.config import Config
from mono2stereo.data.manifest import read_manifest
from mono2stereo.data.preprocess_report import write_reports
from mono2stereo.data.preprocessing import Settings, missing_audio, preprocess
from mono2stereo.data.sources import choose_source
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import one_line_errors


def main() -> None:
    """Run the stage in the current folder."""
    config = Config.load()
    data, stft, coherence = config.data, config.stft, config.terms.coherence
    root = Path(os.environ.get("DVC_ROOT", Path.cwd()))
    rows = read_manifest(Path("data/manifest.csv"))
    if missing_audio(rows, root=root):
        choose_source(
            data.source, path=data.path, root=root, url=data.url, delete_archive=data.delete_archive
        ).prepare()
    settings = Settings(
        sample_rate=config.sample_rate,
        stft=Stft(**stft.model_dump()),
        crop_samples=config.train.crop_samples,
        coherence_frame_lengths=tuple(coherence.frame_lengths),
        n_mels=config.terms.mel.n_mels,
    )
    limit = config.preprocess.min_round_trip_db
    tracks = preprocess(rows, Path("data/pairs"), root=root, settings=settings, min_round_trip_db=limit)
    write_reports(tracks, rows, Path("reports/preprocess"), settings=settings, min_round_trip_db=limit)


if __name__ == "__main__":
    with one_line_errors():
        main()

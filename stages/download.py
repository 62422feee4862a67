"""Make or locate the audio that data.source names, and list it in data/manifest.csv."""

from __future__ import annotations

import os
from pathlib import Path

from mono2stereo.config import Config
from mono2stereo.data.manifest import build_manifest, write_manifest
from mono2stereo.data.sources import choose_source
from mono2stereo.errors import one_line_errors


def main() -> None:
    """Run the stage in the current folder."""
    data = Config.load().data
    root = Path(os.environ.get("DVC_ROOT", Path.cwd()))
    source = choose_source(
        data.source,
        path=data.path,
        root=root,
        valid_fraction=data.valid_fraction,
        test_fraction=data.test_fraction,
        url=data.url,
        delete_archive=data.delete_archive,
    )
    source.prepare()
    rows = build_manifest(source.tracks(), root=root, min_seconds=data.min_seconds, strict=data.strict)
    write_manifest(rows, Path("data/manifest.csv"))


if __name__ == "__main__":
    with one_line_errors():
        main()

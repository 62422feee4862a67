"""The stage itself, from params.yaml to the manifest."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml

from mono2stereo.data.manifest import read_manifest
from mono2stereo.data.sources.musdb_tree import musdb_settings

ROOT = Path(__file__).parents[3]


def test_download_stage_fetches_mixtures_and_shows_the_terms_once(
    serve, tmp_path: Path, write_stereo
) -> None:
    valid = musdb_settings()["validation_tracks"][0]
    with zipfile.ZipFile(tmp_path / "served.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for seed, name in enumerate((f"train/{valid}", "train/A - B", "test/C - D")):
            write_stereo(tmp_path / "x.wav", seconds=5.1, rate=8000, seed=seed)
            for stem in ("mixture", "drums", "bass", "other", "vocals"):
                archive.write(tmp_path / "x.wav", f"{name}/{stem}.wav")
    server = serve((tmp_path / "served.zip").read_bytes())
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["data"] |= {"source": "musdb18hq", "url": server.url}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key not in ("MUSDB_PATH", "DVC_ROOT")}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "stages.download"]
    said = []
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stderr)
    rows = read_manifest(tmp_path / "data" / "manifest.csv")
    assert [(row.split, row.track, row.status) for row in rows] == [
        ("train", "A - B", "ok"),
        ("valid", valid, "ok"),
        ("test", "C - D", "ok"),
    ]
    assert ["Commercial use" in text for text in said] == [True, False]
    assert "3 mixtures, where all of them are 150" in said[0]
    assert server.sent < 0.25 * len(server.content)

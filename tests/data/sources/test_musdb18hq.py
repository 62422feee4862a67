from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mono2stereo.data.sources import open_source
from mono2stereo.data.sources.musdb18hq import validation_names
from mono2stereo.errors import DataError


def test_official_validation_names_without_importing_musdb() -> None:
    names = validation_names()
    assert len(names) == 14
    assert "Actions - One Minute Smile" in names
    assert "musdb" not in sys.modules


def test_splits_an_extracted_tree(tmp_path: Path) -> None:
    valid = sorted(validation_names())
    train = [f"Artist - Title {n}" for n in range(86)]
    for part, names in (("train", valid + train), ("test", [f"Tester - {n}" for n in range(50)])):
        for name in names:
            (tmp_path / part / name).mkdir(parents=True)
            (tmp_path / part / name / "mixture.wav").touch()
            (tmp_path / part / name / "vocals.wav").touch()
    source = open_source("musdb18hq", path=tmp_path, root=Path())
    source.prepare()
    tracks = source.tracks()
    assert [sum(t.split == split for t in tracks) for split in ("train", "valid", "test")] == [86, 14, 50]
    assert {t.path.name for t in tracks} == {"mixture.wav"}
    assert {t.name for t in tracks if t.split == "valid"} == set(valid)


def test_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train: no .*mixture\.wav; extract musdb18hq\.zip"):
        open_source("musdb18hq", path=tmp_path, root=Path()).prepare()


def test_unknown_source() -> None:
    with pytest.raises(DataError, match="allowed are demo, folder, musdb18hq"):
        open_source("radio", path="x", root=Path())

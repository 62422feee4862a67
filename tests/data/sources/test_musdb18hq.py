from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mono2stereo.data.sources import DEMO_PATH, choose_source
from mono2stereo.data.sources.musdb18hq import MIXTURES
from mono2stereo.data.sources.musdb_tree import musdb_settings
from mono2stereo.errors import DataError


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch) -> None:
    monkeypatch.delenv("MUSDB_PATH", raising=False)


def official_names() -> dict[str, list[str]]:
    valid = sorted(musdb_settings()["validation_tracks"])
    train = [f"Artist - Title {n}" for n in range(86)]
    return {"train": valid + train, "test": [f"Tester - {n}" for n in range(50)]}


def make_tree(root: Path) -> Path:
    for part, names in official_names().items():
        for name in names:
            (root / part / name).mkdir(parents=True)
            (root / part / name / "mixture.wav").write_bytes(name.encode())
            (root / part / name / "vocals.wav").touch()
    return root


def make_archive(path: Path, *, above: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, names in official_names().items():
            for name in names:
                for stem in ("mixture", "vocals"):
                    archive.writestr(f"{above}{part}/{name}/{stem}.wav", f"{name} {stem}")
        archive.writestr(f"__MACOSX/{above}train/Artist - Title 1/._mixture.wav", "no audio")
    return path


def splits(source) -> list[int]:
    return [sum(track.split == split for track in source.tracks()) for split in ("train", "valid", "test")]


def test_official_validation_names_without_importing_musdb() -> None:
    names = musdb_settings()["validation_tracks"]
    assert len(names) == 14
    assert "Actions - One Minute Smile" in names
    code = (
        "import sys; from mono2stereo.data.sources.musdb_tree import musdb_settings; musdb_settings(); "
        "sys.exit('musdb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_tree_on_disk_is_used_where_it_lies(tmp_path: Path, capsys) -> None:
    tree = make_tree(tmp_path / "tree")
    source = choose_source("musdb18hq", path=tree, root=tmp_path / "root")
    source.prepare()
    tracks = source.tracks()
    assert splits(source) == [86, 14, 50]
    assert {track.path.name for track in tracks} == {"mixture.wav"}
    assert {track.name for track in tracks if track.split == "valid"} == set(
        musdb_settings()["validation_tracks"]
    )
    assert all(tree in track.path.parents for track in tracks)
    assert not (tmp_path / "root").exists()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("by", ["archive", "its folder"])
@pytest.mark.parametrize("above", ["", "musdb18hq/"])
def test_an_archive_on_disk_is_extracted_once(tmp_path, capsys, by: str, above: str) -> None:
    archive = make_archive(tmp_path / "disk" / "musdb18hq.zip", above=above)
    path = archive if by == "archive" else archive.parent
    source = choose_source("musdb18hq", path=path, root=tmp_path / "root", delete_archive=True)
    source.prepare()
    raw = tmp_path / "root" / "data" / "raw" / "musdb18hq"
    assert splits(source) == [86, 14, 50]
    assert archive.is_file()
    assert {file.name for file in raw.rglob("*.wav")} == {"mixture.wav"}
    assert "Commercial use" in capsys.readouterr().err
    one = raw / "test" / "Tester - 7" / "mixture.wav"
    others = {file: file.stat().st_mtime_ns for file in raw.rglob("*.wav") if file != one}
    one.unlink()
    source.prepare()
    assert one.read_text() == "Tester - 7 mixture"
    assert {file: file.stat().st_mtime_ns for file in others} == others
    assert "Commercial use" not in capsys.readouterr().err


def test_another_archive_replaces_what_differs(tmp_path: Path) -> None:
    first, second = (make_archive(tmp_path / name / "musdb18hq.zip") for name in "ab")
    with zipfile.ZipFile(second, "w") as archive:
        archive.writestr("train/A - B/mixture.wav", "of the second")
        archive.writestr("test/Tester - 7/mixture.wav", "tester - 7 MIXTURE")
    for path in (first, second):
        choose_source("musdb18hq", path=path, root=tmp_path).prepare()
    raw = tmp_path / "data" / "raw" / "musdb18hq"
    assert (raw / "test" / "Tester - 7" / "mixture.wav").read_text() == "tester - 7 MIXTURE"


def test_says_how_many_there_should_be(tmp_path: Path, capsys) -> None:
    tree = make_tree(tmp_path)
    (tree / "test" / "Tester - 7" / "mixture.wav").unlink()
    choose_source("musdb18hq", path=tree, root=Path()).prepare()
    assert f"149 mixtures, where all of them are {MIXTURES}" in capsys.readouterr().err


def test_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.path = .*neither musdb18hq\.zip nor .*mixture\.wav"):
        choose_source("musdb18hq", path=tmp_path, root=Path()).prepare()


def test_what_dvc_cannot_see_is_refused(tmp_path: Path, monkeypatch) -> None:
    """Another MUSDB_PATH would leave all results standing; a path for the demo corpus would be ignored."""
    monkeypatch.setenv("MUSDB_PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"MUSDB_PATH = .*: not read, .*; set data\.path to it, or unset it"):
        choose_source("musdb18hq", path=DEMO_PATH, root=tmp_path).prepare()
    with pytest.raises(DataError, match=r"data\.source = demo reads none; set data\.source to folder"):
        choose_source("demo", path=tmp_path, root=tmp_path)
    assert not list(tmp_path.iterdir())


def test_unknown_source() -> None:
    with pytest.raises(DataError, match="allowed are demo, folder, musdb18hq"):
        choose_source("radio", path="x", root=Path())

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono2stereo.data.sources import open_source
from mono2stereo.data.sources.folder import MAX_NAME_BYTES, split_of, unique_names
from mono2stereo.errors import DataError

PARTS = st.sampled_from(["a", "B", "b", "ä b", "a_b", "x" * 90, "?:", ".", "..."])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map(
    lambda parts: PurePosixPath(*parts[:-1], "t" + parts[-1] + ".wav")
)
TREES = st.lists(PATHS, min_size=1, max_size=20, unique=True)


def _touch(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def _source(root: Path, valid: float = 0.2, test: float = 0.2):
    return open_source("folder", path=root, root=Path("/nowhere"), valid_fraction=valid, test_fraction=test)


def test_honours_split_folders_and_ignores_the_rest(tmp_path: Path) -> None:
    root = _touch(
        tmp_path,
        "train/a/x.WAV",
        "valid/y.flac",
        "test/z.mp3",
        "other/w.wav",
        "train/CREDITS.csv",
        "train/._x.wav",
    )
    tracks = _source(root).tracks()
    assert {(track.split, track.name, track.path.name) for track in tracks} == {
        ("train", "a_x", "x.WAV"),
        ("valid", "y", "y.flac"),
        ("test", "z", "z.mp3"),
    }


def test_same_name_in_two_splits_stays_apart(tmp_path: Path) -> None:
    names = [
        track.name for track in _source(_touch(tmp_path, "train/x.wav", "test/x.wav", "valid/v.ogg")).tracks()
    ]
    assert len(set(names)) == 3


def test_splits_by_folder_where_there_are_several(tmp_path: Path) -> None:
    root = _touch(tmp_path, *(f"album {a}/{t}.ogg" for a in range(12) for t in range(3)))
    tracks = _source(root).tracks()
    by_album = {track.path.parent.name: set() for track in tracks}
    for track in tracks:
        by_album[track.path.parent.name].add(track.split)
    assert all(len(splits) == 1 for splits in by_album.values())
    assert {track.split for track in tracks} == {"train", "valid", "test"}


@given(TREES, TREES, st.floats(0, 0.4), st.floats(0, 0.4))
def test_a_new_file_moves_no_old_one(old, new, valid, test) -> None:
    """Except the one group that fills an otherwise empty split."""
    old = [PurePosixPath("a", *file.parts) for file in old] + [PurePosixPath("b/1.wav")]
    both = sorted({*old, *new})
    before = split_of(old, valid_fraction=valid, test_fraction=test)
    after = split_of(both, valid_fraction=valid, test_fraction=test)
    moved = {file.parent for file in old if before[file] != after[file]}
    assert len(moved) <= 2
    by_folder = {file.parent: after[file] for file in both if file.parent.parts}
    assert all(after[file] == by_folder[file.parent] for file in both if file.parent.parts)


def test_shares_come_out_as_asked() -> None:
    files = [PurePosixPath(f"{n}.wav") for n in range(4000)]
    splits = list(split_of(files, valid_fraction=0.1, test_fraction=0.15).values())
    assert splits.count("valid") / 4000 == pytest.approx(0.1, abs=0.02)
    assert splits.count("test") / 4000 == pytest.approx(0.15, abs=0.02)


def test_three_tracks_fill_all_splits() -> None:
    files = [PurePosixPath(f"{n}.wav") for n in range(3)]
    assert set(split_of(files, valid_fraction=0.01, test_fraction=0.01).values()) == {
        "train",
        "valid",
        "test",
    }


@given(TREES)
def test_names_are_unique_file_names_everywhere(files) -> None:
    names = unique_names(files)
    assert len({name.casefold() for name in names}) == len(files)
    for name in names:
        assert len(name.encode()) <= MAX_NAME_BYTES + 9
        assert not set(name) & set('/\\:*?"<>|\n')


@pytest.mark.parametrize("files", [(), ("notes.txt",)])
def test_says_what_to_do_without_audio(tmp_path: Path, files: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"holds no WAV.*set data\.path"):
        _source(_touch(tmp_path, *files)).prepare()
    with pytest.raises(DataError, match=r"no such folder; set data\.path"):
        _source(tmp_path / "absent").prepare()

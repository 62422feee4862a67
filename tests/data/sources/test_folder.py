from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from mono2stereo.data.manifest import inspect_track
from mono2stereo.data.preprocessing import write_pair
from mono2stereo.data.sources import choose_source
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
    return choose_source("folder", path=root, root=Path("/nowhere"), valid_fraction=valid, test_fraction=test)


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


@pytest.mark.parametrize("names", ["Train Valid Test", "training VAL testing", "TRAIN dev Test"])
def test_splits_by_other_words(tmp_path: Path, names: str) -> None:
    source = _source(_touch(tmp_path, *(f"{name}/{n}.wav" for name in names.split() for n in range(5))))
    source.prepare()
    by_folder = {(track.path.parent.name, track.split) for track in source.tracks()}
    assert by_folder == set(zip(names.split(), ("train", "valid", "test"), strict=True))


def test_half_a_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Dev, Train names a split, but no folder is test; add that"):
        _source(_touch(tmp_path, "Train/1.wav", "Dev/2.wav", "eval/3.wav")).prepare()


def test_linked_folders_are_read_once_and_said(tmp_path: Path, capsys) -> None:
    albums = _touch(tmp_path / "elsewhere", "one/1.wav", "two/2.wav", "three/3.wav")
    for split, album in (("train", "one"), ("valid", "two"), ("test", "three")):
        (tmp_path / "tree").mkdir(exist_ok=True)
        (tmp_path / "tree" / split).symlink_to(albums / album)
    (albums / "one" / "round").symlink_to(tmp_path / "tree")
    source = _source(tmp_path / "tree")
    source.prepare()
    assert {(track.split, track.name) for track in source.tracks()} >= {
        ("train", "1"), ("valid", "2"), ("test", "3")
    }  # fmt: skip
    assert "a link; DVC does not see what changes behind" in capsys.readouterr().err


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
    """However few there are at first, and wherever the new ones lie."""
    many = [PurePosixPath(f"album {n}/{n}.wav") for n in range(60)]  # no split is empty by chance
    before = split_of([*many, *old], valid_fraction=valid, test_fraction=test)
    after = split_of(sorted({*many, *old, *new}), valid_fraction=valid, test_fraction=test)
    full = all(set(split.values()) == {"train", "valid", "test"} for split in (before, after))
    moved = {file.parent for file in before if before[file] != after[file]}
    assert len(moved) <= (0 if valid > 0.1 and test > 0.1 and full else 2)
    by_folder = {file.parent: after[file] for file in after if file.parent.parts}
    assert all(after[file] == by_folder[file.parent] for file in after if file.parent.parts)


def test_only_a_split_left_empty_takes_a_group_and_says_so(capfd) -> None:
    files = [PurePosixPath(f"{n}.wav") for n in range(200)]
    for count in range(3, 200):
        some = split_of(files[:count], valid_fraction=0.1, test_fraction=0.15)
        all_of_them = split_of(files, valid_fraction=0.1, test_fraction=0.15)
        moved = [file for file in some if some[file] != all_of_them[file]]
        said = capfd.readouterr().err.splitlines()
        assert len(moved) == len([line for line in said if "no recording by hash" in line]) <= 2
        assert set(some.values()) == {"train", "valid", "test"}


def test_an_album_keeps_its_discs_and_formats_together() -> None:
    files = [
        PurePosixPath(f"{n}/CD {disc}/t.{kind}")
        for n in range(40)
        for disc in (1, 2)
        for kind in ("wav", "ogg")
    ]
    files += [PurePosixPath(f"single {n}.{kind}") for n in range(40) for kind in ("wav", "flac")]
    splits = split_of(files, valid_fraction=0.2, test_fraction=0.2)
    for file in files:
        group = {splits[other] for other in files if other.with_suffix("") == file.with_suffix("")}
        if len(file.parts) == 3:
            group |= {splits[other] for other in files if other.parts[0] == file.parts[0]}
        assert len(group) == 1


def test_one_spelling_of_accents() -> None:
    composed, apart = PurePosixPath("caf\u00e9/1.wav"), PurePosixPath("cafe\u0301/1.wav")
    others = [PurePosixPath(f"{n}/1.wav") for n in range(20)]
    splits = [
        split_of([file, *others], valid_fraction=0.3, test_fraction=0.3)[file] for file in (composed, apart)
    ]
    assert splits[0] == splits[1]


def test_a_single_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"all recordings lie in one folder, wavs, .*set data\.path to it"):
        _source(_touch(tmp_path, "wavs/1.wav", "wavs/2.wav", "wavs/3.wav")).tracks()


KINDS = [
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"),
    ("WAV", "PCM_U8"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16"), ("AIFF", "PCM_24"), ("AIFF", "PCM_32"), ("AIFF", "FLOAT"),
]  # fmt: skip


RATES = [8000, 22050, 44100, 48000, 96000]
WITHOUT = {"MPEG_LAYER_III": {96000}, "OPUS": {22050, 44100, 96000}}  # rates that a format does not have


@pytest.mark.parametrize(
    ("kind", "subtype", "rate"),
    [(*kind, rate) for kind in KINDS for rate in RATES if rate not in WITHOUT.get(kind[1], ())],
)
def test_every_format_at_every_rate_and_depth(tmp_path: Path, kind: str, subtype: str, rate: int) -> None:
    """From the tree to the pair: the tones come out where they were, at the level they had."""
    t = np.arange(2 * rate) / rate
    tones = 0.25 * np.sin(2 * np.pi * np.outer(t, [440, 660]))
    suffix = {"AIFF": "aif"}.get(kind, kind.lower())
    (tmp_path / "train").mkdir()
    soundfile.write(tmp_path / "train" / f"x.{suffix}", tones, rate, format=kind, subtype=subtype)
    (track,) = _source(tmp_path).tracks()
    row = inspect_track(track, root=tmp_path, min_seconds=1.0)
    assert (row.status, row.note, row.sample_rate) == ("ok", "", rate)
    write_pair(track.path, tmp_path / "x.npy", 22050)
    mid, side = np.load(tmp_path / "x.npy")[22050 // 2 : 22050 // 2 + 22050].T
    left, right = (np.fft.rfft(signal)[[440, 660]] * 2 / 22050 for signal in (mid + side, mid - side))
    lossless = kind in ("WAV", "FLAC", "AIFF")
    np.testing.assert_allclose(np.abs(left), [0.25, 0], atol=4e-3 if lossless else 0.03)
    np.testing.assert_allclose(np.abs(right), [0, 0.25], atol=4e-3 if lossless else 0.03)


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

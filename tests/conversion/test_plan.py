from __future__ import annotations

from pathlib import Path

import pytest

from mono2stereo.conversion.plan import plan
from mono2stereo.errors import UsageError


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for name in (
        "a.wav",
        "b/a.flac",
        "b/c.MP3",
        "b/.hidden.wav",
        "b/.cache/d.wav",
        "b/notes.txt",
        "out/old.wav",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def pairs(jobs, root: Path) -> list[tuple[str, str]]:
    return [(str(job.source.relative_to(root)), str(job.target.relative_to(root))) for job in jobs]


def test_files_get_names_beside_them_or_below_a_folder(music):
    (music / "strange.dat").touch()
    sources = [music / "a.wav", music / "strange.dat"]
    assert pairs(plan(sources), music) == [
        ("a.wav", "a-stereo.wav"),
        ("strange.dat", "strange.dat-stereo.wav"),
    ]
    jobs = plan(sources, folder=music / "new", suffix=".flac")
    assert pairs(jobs, music) == [("a.wav", "new/a.flac"), ("strange.dat", "new/strange.dat.flac")]


def test_folders_keep_their_tree_and_leave_out_what_is_hidden_or_made(music):
    jobs = plan([music], folder=music / "out")
    assert pairs(jobs, music) == [
        ("a.wav", "out/a.wav"),
        ("b/a.flac", "out/b/a.flac"),
        ("b/c.MP3", "out/b/c.MP3"),
    ]
    assert len(plan([music, music / "a.wav"], folder=music / "out")) == 3  # the same file twice is one


def test_linked_folders_count_and_circles_end(music):
    top = music / "links"
    top.mkdir()
    (top / "b").symlink_to(music / "b")
    (top / "again").symlink_to(top)
    jobs = plan([top], folder=music / "out")
    assert [str(job.target.relative_to(music)) for job in jobs] == ["out/b/a.flac", "out/b/c.MP3"]


@pytest.mark.parametrize(
    ("sources", "how", "reason"),
    [
        (["a.wav", "b/a.flac"], {"output": "x.wav"}, "--out-dir"),
        (["."], {"output": "x.wav"}, "--out-dir"),
        (["."], {}, "--out-dir"),
        (["a.wav"], {"output": "b"}, "is a folder"),
        (["a.wav"], {"output": "x.doc"}, "end the name with"),
        (["a.wav", "b/a.flac"], {"folder": "out", "suffix": ".wav"}, "would both become"),
        (["b/.cache"], {"folder": "out", "suffix": ".wav"}, None),
        (["empty"], {"folder": "out"}, "no WAV, FLAC"),
    ],
)
def test_contradictions_are_wrong_usage(music, sources, how, reason):
    (music / "empty").mkdir()
    how = {key: music / value if key != "suffix" else value for key, value in how.items()}
    if reason is None:
        assert len(plan([music / name for name in sources], **how)) == 1
        return
    with pytest.raises(UsageError, match=reason):
        plan([music / name for name in sources], **how)


def test_a_dot_in_a_name_is_no_suffix(music):
    names = ["No. 5", "tape.001", "tape.002", "v1.2"]
    for name in names:
        (music / name).touch()
    sources = [music / name for name in names]
    assert pairs(plan(sources), music) == [(name, f"{name}-stereo.wav") for name in names]
    jobs = plan(sources, folder=music, suffix=".mp3")
    assert pairs(jobs, music) == [(name, f"{name}.mp3") for name in names]


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_names_that_a_system_takes_for_one_do_not_collide(platform, music, monkeypatch):
    monkeypatch.setattr("sys.platform", platform)
    for name in ("x/A.wav", "y/a.wav", "x/\u00e9.wav", "y/e\u0301.wav"):
        (music / name).parent.mkdir(exist_ok=True)
        (music / name).touch()
    for pair in (("x/A.wav", "y/a.wav"), ("x/\u00e9.wav", "y/e\u0301.wav")):
        sources = [music / name for name in pair]
        if platform == "linux":
            assert len(plan(sources, folder=music / "out")) == 2
        else:
            with pytest.raises(UsageError, match="would both become"):
                plan(sources, folder=music / "out")


@pytest.mark.parametrize("name", ["con.wav", "NUL.flac", "take: 2.wav", "what?.wav", "Com1 .wav"])
def test_names_that_windows_does_not_have(name, music, monkeypatch):
    assert len(plan([music / "a.wav"], output=music / name)) == 1
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(UsageError, match="no name for a file on Windows"):
        plan([music / "a.wav"], output=music / name)
    for fine in ("console.wav", "a.con.wav", "aux-stereo.wav"):
        assert len(plan([music / "a.wav"], output=music / fine)) == 1

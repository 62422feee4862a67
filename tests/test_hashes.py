from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mono2stereo.hashes import code_hash, fingerprint, short_hash

ROOT = Path(__file__).parents[1]


def test_code_hash_changes_with_contents_and_names_only(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    before = code_hash(package=tmp_path)
    (tmp_path / "notes.txt").write_text("not code")
    assert code_hash(package=tmp_path) == before
    (tmp_path / "a.py").write_text("x = 2")
    changed = code_hash(package=tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({before, changed, code_hash(package=tmp_path)}) == 3


def test_bytes_do_not_move_from_part_to_part() -> None:
    assert short_hash(b"ab", b"c") != short_hash(b"a", b"bc")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "mono2stereo", tmp_path / "mono2stereo"))


@pytest.mark.parametrize(
    ("edited", "trains_anew"),
    [
        ("losses/mel_loss.py", True),
        ("dsp/stft.py", True),
        ("training/__init__.py", True),
        ("paired_statistics.py", False),
        ("rendering/listening/assets/blind.js", False),
        ("dsp/onsets.py", False),
        ("conversion/__init__.py", False),
    ],
)
def test_a_training_is_known_by_the_code_that_it_imports(
    package: Path, edited: str, trains_anew: bool
) -> None:
    training = "mono2stereo.training.assemble"
    before = fingerprint({}, training, package=package)
    assert before == fingerprint({}, training)
    with (package / edited).open("a") as file:
        file.write("\n# edited")
    assert (fingerprint({}, training, package=package) != before) == trains_anew


def test_a_fingerprint_changes_with_settings_and_data(tmp_path: Path) -> None:
    data = tmp_path / "index.json"
    data.write_text("first")
    names = {fingerprint({"seed": seed}, "mono2stereo.errors", [data]) for seed in (0, 1)}
    data.write_text("second")
    assert len(names | {fingerprint({"seed": 0}, "mono2stereo.errors", [data])}) == 3

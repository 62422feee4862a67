"""A release is one tag: refused where versions or dates are missing, else built, installed and tried."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from clones import ROOT, call, environment

VENV = Path(sys.executable).parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    call("git", "clone", "--quiet", str(ROOT), str(tmp_path / "clone"), cwd=ROOT)
    return tmp_path / "clone"


def dated(clone: Path, heading: str) -> None:
    file = clone / "CHANGELOG.md"
    first, _, rest = file.read_text(encoding="utf-8").partition("\n## ")
    file.write_text(f"{first}\n{heading}\n{rest.partition(chr(10))[2]}", encoding="utf-8")


def release(clone: Path, tag: str) -> subprocess.CompletedProcess[str]:
    # Tests download nothing: what is installed is in the cache that the set-up filled.
    known = environment() | {"VENV": str(VENV), "UV_OFFLINE": "1"}
    return subprocess.run(
        [clone / ".ci/release", tag, "dist"],
        cwd=clone,
        env=os.environ | known,
        capture_output=True,
        text=True,
    )


def test_a_tag_without_its_version_or_date_is_refused(clone: Path) -> None:
    for tag, heading, reason in (
        ("v9.9.9", "## 0.1.0 (2026-01-02)", "tag v9.9.9, but pyproject.toml has version 0.1.0"),
        ("v0.1.0", "## 0.1.0 (unreleased)", "CHANGELOG.md begins with '## 0.1.0 (unreleased)'"),
    ):
        dated(clone, heading)
        done = release(clone, tag)
        assert done.returncode == 1
        assert f"error: {reason}" in done.stderr
        assert not (clone / "dist").exists()


@pytest.mark.slow
def test_a_dated_tag_is_built_installed_and_tried(clone: Path) -> None:
    dated(clone, "## 0.1.0 (2026-01-02)")
    done = release(clone, "v0.1.0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "old.wav → old-stereo.wav" in done.stdout
    assert "mono2stereo 0.1.0; model format 2; " in done.stdout
    assert sorted(file.suffix for file in (clone / "dist").iterdir()) == [".gz", ".whl"]
    with tarfile.open(clone / "dist/mono2stereo-0.1.0.tar.gz") as sdist:
        names = {Path(name).name for name in sdist.getnames()}
    assert {"default.onnx", "MODEL_CARD.md", "recordings.md", "LICENSE"} <= names

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mono2stereo import provenance
from mono2stereo.hashes import short_hash

PARAMS = {"profile": "ci", "data.source": "demo", "loss.coherence": 2.5}


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"):
        monkeypatch.delenv(name, raising=False)
    for file in ("params.yaml", "code.py"):
        Path(file).write_text("first\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    return tmp_path


def test_tags_say_what_a_run_was_made_from(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = provenance.describe(PARAMS)
    assert tags["baseline"] == provenance.commit() != ""
    assert (tags["profile"], tags["source"], tags["dirty"]) == ("ci", "demo", "false")
    assert "data" not in tags
    assert "experiment" not in tags
    (repository / "data").mkdir()
    (repository / "data/manifest.csv").write_text("track\n")
    monkeypatch.setenv("DVC_EXP_NAME", "wider")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "0123abc")
    tags = provenance.describe(PARAMS)
    assert (tags["experiment"], tags["baseline"]) == ("wider", "0123abc")
    assert tags["data"] == short_hash(b"track\n")


def test_dirty_means_other_code_not_other_settings(repository: Path) -> None:
    (repository / "params.yaml").write_text("second\n")
    assert provenance.describe(PARAMS)["dirty"] == "false"
    (repository / "code.py").write_text("second\n")
    assert provenance.describe(PARAMS)["dirty"] == "true"


def test_outside_a_repository_and_without_git_nothing_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "dirty" not in provenance.describe(PARAMS)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit() == ""

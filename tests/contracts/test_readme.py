"""The README's commands and snippet, run as they stand there; the long ones are in tests/test_pipeline.py."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from mono2stereo.config import Config

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


COMMANDS = [shlex.split(line, comments=True) for block in blocks("bash") for line in block.splitlines()]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "old_recording.wav"
    soundfile.write(file, np.random.default_rng(0).normal(size=22050) * 0.1, 44100)
    return file


def test_two_commands_after_each_other_are_set_up_and_test() -> None:
    first = COMMANDS.index(["make", "repro"])
    assert COMMANDS[first + 1] == ["make", "test"]


def test_every_make_target_exists() -> None:
    targets = {command[1] for command in COMMANDS if command[0] == "make"}
    targets |= set(re.findall(r"`make ([a-z-]+)`", README))
    for target in targets:
        done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_make_works_in_a_folder_with_a_blank(tmp_path: Path) -> None:
    clone = tmp_path / "my music"
    (clone / ".venv/bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, clone)
    elsewhere = {name: value for name, value in os.environ.items() if name != "VENV"}
    run = partial(subprocess.run, cwd=clone, env=elsewhere, capture_output=True, text=True)
    said = run(["make", "--dry-run", "setup"])
    assert said.returncode == 0
    assert "my" not in shlex.split(said.stdout, comments=True)
    (clone / ".venv/bin/dvc").symlink_to(shutil.which("echo") or "")
    (clone / ".venv/.ready").touch()
    done = run(["make", "--silent", "repro"])
    assert done.stdout == "repro\n", done.stderr


def test_every_override_is_a_parameter(tmp_path: Path) -> None:
    overrides = re.findall(r"-S '?([a-z_.]+)=([^\s'`]+)", README)
    assert len(overrides) > 5
    for key, value in overrides:
        params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        *sections, name = key.split(".")
        section = params
        for part in sections:
            section = section[part]
        assert name in section, key
        section[name] = yaml.safe_load(value.split(",")[0])
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        Config.load(tmp_path / "params.yaml")


def test_the_demonstration(recording: Path) -> None:
    """Convert, then measure what was made; as a newcomer would, in order."""
    ours = {command[1]: command for command in COMMANDS if command[0] == "mono2stereo"}
    for command in (ours["convert"], ours["measure"]):
        program = str(Path(sys.executable).with_name("mono2stereo"))
        subprocess.run([program, *command[1:]], cwd=recording.parent, check=True)
    assert soundfile.info(recording.with_name("old_recording-stereo.wav")).channels == 2


def test_listening_test_command(tmp_path: Path) -> None:
    (line,) = re.findall(r"^mono2stereo listening-test .*$", README, re.MULTILINE)
    rating = {"excerpt": "01", "stimulus": "mono", "quality": 40, "width": 0}
    test = {"format": "mono2stereo-listening-test-1", "page": "a", "listener": "", "ratings": [rating]}
    (tmp_path / "results").mkdir()
    for session in ("one", "two"):
        file = tmp_path / "results" / f"{session}.json"
        file.write_text(json.dumps({**test, "session": session}), encoding="utf-8")
    binaries = str(Path(sys.executable).parent)
    path = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(line, shell=True, cwd=tmp_path, check=True, env=path)
    assert (tmp_path / "scores.png").stat().st_size > 10_000


def test_snippet(recording: Path) -> None:
    (snippet,) = blocks("python")
    code = f"{snippet}\nimport numpy\nnumpy.testing.assert_allclose(stereo.mean(axis=1), mono, atol=1e-6)"
    subprocess.run([sys.executable, "-c", code], cwd=recording.parent, check=True)


def test_every_link_leads_somewhere() -> None:
    documents = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "MODEL_CARD.md")]
    documents.append(ROOT / "deploy/README.md")
    for document in [*documents, *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert target.startswith("http") or (document.parent / target).exists(), (document.name, target)


def test_dvc_commands_are_known() -> None:
    assert shutil.which("dvc", path=str(Path(sys.executable).parent))
    for command in COMMANDS:
        if command[0] == "dvc":
            verbs = command[1 : 3 if command[1] in ("exp", "queue", "metrics", "plots") else 2]
            dvc = [str(Path(sys.executable).with_name("dvc")), *verbs, "--help"]
            usage = subprocess.run(dvc, cwd=ROOT, capture_output=True, text=True)
            assert usage.returncode == 0
            for option in (word for word in command if word.startswith("-")):
                assert option in usage.stdout, (command, option)

"""The images' recipes agree with the lock, each other and what they copy; `deploy/docker/try` runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()
DEFINITION = (ROOT / "deploy/apptainer/mono2stereo.def").read_text()
BIN = Path(sys.executable).parent


def locked(path: Path) -> dict[str, str]:
    """Versions by name."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE))


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [BIN / "hadolint", ROOT / "deploy/docker/Dockerfile"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "script",
    [
        "deploy/docker/try",
        *(f".ci/{name}" for name in ("run", "reproduce", "system", "targets", "unskipped")),
    ],
)
def test_shellcheck_finds_nothing_in_scripts_that_can_be_run(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111
    done = subprocess.run([BIN / "shellcheck", ROOT / script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_cuda_lock_is_what_the_locked_tensorflow_asks_for() -> None:
    lock = locked(ROOT / "requirements.lock")
    assert version("tensorflow") == lock["tensorflow"]
    asked = [Requirement(text) for text in requires("tensorflow") or [] if 'extra == "and-cuda"' in text]
    cuda = locked(ROOT / "deploy/docker/cuda.lock")
    assert {requirement.name for requirement in asked} == cuda.keys()
    for requirement in asked:
        assert requirement.specifier.contains(cuda[requirement.name]), requirement


def test_all_recipes_take_one_uv_and_one_base_image() -> None:
    makefile = re.findall(r"^UV := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"^ARG UV=(\S+)$", DOCKERFILE, re.MULTILINE) == makefile
    assert re.findall(r"^ +UV=(\S+)$", DEFINITION, re.MULTILINE) == makefile
    digests = re.findall(r"@(sha256:[0-9a-f]{64})", DOCKERFILE + DEFINITION)
    assert len(digests) == 2
    assert len(set(digests)) == 1
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) <= {
        "${PYTHON_IMAGE}",
        *re.findall(r" AS (\S+)$", DOCKERFILE, re.MULTILINE),
    }


def test_what_is_copied_exists_and_passes_the_dockerignore() -> None:
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    }
    files = re.search(r"^%files\n(.*?)^%", DEFINITION, re.DOTALL | re.MULTILINE)
    assert files
    assert {line.split()[0] for line in files[1].splitlines() if line.strip()} == copied
    let_through = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("target", ["cpu", "gpu"])
def test_images_do_not_run_as_root(target: str) -> None:
    stage = DOCKERFILE.split(f" AS {target}\n")[1].split("\nFROM ")[0]
    assert stage.rstrip().splitlines()[-1] == "USER 1000:1000"

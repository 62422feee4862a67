"""Every command that README.md and docs/ show is run by a test, here or elsewhere, or not, for a reason."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clones import call, make_clone

ROOT = Path(__file__).parents[2]
PROGRAM = re.compile(
    r"(?:mono2stereo|make|dvc|python|pytest|mlflow|docker|apptainer|sbatch|ffmpeg|sox|pip|source|uv|deploy/docker/try|\.ci/\w+)\s+\S"
)

# Run by a test of that name; a program that is shown for its name alone is asked for its --help below.
ELSEWHERE = {
    r"make [a-z-]+|make test-slow .*": "test_nightly.py::test_every_make_target_runs",
    r"python -m benchmarks\.\w+( \w+)?": "test_nightly.py::test_every_benchmark_runs",
    r"pytest -m slow( -s)? tests/\S+": (
        "test_nightly.py::test_all_shards_of_the_slow_tests_run_within_90_minutes_each"
    ),
    r"mono2stereo (convert|measure) old_recording\S* ?.*": "test_readme.py::test_the_demonstration",
    r"mono2stereo listening-test .+": "test_readme.py::test_listening_test_command",
    r"mono2stereo benchmark (recordings|compare) .+": (
        "test_documented_benchmark.py::test_lines_of_the_document"
    ),
    r"python -m benchmarks\.peers .*": "test_peers.py::test_every_peer_makes_stereo_or_says_why_not",
    r"mlflow models serve .*": "test_model_of_a_run.py::test_the_documented_line_serves_it",
    r"mlflow server": "test_server.py::test_stages_share_a_run_on_a_server",
    r"mono2stereo studio( tape\.wav)?": "test_studio_server.py::test_only_its_own_page_is_answered",
    r"pip install \.": "test_wheel.py::test_converts_with_the_default_model_and_installs_nothing_heavy",
    r"dvc repro": "test_pipeline.py::test_nothing_runs_again_and_git_is_clean",
    r"dvc exp run (--temp|--queue( .*)?|-S loss\.coherence=2\.5)|dvc queue start --jobs (2|N)": (
        "test_pipeline.py::test_experiments_here_in_a_temporary_copy_and_queued"
    ),
    r"dvc exp run -S data\.source=folder -S data\.path=/path/to/recordings": (
        "test_pipeline.py::test_a_new_recording_is_noticed"
    ),
    r"\.ci/reproduce ci main": (
        "test_workflows.py::test_steps_of_the_scheduled_workflow_write_what_changed_into_the_summary"
    ),
}
NOT_HERE = {
    r"docker (build|run) .*": "needs Docker; the recipes' steps run with buildah (deploy/docker/try)",
    r"apptainer (build|exec) .*": "needs Apptainer; the recipe's steps run with buildah (deploy/docker/try)",
    r"deploy/docker/try \w+": "loads a base system from a package mirror and takes half an hour",
    r"dvc exp run -S profile=full.*": "needs MUSDB18-HQ; its settings are loaded by a test",
    r"dvc exp run -S data\.source=folder .*-S train\.(steps|precision)=.*": "hours of training on recordings",
    r"dvc (init --subdir|commit|gc( --workspace)?)": "DVC's own; docs/reliability.md says what came of them",
    r"pip install '\.\[benchmark\]'": "its packages are the training's, here already",
    r"pip install '\.\[studio\]'": "its packages are MLflow's and selenium's, here already",
    r"source \.venv/bin/activate": "of the shell that a person types in",
}
IN_A_CLONE = r"dvc (repro --force( download)?|exp show .*|(metrics|params) diff.*|plots diff.*|cache dir .*)"
BESIDE_RECORDINGS = r"(ffmpeg|sox) .* \| mono2stereo .*|mono2stereo convert (song|music|film).*"


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands() -> list[str]:
    """Lines of code blocks without their comments, and what stands in prose with an argument at least."""
    found: dict[str, None] = {}
    for document in documents():
        blocks, prose, fence = [], [], None
        for line in document.read_text(encoding="utf-8").splitlines():
            if line.lstrip().startswith("```"):
                fence = line.strip()[3:] if fence is None else None
            elif fence is None:
                prose.append(line)
            elif fence in ("", "bash"):
                blocks.append(line.strip())
        lines = re.sub(r"\\\n *", "", "\n".join(blocks)).splitlines()
        spans = re.findall(r"`([^`]+)`", "\n".join(prose))
        for command in [re.split(r"\s{3,}|\s+#\s", line)[0] for line in lines] + spans:
            if PROGRAM.match(command):
                found[" ".join(command.split())] = None
    return list(found)


COMMANDS = commands()
NAMED = [each for each in COMMANDS if re.fullmatch(r"mono2stereo [a-z-]+( --[a-z-]+)?", each)]


def of(pattern: str) -> list[str]:
    return [command for command in COMMANDS if re.fullmatch(pattern, command) and command not in NAMED]


def test_every_command_is_run_or_has_a_reason_not_to_be() -> None:
    patterns = [*ELSEWHERE, *NOT_HERE, IN_A_CLONE, BESIDE_RECORDINGS]
    assert len(COMMANDS) > 40
    for command in COMMANDS:
        fitting = [pattern for pattern in patterns if re.fullmatch(pattern, command)]
        assert fitting or command in NAMED, f"{command}: run it in a test, and say here in which"


def test_the_tests_named_exist() -> None:
    for named in ELSEWHERE.values():
        file, name = named.split("::")
        (path,) = (ROOT / "tests").rglob(file)
        names = {
            node.name for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.FunctionDef)
        }
        assert name in names, named


def test_every_pytest_line_names_tests() -> None:
    for command in of(r"pytest .*"):
        assert (ROOT / command.split()[-1]).exists(), command


@pytest.mark.parametrize("command", NAMED)
def test_subcommands_named_exist(command: str) -> None:
    subcommand, *options = command.split()[1:]
    program = str(Path(sys.executable).with_name("mono2stereo"))
    usage = subprocess.run([program, subcommand, "--help"], capture_output=True, text=True, check=True).stdout
    for option in options:
        assert option in usage


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the lines about converting speak of; stand-ins for another program's player and resampler."""
    folder = tmp_path_factory.mktemp("recordings")
    sound = np.random.default_rng(0).normal(size=30_000) * 0.1
    for name in ("song.wav", "song.mp3", "old.wav", "music/album/1.flac", "music/2.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, sound, 44100)
    for name, script in (("aplay", "cat >/dev/null"), ("sox", "cat old.wav")):
        (folder / "bin" / name).parent.mkdir(exist_ok=True)
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bin" / name).chmod(0o755)
    if shutil.which("ffmpeg"):
        make = [
            "ffmpeg",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=d=0.7:s=64x48",
            "-i",
            "song.wav",
            "film.mkv",
        ]
        subprocess.run(make, cwd=folder, check=True)
    return folder


@pytest.mark.system
@pytest.mark.parametrize("command", of(BESIDE_RECORDINGS))
def test_lines_about_converting(recordings: Path, command: str) -> None:
    if "film" in command and not (recordings / "film.mkv").exists():
        pytest.skip("ffmpeg makes the film")
    path = os.pathsep.join([str(recordings / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    line = command + (" --force" if command.startswith("mono2stereo") else "")
    before = {file.name for file in recordings.iterdir()}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", line],
        cwd=recordings,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "aplay" in command or {file.name for file in recordings.iterdir()} - before or "→" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_lines_for_a_repository(tmp_path: Path) -> None:
    """In a clone that has run once; in the order of the documents, without what they show of this machine."""
    clone = make_clone(tmp_path / "clone")
    call("dvc", "repro", cwd=clone)
    call("git", "add", "--all", cwd=clone)
    call("git", "commit", "--quiet", "--message", "results", cwd=clone)
    lines = of(IN_A_CLONE)
    assert len(lines) > 5
    for command in sorted(lines, key=lambda line: "cache" in line):
        call(*shlex.split(command.replace("/srv/", f"{tmp_path}/")), cwd=clone)

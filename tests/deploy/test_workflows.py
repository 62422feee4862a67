"""The workflows for GitHub Actions: valid, pinned, and their steps run here as a runner would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
BIN = Path(sys.executable).parent


def steps(workflow: str) -> list[dict[str, Any]]:
    (job,) = yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text())["jobs"].values()
    return list(job["steps"])


@pytest.mark.parametrize(
    "command", [["check-jsonschema", "--builtin-schema", "vendor.github-workflows"], ["zizmor", "--offline"]]
)
def test_linters_find_nothing(command: list[str]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:], *WORKFLOWS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_and_images_are_pinned(workflow: Path) -> None:
    text = workflow.read_text()
    used = re.findall(r"uses: (.+)$", text, re.MULTILINE)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    for image in re.findall(r"(?:container|image): (.+)$", text, re.MULTILINE):
        assert re.fullmatch(r".+@sha256:[0-9a-f]{64}", image), image


def run_step(step: dict[str, Any], *, clone: Path, home: Path, **environment: str) -> None:
    """As a runner: bash that stops at the first failure, files for summary, output and environment."""
    runner = {
        name: str(home / name.lower()) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_ENV")
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=clone,
        env=inherited | runner | {"HOME": str(home), "GITHUB_WORKSPACE": str(clone)} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def git(*arguments: str, cwd: Path) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_steps_of_the_scheduled_workflow_write_what_changed_into_the_summary(tmp_path: Path) -> None:
    """With the ci profile in place of demo, on a clone whose last commit raises a loss weight."""
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    git("clone", "--quiet", str(ROOT), str(clone), cwd=tmp_path)
    environment = os.environ | {"GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z"}
    subprocess.run(
        [
            "git",
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "commit",
            "-q",
            "--amend",
            "-m",
            "old",
        ],
        cwd=clone,
        env=environment,
        check=True,
    )
    params = clone / "params.yaml"
    params.write_text(
        re.sub(r"^  coherence: null$", "  coherence: 7.5", params.read_text(), flags=re.MULTILINE)
    )
    git("commit", "--quiet", "--all", "--message", "a larger weight", cwd=clone)
    ours = {
        "VENV": str(BIN.parent),
        "DVC_CACHE": str(tmp_path / "cache"),
        "REPORTS": str(tmp_path / "reports"),
        "ARTIFACT": "https://example.org/artifact",
    }
    # The environment is here already, and must not be made to point at the clone.
    todo = [step for step in steps("demo.yml") if "run" in step and step["run"] != "make setup"]
    assert len(todo) == 4
    for step in todo:
        step["run"] = step["run"].replace("reproduce demo", "reproduce ci")
        run_step(step, clone=clone, home=home, **ours)
    summary = (home / "github_step_summary").read_text()
    assert re.search(r"^\| params.yaml *\| loss.coherence *\| \S+ *\| 7.5 *\|$", summary, re.MULTILINE)
    assert re.search(
        r"^\| reports/train/metrics.json *\| \S+ *\| \S+ *\| \S+ *\| \S+ *\|$", summary, re.MULTILINE
    )
    assert summary.count("xychart-beta") == 3  # the recommended recipe has no adversarial term
    assert "[Plots of both revisions" in summary
    assert "data:" not in summary  # GitHub shows none of these
    assert (tmp_path / "reports/plots/index.html").exists()
    assert (tmp_path / "reports/evaluate/report.md").exists()
    assert not git("status", "--porcelain", cwd=clone)
    (tmp_path.parent / "summary.md").write_text(summary)  # to look at

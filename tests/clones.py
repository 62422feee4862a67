"""Clones of this repository for tests that run DVC and Git for real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    return kept | {
        "DVC_NO_ANALYTICS": "true",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
        "GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.org",
    }  # fmt: skip


def call(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def make_clone(folder: Path) -> Path:
    """A clone in `folder` with the smallest profile and the recipe that has all branches."""
    call("git", "clone", "--quiet", str(ROOT), str(folder), cwd=ROOT)
    params = (folder / "params.yaml").read_text()
    for key, value in (("profile", "ci"), ("recipe", "published")):
        params = re.sub(rf"^{key}: \w+", f"{key}: {value}", params, flags=re.MULTILINE)
    (folder / "params.yaml").write_text(params)
    call("git", "commit", "--quiet", "--all", "--message", "ci profile", cwd=folder)
    return folder

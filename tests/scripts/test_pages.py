"""The pages' scripts: types, style, and what they do without a browser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
HERE = Path(__file__).parent


@pytest.mark.parametrize("script", ["types", "lint", "test"])
def test_scripts(script: str) -> None:
    if not shutil.which("npm"):
        pytest.skip("no npm: apt-get install nodejs npm")
    if script != "test" and not (HERE / "node_modules").is_dir():
        pytest.skip("no TypeScript and ESLint: npm ci in tests/scripts")
    done = subprocess.run(["npm", "run", "--silent", script], cwd=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

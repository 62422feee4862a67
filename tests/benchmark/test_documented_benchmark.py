"""The lines that docs/benchmark.md shows, in a folder with a recording."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[2]
LINES = re.findall(r"^mono2stereo benchmark .*$", (ROOT / "docs/benchmark.md").read_text(), re.MULTILINE)


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.timeout(3000)
def test_lines_of_the_document(tmp_path: Path):
    if not shutil.which("sox"):
        pytest.skip("no sox: apt-get install sox")
    (tmp_path / "recordings").mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal((4 * 44100, 2))
    soundfile.write(tmp_path / "recordings" / "noise.wav", noise, 44100)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    assert len(LINES) == 3
    for line in sorted(LINES, key=lambda line: "compare" in line):
        if "compare" in line:
            shutil.copytree(tmp_path / "results", tmp_path / "other")
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert "No number differs." in done.stdout
    assert "delay" in (tmp_path / "results" / "report.md").read_text()

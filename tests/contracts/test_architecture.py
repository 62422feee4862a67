from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_import_directions():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "entry",
    [
        "mono2stereo.cli",
        "mono2stereo.commands.convert",
        "mono2stereo.commands.info",
        "mono2stereo.decorrelators",
    ],
)
def test_using_a_model_imports_nothing_heavy(entry):
    heavy = "{'tensorflow', 'keras', 'mlflow', 'dvc', 'pandas', 'librosa', 'matplotlib'}"
    code = f"import sys, {entry}; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_reading_a_wrong_parameter_costs_no_tensorflow():
    """A stage refuses bad parameters before it imports anything heavy."""
    code = "import sys, stages.train; sys.exit(', '.join({'tensorflow', 'mlflow'} & set(sys.modules)) or 0)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_no_two_modules_have_one_name():
    """So that who searches for one finds it."""
    names = Counter(path.name for path in (ROOT / "mono2stereo").rglob("*.py") if path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_no_file_outgrows_one_sitting():
    long = [
        f"{path.relative_to(ROOT)} {n}"
        for path in [*ROOT.glob("mono2stereo/**/*.py"), *ROOT.glob("stages/*.py")]
        if (n := len(path.read_text().splitlines())) > 320
    ]
    assert not long

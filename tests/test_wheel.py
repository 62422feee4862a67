"""The wheel without extras in an environment of its own: a model needs neither TensorFlow nor DVC."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[1]
UV = [sys.executable, "-m", "uv", "--quiet"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fresh environment with the wheel and its five light dependencies, at the locked versions."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*UV, "venv", "--python", sys.executable, str(folder / "venv")], check=True)
    # From the cache that the set-up filled: tests download nothing.
    install = ["pip", "install", "--offline", "--no-deps", "--python", str(folder / "venv")]
    needs = [sys.executable, ".ci/needs.py", "mono2stereo"]
    pins = subprocess.run(needs, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    subprocess.run([*UV, *install, str(wheel), *pins], check=True)
    return folder / "venv" / "bin"


def test_converts_with_the_default_model_and_installs_nothing_heavy(
    environment: Path, tmp_path: Path
) -> None:
    mono = (np.random.default_rng(0).normal(size=44100) * 0.1).astype(np.float32)
    soundfile.write(tmp_path / "old_recording.wav", mono, 44100, subtype="FLOAT")
    command = [str(environment / "mono2stereo"), "convert", "old_recording.wav"]
    subprocess.run(command, cwd=tmp_path, check=True)
    stereo, sample_rate = soundfile.read(tmp_path / "old_recording-stereo.wav", dtype="float32")
    assert (sample_rate, stereo.shape) == (44100, (44100, 2))
    np.testing.assert_allclose(stereo.mean(axis=1), mono, atol=1e-6)
    assert np.std(stereo[:, 0] - stereo[:, 1]) > 0.01
    heavy = ["tensorflow", "keras", "mlflow", "dvc", "pandas", "librosa", "matplotlib", "pydantic", "onnx"]
    code = f"from importlib.util import find_spec; print([name for name in {heavy} if find_spec(name)])"
    found = subprocess.run([environment / "python", "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_measures_and_says_what_a_picture_needs(environment: Path, tmp_path: Path) -> None:
    stereo = (np.random.default_rng(0).normal(size=(88200, 2)) * 0.1).astype(np.float32)
    soundfile.write(tmp_path / "stereo.wav", stereo, 44100)
    command = [str(environment / "mono2stereo"), "measure", "stereo.wav"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "log-mel (dB)" in done.stdout
    drawn = subprocess.run([*command, "--picture", "a.png"], cwd=tmp_path, capture_output=True, text=True)
    assert drawn.returncode == 1
    assert drawn.stderr == (
        "error: --picture draws with matplotlib, which is not here: pip install matplotlib\n"
    )

"""Two hours take no more memory than two minutes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.dsp.stft import Stft

SAMPLE_RATE = 8000


def write_noise(path: Path, seconds: int) -> None:
    block = (0.1 * np.random.default_rng(0).standard_normal(60 * SAMPLE_RATE)).astype(np.float32)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, "PCM_16") as file:
        for _ in range(seconds // 60):
            file.write(block)


def tiny_model(path: Path) -> None:
    """A network with little to compute: what grows with a file is around it."""
    from mono2stereo.models.export import export_onnx
    from mono2stereo.models.generators import GroupedConv1DGenerator
    from mono2stereo.models.mid_to_side import MidToSide

    generator = GroupedConv1DGenerator(n_bins=65, filters_per_bin=2, kernel_frames=3, use_bias=False)
    export_onnx(MidToSide(generator, stft=Stft(116, 58, 128), sample_rate=22050), path)


def peak_bytes(command: list[str]) -> int:
    """Peak resident size of a process that must succeed.

    Its parent is a small Python: before a process runs its own program it counts as large as its parent.
    """
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=2);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], stdout=subprocess.PIPE, check=True)
    return int(done.stdout)


@pytest.mark.slow
def test_two_hours_take_the_memory_of_two_minutes(tmp_path):
    tiny_model(tmp_path / "tiny.onnx")
    program = str(Path(sys.executable).with_name("mono2stereo"))
    peaks = {}
    for seconds in (120, 7200):
        source, target = tmp_path / f"{seconds}.wav", tmp_path / f"{seconds}-stereo.wav"
        write_noise(source, seconds)
        peaks[seconds] = peak_bytes(
            [program, "convert", str(source), "-o", str(target), "--model", str(tmp_path / "tiny.onnx")]
        )
        assert soundfile.info(target).frames == seconds * SAMPLE_RATE
        source.unlink()
        target.unlink()
    assert peaks[7200] <= 1.1 * peaks[120], {seconds: peak / 2**20 for seconds, peak in peaks.items()}

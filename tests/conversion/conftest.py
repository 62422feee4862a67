from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture
def sound() -> np.ndarray:
    """Two seconds at 44.1 kHz: a tone in noise, a stretch of silence, a fade-out; peak at -12 dB."""
    random = np.random.default_rng(0)
    x = np.sin(np.arange(88200) * 0.06) + 0.3 * random.normal(size=88200)
    x[30000:45000] = 0
    x *= np.minimum(1, np.arange(88200)[::-1] / 20000)
    return 0.25 * x / np.abs(x).max()


@pytest.fixture
def folder(sound, tmp_path, monkeypatch) -> Path:
    """Here: good.wav, deep/good.flac and deep/bad.wav, which is none."""
    monkeypatch.chdir(tmp_path)
    Path("in/deep").mkdir(parents=True)
    soundfile.write("in/good.wav", sound, 44100)
    soundfile.write("in/deep/good.flac", sound[:9000], 44100, subtype="PCM_24")
    Path("in/deep/bad.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    return tmp_path

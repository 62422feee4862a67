from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

Writer = Callable[..., NDArray[np.float64]]


@pytest.fixture
def write_stereo() -> Writer:
    """Write a stereo recording of coloured noise whose side is as loud as asked; returns its samples."""

    def write(
        path: Path, *, seconds: float = 1.0, side: float = 0.5, rate: int = 44100, seed: int = 0, **kind
    ):
        rng = np.random.default_rng(seed)
        mid, other = np.cumsum(rng.standard_normal((2, round(seconds * rate))), axis=1) * 0.002
        stereo = np.stack([mid + side * other, mid - side * other], axis=1)
        stereo = 0.5 * stereo / np.max(np.abs(stereo))
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, stereo, rate, **kind)
        return stereo

    return write

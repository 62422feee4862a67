from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def sound() -> np.ndarray:
    """Two seconds at 44.1 kHz: a tone in noise, a stretch of silence, a fade-out; peak at -12 dB."""
    random = np.random.default_rng(0)
    x = np.sin(np.arange(88200) * 0.06) + 0.3 * random.normal(size=88200)
    x[30000:45000] = 0
    x *= np.minimum(1, np.arange(88200)[::-1] / 20000)
    return 0.25 * x / np.abs(x).max()

from __future__ import annotations

import numpy as np
import pytest

from mono2stereo.dsp.stft import Stft
from mono2stereo.pictures import RANGE_DB, spectrogram_db


@pytest.mark.parametrize("gain", [1.0, 1e-6])
def test_a_spectrogram_has_the_levels_of_our_stft_down_to_its_range(gain: float) -> None:
    mid, side = gain * np.random.default_rng(0).standard_normal((2, 8192)) * np.linspace(1e-6, 1, 8192)
    magnitudes = [np.abs(Stft(1024, 256, 1024).analyse(x)).T for x in (side, mid)]
    expected = np.maximum(20 * np.log10(magnitudes[0] / magnitudes[1].max()), -RANGE_DB)
    np.testing.assert_allclose(spectrogram_db(side, reference=mid), expected, atol=1e-3)


def test_silence_is_drawn_as_silence() -> None:
    assert np.all(spectrogram_db(np.zeros(4096), reference=np.zeros(4096)) == -RANGE_DB)

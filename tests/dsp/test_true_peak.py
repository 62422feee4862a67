from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from mono2stereo.dsp.true_peak import PHASES, TruePeak


def test_peak_between_samples() -> None:
    """A quarter of the sample rate, 45 degrees off: samples at 0.707, the wave reaches 1."""
    meter = TruePeak(2)
    wave = np.sin(np.pi / 2 * np.arange(4000) + np.pi / 4)
    meter.add(np.stack([wave, 0.1 * wave], axis=1))
    assert 20 * np.log10(meter.peak) == pytest.approx(0, abs=0.2)  # the standard's filter errs by as much


def test_equals_the_interpolation_it_is() -> None:
    x = np.random.default_rng(0).normal(size=(9000, 2))
    spread = np.zeros((4 * len(x), 2))
    spread[::4] = x
    filtered = scipy.signal.lfilter(PHASES.T.ravel(), [1.0], spread, axis=0)
    meter = TruePeak(2)
    meter.add(x)
    assert meter.peak == pytest.approx(np.abs(filtered).max(), rel=1e-5)


def test_cuts_do_not_matter() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(20000, 2))
    whole, cut = TruePeak(2), TruePeak(2)
    whole.add(x)
    for block in np.split(x, np.sort(random.integers(0, len(x), 30))):
        cut.add(block)
    assert cut.peak == pytest.approx(whole.peak, rel=1e-6)
    assert TruePeak(1).peak == 0

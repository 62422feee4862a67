"""How wide a network makes recordings, measured on some whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from mono2stereo.data.pairs import Pair
from mono2stereo.dsp.signals import Signal
from mono2stereo.training.calibration import own_width

RATE = 8000


def pair(name: str, mid: Signal) -> Pair:
    levels = np.ones(80, np.float32)
    return Pair(name, "train", RATE, np.stack([mid, 0 * mid], axis=1).astype(np.float32), 0.0, levels, levels)


class Scaling:
    """Each recording at its own gain; keeps what it heard."""

    def __init__(self, gains: list[float]) -> None:
        self.gains, self.heard = iter(gains), []

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        assert sample_rate == RATE
        self.heard.append(mid)
        return mid * np.float32(next(self.gains))


def test_own_width_is_the_median_where_the_mid_is_loud_enough_to_tell():
    random, time = np.random.default_rng(0), np.arange(20 * RATE) / RATE
    low = np.fft.rfft(random.normal(size=(3, 20 * RATE)))
    low[:, np.fft.rfftfreq(20 * RATE, 1 / RATE) > 1000] = 0  # nothing above,
    mids = np.fft.irfft(low) + [[0], [1e-3], [1e-9]] * np.sin(2 * np.pi * 2000 * time)  # but a tone in one
    scaling = Scaling([0.5, 0.25, 1.0])
    width = own_width(scaling, [pair(str(number), mid) for number, mid in enumerate(mids)])  # type: ignore[arg-type]
    for heard, mid in zip(scaling.heard, mids, strict=True):
        np.testing.assert_array_equal(heard, mid[2 * RATE : -2 * RATE].astype(np.float32))
    hz, side_to_mid_db = (np.array(width[name]) for name in ("frequency_hz", "side_to_mid_db"))
    assert np.flatnonzero(hz > 1200).size == 1
    assert hz[-1] == pytest.approx(1995, abs=1)
    np.testing.assert_allclose(side_to_mid_db[hz < 900], -6.02, atol=0.011)
    assert side_to_mid_db[-1] == pytest.approx(-12.04, abs=0.011)


def test_of_many_recordings_an_even_choice_is_heard():
    noise = np.random.default_rng(1).normal(size=(200, RATE)).astype(np.float32)
    scaling = Scaling([1.0] * 200)
    own_width(scaling, [pair(str(number), mid) for number, mid in enumerate(noise)])  # type: ignore[arg-type]
    chosen = [int(np.flatnonzero((noise == heard).all(axis=1))[0]) for heard in scaling.heard]
    assert (len(chosen), chosen[0], chosen[-1]) == (64, 0, 199)
    assert max(np.diff(chosen)) <= 4

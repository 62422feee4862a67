"""The gain of signals whose peak and loudness are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mono2stereo.conversion.gain import Gain, Meter, true_peak_db

RATE = 44100
SINE = np.sin(2 * np.pi * 997 * np.arange(2 * RATE) / RATE)


def metered(mid: np.ndarray, side: np.ndarray, *, loudness: bool, source: np.ndarray | None = None) -> Meter:
    meter = Meter(RATE, loudness=loudness)
    for part in np.array_split(np.arange(len(mid)), 3):
        meter.add((mid if source is None else source)[part], mid[part], side[part])
    return meter


def test_what_is_printed_is_what_is_applied():
    assert str(Gain(-1.25, "true peak")) == "g = 0.865964 (-1.25 dB, true peak)"
    assert str(Gain(db=0.5)) == "g = 1.05925 (+0.50 dB)"
    assert Gain().factor == 1


@pytest.mark.parametrize("sign", [1, -1])
def test_the_louder_of_left_and_right_meets_the_ceiling_rounded_down(sign):
    meter = metered(0.8 * SINE, sign * 0.4 * SINE, loudness=False)
    assert meter.true_peak == pytest.approx(1.2, rel=2e-3)
    for ceiling, whole_hundredths in ((1.0, -160), (0.5, -762)):  # 20 lg 1.2 = 1.58
        gain = meter.gain(ceiling)
        exact_db = 20 * math.log10(ceiling / meter.true_peak)
        assert gain.why == "true peak"
        assert exact_db - 0.01 < gain.db <= exact_db
        assert round(100 * gain.db) == pytest.approx(whole_hundredths, abs=1)
        assert gain.db == round(gain.db, 2)
    assert meter.gain(1.25) == Gain()


def test_loudness_is_the_inputs_unless_the_peak_is_too_high():
    """A side like the mid doubles left and ends right: 4 of power for the 2 of a mono file, 3.01 dB."""
    quiet = metered(0.1 * SINE, 0.1 * SINE, loudness=True)
    assert quiet.gain(1.0) == Gain(-3.01, "loudness")
    assert metered(0.1 * SINE, 0 * SINE, loudness=True).gain(1.0) == Gain(0.0, "loudness")
    louder = metered(0.1 * SINE, 0 * SINE, loudness=True, source=0.2 * SINE)
    assert louder.gain(math.inf) == Gain(6.02, "loudness")
    assert louder.gain(0.15) == Gain(pytest.approx(3.52, abs=0.011), "true peak")


def test_without_a_loudness_the_peak_alone_decides():
    short = metered(0.8 * SINE[:2000], 0.4 * SINE[:2000], loudness=True)
    assert short.gain(math.inf) == Gain(0.0, "too short or too quiet for a loudness")
    assert short.gain(1.0).why == "true peak"


def test_silence_has_no_peak():
    assert true_peak_db(0.0) == -math.inf
    assert true_peak_db(0.5) == pytest.approx(-6.0206, abs=1e-4)
    assert metered(0 * SINE, 0 * SINE, loudness=False).gain(1.0) == Gain()

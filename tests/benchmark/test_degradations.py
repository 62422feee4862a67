"""Each measure is monotonic in the degradation that is its own; a level is no degradation."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.degradations import DEGRADATIONS, RATE, colour, song
from mono2stereo.decorrelators.random_phase import RandomPhase
from mono2stereo.measures import take_measures
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis


def readings(kind: str) -> list[float]:
    degrade, amounts, measure, _ = DEGRADATIONS[kind]
    mid = song(0)[: 5 * RATE]
    base, source = RandomPhase(0.05).side(mid, RATE), SignalAnalysis(mid, RATE)
    sides = (degrade(mid, base, amount).astype(np.float32) for amount in amounts)
    taken = (take_measures(SideAnalysis(source, SignalAnalysis(side, RATE)), [measure]) for side in sides)
    return [each.values[measure] for each in taken]


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_a_measure_is_monotonic_in_its_own(kind: str):
    steps = np.diff(readings(kind)) * (1 if DEGRADATIONS[kind][3] else -1)
    assert (steps > 0).all(), steps


def test_a_level_changes_nothing_but_the_level():
    mid = song(1)[: 4 * RATE]
    side = RandomPhase(0.05).side(mid, RATE)
    loud, quiet = (
        take_measures(SideAnalysis(SignalAnalysis(mid, RATE), SignalAnalysis(gain * side, RATE))).values
        for gain in (np.float32(1), np.float32(0.25))
    )
    assert loud.pop("level_db") - quiet.pop("level_db") == pytest.approx(20 * np.log10(4), abs=1e-3)
    for depends in ("below_30_hz_db", "near_nyquist_db", "loudness_change_lu", "fold_down_error_db"):
        del loud[depends], quiet[depends]
    assert loud == pytest.approx(quiet, abs=1e-2)


def test_a_tilt_of_nothing_is_nothing():
    side = song(2)[:RATE]
    np.testing.assert_allclose(colour(side, side, 0.0), side, atol=1e-6)

from __future__ import annotations

import numpy as np
import pytest

from mono2stereo.decorrelators.classical import CLASSICAL
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.dsp.masking import audible_excess_db
from mono2stereo.probes import SAMPLE_RATE, Figure, markdown, probe, sounds


def test_a_linear_filter_distorts_nothing():
    figures = probe(CLASSICAL["velvet"]())
    steady = [figure for figure in figures if figure.probe.startswith(("tone", "saw"))]
    assert len(steady) == 25
    assert all(figure.value < -100 for figure in steady)
    assert all(figure.kept for figure in figures if figure.probe != "direct current")


# Where the default model is known to be beyond: steady tones and what is like them gain sidebands, long even
# notes have no onsets to keep (see MODEL_CARD.md).
KNOWN = ("tone", "saw", "sweep", "strings", "choir", "flute", "brass")


def test_the_default_model_comes_out_sane():
    """Silence, levels, clipping, clicks, speech and instruments with attacks."""
    figures = probe(NeuralDecorrelator.load())
    beyond = [figure for figure in figures if not figure.kept and not figure.probe.startswith(KNOWN)]
    assert not beyond, markdown(beyond)
    worst = {kind: [figure for figure in figures if figure.probe.startswith(kind)] for kind in KNOWN}
    assert max(figure.value for figure in worst["sweep"]) < -10
    assert all(figure.value < 10 for kind in KNOWN[3:] for figure in worst[kind])


def test_a_tone_masks_what_lies_near_and_above_it():
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    masker = np.sin(2 * np.pi * 1000 * time)

    def excess(hz: float) -> float:
        return audible_excess_db(1e-2 * np.sin(2 * np.pi * hz * time), masker, SAMPLE_RATE)

    assert excess(1300) < excess(4000)
    assert excess(1300) < excess(700)
    louder = audible_excess_db(1e-1 * np.sin(2 * np.pi * 4000 * time), masker, SAMPLE_RATE)
    assert louder == pytest.approx(excess(4000) + 20, abs=0.1)
    assert audible_excess_db(np.zeros_like(masker), masker, SAMPLE_RATE) == float("-inf")


def test_what_is_undefined_is_not_kept():
    assert not Figure("x", "y", float("nan"), 1.0).kept
    assert "–" in markdown([Figure("x", "y", float("nan"), 1.0)])


def test_sounds_are_audible_and_repeat():
    first, second = sounds(), sounds()
    for name, sound in first.items():
        assert sound.dtype == np.float32, name
        assert len(sound) == 4 * SAMPLE_RATE
        assert 0.01 < np.abs(sound).max() <= 1
        np.testing.assert_array_equal(sound, second[name])

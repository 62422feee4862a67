from __future__ import annotations

import numpy as np
import pytest

from mono2stereo.decorrelators.classical import CLASSICAL
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.dsp.masking import audible_excess_db
from mono2stereo.probes import SAMPLE_RATE, Figure, judge_probes, markdown, sounds


def test_a_linear_filter_distorts_nothing():
    figures = judge_probes(CLASSICAL["velvet"]())
    steady = [figure for figure in figures if figure.probe.startswith(("tone", "saw"))]
    assert len(steady) == 25
    assert all(figure.value < -100 for figure in steady)
    beyond = {figure.probe for figure in figures if not figure.kept}
    assert beyond == {"direct current", "held notes, A2 to A6"}  # random taps have notches


def test_the_default_model_comes_out_sane():
    assert [figure for figure in judge_probes(NeuralDecorrelator.load()) if not figure.kept] == []


def test_the_default_model_leaves_steady_tones_alone():
    model, time = NeuralDecorrelator.load(), np.arange(3 * 22050) / 22050
    window, hz = np.blackman(22050), np.fft.rfftfreq(22050, 1 / 22050)
    for pitch in np.geomspace(65.0, 9000.0, 20):
        tone = (0.3 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)
        power, of_mid = (
            np.abs(np.fft.rfft(x[-22050:] * window)) ** 2 for x in (model.side(tone, 22050), tone)
        )
        beside = power[np.abs(hz - pitch) > 24.7 * (0.00437 * pitch + 1) / 2].sum()
        assert 10 * np.log10(beside / of_mid.sum()) < -50, pitch


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

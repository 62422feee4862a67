import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.coherence import mean_coherence
from mono2stereo.errors import AudioError
from mono2stereo.evaluation.measures import (
    Measurement,
    Measures,
    coherence_floors,
    curve_axes,
    fold_down_error_db,
)

RATE = 22050


def noise(seed: int, seconds: float = 6.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32)


def measurement(mid: np.ndarray, side: np.ndarray) -> Measurement:
    return Measurement(mid=mid, side=side, sample_rate=RATE, coherence_seconds=3.0)


def measures(mid: np.ndarray, side: np.ndarray) -> Measures:
    return measurement(mid, side).measures


def delayed(x: np.ndarray, milliseconds: float) -> np.ndarray:
    samples = round(milliseconds * RATE / 1000)
    return np.pad(x, (samples, 0))[: len(x)]


@pytest.mark.parametrize("gain", [1.0, -0.25])
def test_a_copy_is_recognised_at_any_level(gain: float) -> None:
    mid = noise(0)
    measured = measures(mid, np.float32(gain) * mid)
    change_db = 20 * np.log10(abs(gain))
    assert measured.coherence_1024 == pytest.approx(1, abs=1e-5)
    assert measured.coherence_4096 == pytest.approx(1, abs=1e-5)
    assert measured.correlation_at_zero_lag == pytest.approx(1, abs=1e-5)
    assert measured.largest_correlation == pytest.approx(1, abs=1e-5)
    assert measured.onset_correlation == pytest.approx(1, abs=1e-5)
    for name in ("log_mel_db", "colour_db", "crest_change_db"):
        assert getattr(measured, name) == pytest.approx(0, abs=1e-3), name
    for name in ("level_db", "below_30_hz_db", "near_nyquist_db"):
        assert getattr(measured, name) == pytest.approx(change_db, abs=1e-3), name


def test_independent_noise_reads_the_estimators_floor() -> None:
    measured = measures(noise(0), noise(1))
    floors = coherence_floors(RATE, 3.0)
    assert measured.coherence_1024 == pytest.approx(0.074, abs=0.004)
    assert measured.coherence_1024 == pytest.approx(floors[1024], rel=0.1)
    assert measured.coherence_4096 == pytest.approx(floors[4096], rel=0.1)
    assert measured.log_mel_db == pytest.approx(2.7, abs=0.25)
    assert measured.largest_correlation < 0.02
    # Independent sides of equal level add their power to the mid's.
    assert measured.loudness_change_lu == pytest.approx(10 * np.log10(2), abs=0.05)


@pytest.mark.parametrize(("milliseconds", "coherence"), [(10, 0.737), (20, 0.279), (35, 0.074)])
def test_a_delay_evades_the_short_window_and_nothing_else(milliseconds: float, coherence: float) -> None:
    mid = noise(0)
    whole = measurement(mid, delayed(mid, milliseconds))
    assert whole.measures.coherence_1024 == pytest.approx(coherence, abs=0.015)
    assert whole.measures.coherence_4096 > 0.75
    assert whole.measures.largest_correlation > 0.98
    assert whole.measures.colour_db < 0.1
    lags_ms = curve_axes(RATE)["correlogram"][1]
    assert lags_ms[np.argmax(whole.curves["correlogram"])] == milliseconds


def test_a_mean_offset_shows_below_30_hz() -> None:
    mid, side = noise(0), noise(1)
    assert abs(measures(mid, side).below_30_hz_db) < 3
    assert measures(mid, side + np.float32(0.2)).below_30_hz_db > 25


def test_energy_at_the_edge_shows_near_nyquist() -> None:
    mid = noise(0)
    alternating = (0.1 * np.cos(np.pi * np.arange(len(mid)))).astype(np.float32)
    # A tenth of white noise lies there, all of the alternating sequence.
    assert measures(mid, alternating).near_nyquist_db == pytest.approx(10, abs=0.5)


def test_a_silent_side_is_undefined_not_good() -> None:
    measured = measures(noise(0), np.zeros_like(noise(0)))
    for name in ("coherence_1024", "largest_correlation", "log_mel_db", "colour_db", "level_db"):
        assert np.isnan(getattr(measured, name)), name
    assert measured.loudness_change_lu == pytest.approx(0, abs=1e-6)
    assert measured.fold_down_error_db == -200


def test_coherence_is_the_mean_over_parts() -> None:
    mid, other = noise(0), noise(1)
    half = len(mid) // 2
    side = np.concatenate([mid[:half], other[half:]])
    expected = (1 + mean_coherence(mid[half:], other[half:], RATE, 1024)) / 2
    assert measures(mid, side).coherence_1024 == pytest.approx(expected, abs=1e-5)


def test_silent_parts_are_skipped() -> None:
    mid, side = noise(0), noise(1)
    half = len(mid) // 2
    mid[half:] *= 1e-6
    expected = mean_coherence(mid[:half], side[:half], RATE, 1024)
    assert measures(mid, side).coherence_1024 == pytest.approx(expected, abs=1e-6)


def test_levels_curve_sums_to_the_whole_mid() -> None:
    mid = noise(0)
    levels = measurement(mid, noise(1)).curves["levels"]
    assert 10 * np.log10(np.sum(10 ** (levels / 10))) == pytest.approx(0, abs=0.1)


def test_curves_fit_their_axes() -> None:
    curves, axes = measurement(noise(0), noise(1)).curves, curve_axes(RATE)
    assert {name: len(curve) for name, curve in curves.items()} == {
        name: len(axis) for name, (_, axis) in axes.items()
    }


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), side_db=st.floats(-60, 20), level_db=st.floats(-80, 0))
def test_fold_down_is_exact_whatever_the_side(seed: int, side_db: float, level_db: float) -> None:
    mid, side = np.random.default_rng(seed).standard_normal((2, 500)).astype(np.float32)
    gain = np.float32(10 ** (level_db / 20))
    assert fold_down_error_db(gain * mid, gain * np.float32(10 ** (side_db / 20)) * side) < -120


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(AudioError, match="samples"):
        measures(noise(0), noise(0)[:-1])
    with pytest.raises(AudioError, match="at least 16"):
        measures(noise(0, 0.6), noise(1, 0.6))

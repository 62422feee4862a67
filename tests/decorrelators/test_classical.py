import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.decorrelators import CLASSICAL, SWEEPS
from mono2stereo.decorrelators.erb_delay import ErbDelay
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.decorrelators.random_phase import RandomPhase
from mono2stereo.decorrelators.schroeder import Schroeder
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.dsp.bands import level_db, third_octave_edges_hz
from mono2stereo.dsp.coherence import mean_coherence
from mono2stereo.errors import AudioError

NOISE = np.random.default_rng(0).standard_normal(3 * 22050)
RATES = [8000, 11025, 22050, 44100, 48000, 96000]
EVERY = [decorrelator for sweep in SWEEPS.values() for decorrelator in sweep]


@pytest.fixture(params=EVERY, ids=lambda decorrelator: decorrelator.name)
def decorrelator(request):
    return request.param


def impulse(samples):
    return np.eye(1, samples)[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sample_rate", RATES)
def test_contract(decorrelator, sample_rate, dtype):
    mid = np.resize(NOISE, sample_rate).astype(dtype)
    before = mid.copy()
    side = decorrelator.side(mid, sample_rate)
    assert side.shape == mid.shape
    assert side.dtype == dtype
    assert np.isfinite(side).all()
    assert abs(level_db(side) - level_db(mid)) < 3
    np.testing.assert_array_equal(decorrelator.side(mid, sample_rate), side)
    np.testing.assert_array_equal(mid, before)
    assert not decorrelator.side(np.zeros_like(mid), sample_rate).any()
    gained = decorrelator.side(dtype(-0.25) * mid, sample_rate)
    np.testing.assert_allclose(gained, dtype(-0.25) * side, atol=1e-6)


@given(samples=st.integers(1, 400))
@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("method", CLASSICAL)
def test_nothing_sounds_early_and_any_length_does(method, samples):
    decorrelator = CLASSICAL[method]()
    mid = NOISE[:2000]
    later = mid.copy()
    later[samples:] = 0
    whole, cut = decorrelator.side(mid, 22050), decorrelator.side(later, 22050)
    np.testing.assert_allclose(whole[:samples], cut[:samples], atol=1e-9)
    np.testing.assert_allclose(decorrelator.side(mid[:samples], 22050), whole[:samples], atol=1e-9)


def test_refuses_what_is_not_a_waveform(decorrelator):
    for mid in (np.zeros((100, 2)), np.zeros(100, np.int16), np.zeros(0)):
        with pytest.raises(AudioError, match="mid has"):
            decorrelator.side(mid, 22050)
    with pytest.raises(AudioError, match="sample_rate = 0"):
        decorrelator.side(np.zeros(100), 0)


def test_names_are_distinct_and_fit_for_files():
    names = [decorrelator.name for decorrelator in EVERY]
    assert len(set(names)) == len(names)
    assert not any(set(name) & set(' /\\:*?"<>|') for name in names)
    assert {method: type(make()) for method, make in CLASSICAL.items()} == {
        method: type(sweep[0]) for method, sweep in SWEEPS.items()
    }


def test_each_sweep_runs_from_copy_towards_independence():
    for method, sweep in SWEEPS.items():
        coherences = [mean_coherence(NOISE, decorrelator.side(NOISE, 22050), 22050) for decorrelator in sweep]
        assert np.all(np.diff(coherences) < 0.02), method  # once at the estimator's floor, they scatter
        assert max(coherences) - min(coherences) > 0.25, method


@pytest.mark.parametrize(
    ("decorrelator", "coherence", "tolerance"),
    [
        (Lauridsen(0.010), 0.737, 0.02),
        (Lauridsen(0.020), 0.279, 0.02),
        (Lauridsen(0.035), 0.074, 0.02),
        (Schroeder(), 0.819, 0.02),
        # Random ones differ from draw to draw.
        (RandomPhase(0.010), 0.899, 0.06),
        (RandomPhase(0.020), 0.703, 0.06),
        (RandomPhase(0.050), 0.427, 0.06),
        (Velvet(), 0.956, 0.03),
        (ErbDelay(), 0.578, 0.04),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_coherence_of_white_noise_as_published_for_this_method(decorrelator, coherence, tolerance):
    measured = mean_coherence(NOISE, decorrelator.side(NOISE, 22050), 22050)
    assert measured == pytest.approx(coherence, abs=tolerance)


@pytest.mark.parametrize("sample_rate", RATES)
def test_schroeder_is_all_pass(sample_rate):
    response = Schroeder().side(impulse(2 * sample_rate), sample_rate)
    np.testing.assert_allclose(np.abs(np.fft.rfft(response)), 1, atol=1e-9)


def test_schroeder_matches_its_difference_equation():
    x = NOISE[:500]
    y = np.zeros(500)
    for n in range(500):
        y[n] = -0.6 * x[n] + (x[n - 7] + 0.6 * y[n - 7] if n >= 7 else 0)
    np.testing.assert_allclose(Schroeder((7 / 22050,), 0.6).side(x, 22050), y, atol=1e-12)


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("duration_seconds", [0.01, 0.0201, 0.05])
def test_random_phase_is_flat_on_its_own_grid(sample_rate, duration_seconds):
    response = RandomPhase(duration_seconds).impulse_response(sample_rate)
    assert response.shape == (round(duration_seconds * sample_rate),)
    np.testing.assert_allclose(np.abs(np.fft.fft(response)), 1, atol=1e-9)


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("density", [500.0, 1000.0, 2000.0])
def test_velvet_has_one_pulse_in_each_stretch(sample_rate, density):
    response = Velvet(0.03, density, decay_db=0).impulse_response(sample_rate)
    pulses = np.flatnonzero(response)
    spacing = sample_rate / density
    assert len(pulses) == round(0.03 * density)
    np.testing.assert_array_less(np.abs(pulses - (np.arange(len(pulses)) + 0.5) * spacing), spacing / 2 + 0.5)
    np.testing.assert_allclose(np.abs(response[pulses]), 1 / np.sqrt(len(pulses)))


def test_velvet_decays_as_told():
    response = Velvet(decay_db=60).impulse_response(22050)
    pulses = np.flatnonzero(response)
    levels_db = 20 * np.log10(np.abs(response[pulses]))
    slope = np.polyfit(pulses / 22050, levels_db, 1)[0]
    assert slope == pytest.approx(-60 / 0.03, rel=0.01)
    assert np.linalg.norm(response) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_erb_delay_is_nearly_flat_and_delays_within_bounds(seed):
    sample_rate = 22050
    response = ErbDelay(seed=seed).impulse_response(sample_rate)
    power = np.abs(np.fft.rfft(response, 2**16)) ** 2
    frequencies = np.fft.rfftfreq(2**16, 1 / sample_rate)
    edges = third_octave_edges_hz(sample_rate)[7:]
    bands_db = [
        10 * np.log10(power[(frequencies >= low) & (frequencies < high)].mean())
        for low, high in itertools.pairwise(edges)
    ]
    assert np.ptp(bands_db) < 2.5
    energy = np.cumsum(response**2) / np.sum(response**2)
    assert energy[round(0.025 * sample_rate)] > 0.95


def test_seeds_draw_other_filters():
    for kind in (RandomPhase, Velvet, ErbDelay):
        first, second = (kind(seed=seed).side(NOISE, 22050) for seed in (1, 2))
        assert np.abs(np.corrcoef(first, second)[0, 1]) < 0.9


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Lauridsen(0), "delay_seconds = 0"),
        (lambda: Schroeder(()), "at least one"),
        (lambda: Schroeder((0.001, 0.0)), "all above 0"),
        (lambda: Schroeder(gain=1.0), "gain = 1.0"),
        (lambda: RandomPhase(0), "at least 0.001"),
        (lambda: Velvet(pulses_per_second=10), "at least one pulse"),
        (lambda: Velvet(decay_db=-1), "decay_db = -1"),
        (lambda: ErbDelay(0), "max_delay_seconds = 0"),
    ],
)
def test_refuses_impossible_parameters(make, match):
    with pytest.raises(AudioError, match=match):
        make()


def test_importing_the_package_loads_no_runtime():
    code = "import sys, mono2stereo.decorrelators as d; d.CLASSICAL; print('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.decorrelators.all_pass import AllPass
from mono2stereo.decorrelators.chorus import Chorus
from mono2stereo.decorrelators.classical import CLASSICAL, SWEEPS
from mono2stereo.decorrelators.erb_delay import ErbDelay
from mono2stereo.decorrelators.haas import Haas
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.decorrelators.modulated_delay import ModulatedDelay
from mono2stereo.decorrelators.optimized_velvet import OptimizedVelvet
from mono2stereo.decorrelators.parametric_stereo import ParametricStereo
from mono2stereo.decorrelators.random_phase import RandomPhase
from mono2stereo.decorrelators.schroeder import Schroeder
from mono2stereo.decorrelators.turned_phases import TurnedPhases
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.dsp.bands import level_db
from mono2stereo.dsp.coherence import mel_coherence
from mono2stereo.dsp.signals import mean_defined
from mono2stereo.errors import AudioError

NOISE = np.random.default_rng(0).standard_normal(3 * 22050)
RATES = [8000, 11025, 12345, 22050, 32000, 44100, 48000, 96000, 192000]
EVERY = [decorrelator for sweep in SWEEPS.values() for decorrelator in sweep]
DEFAULTS = {method: make() for method, make in CLASSICAL.items()}

every_method = pytest.mark.parametrize("decorrelator", DEFAULTS.values(), ids=DEFAULTS)
every_setting = pytest.mark.parametrize("decorrelator", EVERY, ids=lambda decorrelator: decorrelator.name)


def check(decorrelator, sample_rate, dtype):
    mid = np.resize(NOISE, sample_rate).astype(dtype)
    before = mid.copy()
    side = decorrelator.side(mid, sample_rate)
    assert side.shape == mid.shape
    assert side.dtype == dtype
    assert np.isfinite(side).all()
    assert abs(level_db(side) - level_db(decorrelator.fold_down(mid, sample_rate))) < 3
    np.testing.assert_array_equal(decorrelator.side(mid, sample_rate), side)
    np.testing.assert_array_equal(mid, before)
    assert not decorrelator.side(np.zeros_like(mid), sample_rate).any()
    gained = decorrelator.side(dtype(-0.3) * mid, sample_rate)
    np.testing.assert_allclose(gained, dtype(-0.3) * side, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sample_rate", RATES)
@every_method
def test_contract_at_every_rate(decorrelator, sample_rate, dtype):
    check(decorrelator, sample_rate, dtype)


@every_method
def test_the_mid_stays_but_where_the_method_says_so(decorrelator):
    unchanged = np.array_equal(decorrelator.fold_down(NOISE, 22050), NOISE)
    assert unchanged is not decorrelator.changes_mid
    assert decorrelator.changes_mid is isinstance(decorrelator, Haas)


@every_setting
def test_contract_of_every_setting(decorrelator):
    check(decorrelator, 22050, np.float32)


@pytest.mark.parametrize("sample_rate", [8000, 44100, 192000])
@every_method
@given(cuts=st.lists(st.integers(0, 6000), max_size=8))
@settings(max_examples=8, deadline=None)
def test_blocks_may_be_cut_anywhere(decorrelator, sample_rate, cuts):
    mid = NOISE[:6000].copy()
    mid[2000:3000] = 0
    for start in ("stream", "fold_down_stream"):
        whole = getattr(decorrelator, start)(sample_rate).process(mid)
        stream = getattr(decorrelator, start)(sample_rate)
        pieces = [stream.process(piece) for piece in np.split(mid, sorted(cuts))]
        assert [len(piece) for piece in pieces] == [len(piece) for piece in np.split(mid, sorted(cuts))]
        assert np.abs(np.concatenate(pieces) - whole).max() < 1e-6 * np.sqrt(np.mean(mid**2))


@pytest.mark.parametrize("sample_rate", [8000, 48000])
@every_method
def test_latency_is_what_a_stream_is_late(decorrelator, sample_rate):
    stream, mid = decorrelator.stream(sample_rate), np.resize(NOISE, sample_rate)
    late = stream.latency_samples
    streamed = stream.process(np.append(mid, np.zeros(late)))
    np.testing.assert_allclose(streamed[late:], decorrelator.side(mid, sample_rate), atol=1e-12)
    # Nor does a sample of the side know more of the mid than its latency allows.
    cut = sample_rate // 2
    known = decorrelator.stream(sample_rate).process(mid[:cut])
    np.testing.assert_allclose(known, streamed[:cut], atol=1e-9)


@every_method
def test_silence_after_sound_becomes_silence(decorrelator):
    mid = np.zeros(8 * 8000)
    mid[:8000] = NOISE[:8000]
    assert not decorrelator.side(mid, 8000)[-8000:].any()


@pytest.mark.parametrize("sample_rate", [8000, 48000])
@every_method
def test_nothing_sounds_early(decorrelator, sample_rate):
    mid = np.zeros(sample_rate)
    mid[sample_rate // 2] = 1
    ahead = round(0.023 * sample_rate) if isinstance(decorrelator, TurnedPhases) else 0  # half a frame
    early = decorrelator.side(mid, sample_rate)[: sample_rate // 2 - ahead]
    if decorrelator.stream(sample_rate).latency_samples:  # a filter bank rings on both sides
        assert np.sum(early**2) < 1e-3
    else:
        assert np.abs(early).max() < 1e-12


@given(samples=st.integers(1, 3000))
@settings(max_examples=5, deadline=None)
@every_method
def test_any_length_does(decorrelator, samples):
    side, longer = (decorrelator.side(NOISE[:length], 22050) for length in (samples, 4000))
    known = samples - decorrelator.stream(22050).latency_samples
    assert side.shape == (samples,)
    np.testing.assert_allclose(side[: max(0, known)], longer[: max(0, known)], atol=1e-9)


def test_sides_are_the_same_in_another_process():
    code = """
import sys, numpy as np
from mono2stereo.decorrelators.classical import CLASSICAL
mid = np.random.default_rng(0).standard_normal(4000)
np.save(sys.stdout.buffer, np.stack([make().side(mid, 44100) for make in CLASSICAL.values()]))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    there = np.frombuffer(run.stdout[-8 * 4000 * len(CLASSICAL) :]).reshape(-1, 4000)
    here = np.stack([decorrelator.side(NOISE[:4000], 44100) for decorrelator in DEFAULTS.values()])
    np.testing.assert_allclose(there, here, atol=1e-9)


@every_method
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
    for method, sweep in SWEEPS.items():
        assert DEFAULTS[method].name in [one.name for one in sweep]
    assert list(SWEEPS) == list(CLASSICAL)


def test_each_sweep_runs_from_copy_towards_independence():
    for method, sweep in SWEEPS.items():
        coherences = [
            mean_defined(mel_coherence(one.fold_down(NOISE, 22050), one.side(NOISE, 22050), 22050))
            for one in sweep
        ]
        assert np.all(np.diff(coherences) < 0.02), method  # once at the estimator's floor, they scatter
        assert max(coherences) > 0.8, method
        assert min(coherences) < 0.4, method


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Lauridsen(0), "delay_seconds = 0"),
        (lambda: Haas(-1), "delay_seconds = -1"),
        (lambda: Schroeder(()), "at least one"),
        (lambda: Schroeder((0.001, 0.0)), "all above 0"),
        (lambda: Schroeder(gain=1.0), "gain = 1.0"),
        (lambda: AllPass(9), "at least 10, at most 427"),
        (lambda: AllPass(428), "428 sections within 0.03 s"),
        (lambda: RandomPhase(0), "at least 0.001"),
        (lambda: ErbDelay(0), "max_delay_seconds = 0"),
        (lambda: Velvet(pulses_per_second=10), "at least one pulse"),
        (lambda: Velvet(decay_db=-1), "decay_db = -1"),
        (lambda: OptimizedVelvet(pulses=1), "at least two"),
        (lambda: OptimizedVelvet(pulses=121), "at most 4000 a second"),
        (lambda: OptimizedVelvet(decay_db=-1), "decay_db = -1"),
        (lambda: ParametricStereo(0), "stretch = 0"),
        (lambda: ModulatedDelay(0.0004), "delay_seconds = 0.0004: at least 0.0005"),
        (lambda: ModulatedDelay(depth_seconds=0), "depth_seconds = 0, rate_hz = 1.26: both above 0"),
        (lambda: Chorus(0), "voices = 0"),
        (lambda: Chorus(rate_hz=-1), "rate_hz = -1"),
        (lambda: TurnedPhases(0), "depth_radians = 0"),
    ],
)
def test_refuses_impossible_parameters(make, match):
    with pytest.raises(AudioError, match=match):
        make()


@pytest.mark.parametrize("module", ["decorrelators", "decorrelators.classical"])
def test_importing_the_package_loads_nothing_heavy(module):
    heavy = {
        "onnxruntime",
        "tensorflow",
        "matplotlib",
        "pandas",
        "scipy.signal",
        "scipy.optimize",
        "scipy.stats",
    }
    code = f"import sys, mono2stereo.{module}; print(sys.modules.keys() & {heavy})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"

import itertools

import numpy as np
import pytest

from mono2stereo.decorrelators.all_pass import AllPass
from mono2stereo.decorrelators.erb_delay import ErbDelay
from mono2stereo.decorrelators.haas import Haas
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.decorrelators.optimized_velvet import OptimizedVelvet, optimise
from mono2stereo.decorrelators.random_phase import RandomPhase
from mono2stereo.decorrelators.schroeder import Schroeder
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.dsp.bands import third_octave_edges_hz
from mono2stereo.dsp.coherence import mel_coherence
from mono2stereo.dsp.signals import mean_defined

NOISE = np.random.default_rng(0).standard_normal(3 * 22050)
RATES = [8000, 11025, 22050, 44100, 48000, 96000, 192000]


def impulse(samples):
    return np.eye(1, samples)[0]


def group_delays_seconds(response, sample_rate):
    """Per DFT bin, from the derivative of the transform."""
    moments = np.fft.rfft(np.arange(len(response)) * response)
    return (moments / np.fft.rfft(response)).real / sample_rate


def smoothed_levels_db(response, sample_rate):
    """Third-octave smoothed magnitude at 120 frequencies to 20 kHz or Nyquist, from pulses themselves."""
    pulses = np.flatnonzero(response)
    grid = np.arange(5.0, min(22000, sample_rate / 2), 10.0)
    centres = np.geomspace(20, min(20000, sample_rate / 2.4), 120)[:, np.newaxis]
    power = np.abs(np.exp(-2j * np.pi / sample_rate * np.outer(grid, pulses)) @ response[pulses]) ** 2
    bells = np.exp(-0.5 * ((grid - centres) / (centres / 3 / np.pi)) ** 2)
    return 10 * np.log10(bells @ power / bells.sum(axis=1))


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
    measured = mean_defined(mel_coherence(NOISE, decorrelator.side(NOISE, 22050), 22050))
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


def test_velvet_has_as_many_pulses_up_as_down():
    signs = np.concatenate([np.sign(Velvet(seed=seed).impulse_response(44100)) for seed in range(100)])
    assert np.mean(signs[signs != 0] > 0) == pytest.approx(0.5, abs=0.04)  # 4 standard errors of 3000


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
    for kind in (RandomPhase, Velvet, ErbDelay, AllPass, OptimizedVelvet):
        first, second = (kind(seed=seed).side(NOISE, 22050) for seed in (1, 2))
        assert np.abs(np.corrcoef(first, second)[0, 1]) < 0.9


@pytest.mark.parametrize("seed", range(4))
def test_erb_delay_delays_each_band_by_its_own_draw(seed):
    sample_rate, longest = 22050, 0.025
    response = ErbDelay(longest, seed).impulse_response(sample_rate)
    delays = group_delays_seconds(np.append(response, np.zeros(sample_rate - len(response))), sample_rate)
    drawn = np.random.default_rng(seed).uniform(0, longest, 64)
    bands = np.arange(16, 33)  # 1 to 8 kHz
    centres_hz = (10 ** ((bands + 0.5) / 21.4) - 1) / 0.00437
    np.testing.assert_allclose(delays[np.round(centres_hz).astype(int)], drawn[bands], atol=1.5e-3)


def test_lauridsen_left_and_right_complement_each_other():
    response = Lauridsen(0.0104).side(impulse(4410), 44100)
    spectrum = np.fft.rfft(response)
    np.testing.assert_allclose(np.abs(1 + spectrum) ** 2 + np.abs(1 - spectrum) ** 2, 4)
    assert np.abs(1 + spectrum).min() < 0.1  # each of them a comb


def test_haas_is_the_recording_left_and_late_right():
    haas, delay = Haas(0.02), 441
    side, folded = haas.side(NOISE, 22050), haas.fold_down(NOISE, 22050)
    np.testing.assert_allclose(folded + side, NOISE, atol=1e-12)
    np.testing.assert_allclose((folded - side)[delay:], NOISE[:-delay], atol=1e-12)
    np.testing.assert_allclose(
        (folded - side)[:delay], NOISE[0], atol=1e-12
    )  # as if it had always been there
    assert np.sum((folded - NOISE) ** 2) / np.sum(NOISE**2) == pytest.approx(
        0.5, rel=0.02
    )  # -3 dB: not the mid


@pytest.mark.parametrize("sample_rate", RATES)
def test_all_pass_is_flat_and_short(sample_rate):
    response = AllPass().side(impulse(sample_rate), sample_rate)
    np.testing.assert_allclose(np.abs(np.fft.rfft(response)), 1, atol=1e-9)
    left = np.cumsum(response[::-1] ** 2)[::-1]
    assert 10 * np.log10(left[round(0.032 * sample_rate)]) < -30
    assert 10 * np.log10(left[round(0.1 * sample_rate)]) < -120


@pytest.mark.parametrize("seed", range(8))
def test_no_frequency_of_all_pass_is_later_than_told(seed):
    delays = group_delays_seconds(AllPass(seed=seed).side(impulse(96000), 48000), 48000)
    assert 0.02 < delays.max() < 0.03
    assert delays.min() > 0
    assert np.sum(delays[1:-1]) * 0.5 == pytest.approx(200, rel=0.02)  # one second hertz for each section


def test_all_pass_poles_thin_out_as_auditory_filters_widen():
    poles = np.sort([np.roots(section[3:])[0] for section in AllPass().sos(48000)])
    hz = np.sort(np.abs(np.angle(poles))) * 48000 / 2 / np.pi
    assert len(hz) == 200
    low, high = (
        np.sum((hz > centre * 0.8) & (hz < centre * 1.2)) / (0.4 * centre) for centre in (6000, 18000)
    )
    erb_hz = [24.7 * (4.37e-3 * centre + 1) for centre in (6000, 18000)]
    assert low / high == pytest.approx(erb_hz[1] / erb_hz[0], rel=0.1)
    spacings = np.diff(hz[hz < 3000])
    assert np.mean(spacings) == pytest.approx(1 / 0.018, rel=0.05)  # held below the delay in the bass


def test_all_pass_has_the_same_poles_at_every_rate():
    def poles_hz(sample_rate):
        return np.sort([abs(np.angle(np.roots(one[3:])[0])) for one in AllPass().sos(sample_rate)]) * (
            sample_rate / 2 / np.pi
        )

    highest = poles_hz(192000)
    for sample_rate in (8000, 22050, 48000):
        expected = highest[highest < sample_rate / 2]
        np.testing.assert_allclose(poles_hz(sample_rate), expected, rtol=1e-6)


@pytest.mark.parametrize("decay_db", [60, 10, 0])
@pytest.mark.parametrize("seed", range(3))
def test_optimised_velvet_is_flatter_than_velvet(decay_db, seed):
    optimised, plain = OptimizedVelvet(decay_db=decay_db, seed=seed), Velvet(decay_db=decay_db, seed=seed)
    for sample_rate in (16000, 22050, 48000, 192000):
        ripple_db, plain_db = (
            np.std(smoothed_levels_db(one.impulse_response(sample_rate), sample_rate))
            for one in (optimised, plain)
        )
        assert ripple_db < 0.75
        assert ripple_db < plain_db / 4


@pytest.mark.parametrize("pulses", [15, 30])
def test_optimised_velvet_stays_velvet(pulses):
    times, gains = optimise(OptimizedVelvet(pulses=pulses))
    assert (times[0], gains[0]) == (0, 1)
    stretch = 0.03 / pulses
    np.testing.assert_array_equal(np.floor(times / stretch + 1e-9), np.arange(pulses))
    envelope_db = -60 * times / 0.03
    assert (
        np.abs(20 * np.log10(np.abs(gains)) - envelope_db).max() < 6 + 60 / pulses
    )  # moved along it as well
    response = OptimizedVelvet(pulses=pulses).impulse_response(48000)
    assert np.count_nonzero(response) == pulses
    assert np.linalg.norm(response) == pytest.approx(1)

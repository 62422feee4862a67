import numpy as np
import pytest

from mono2stereo.decorrelators.chorus import Chorus
from mono2stereo.decorrelators.modulated_delay import ModulatedDelay
from mono2stereo.decorrelators.turned_phases import TurnedPhases
from mono2stereo.dsp.movement import movement

RATE = 44100
TIME = np.arange(2 * RATE) / RATE
HEARD = slice(RATE // 10, None)


def tone(hz, seconds):
    return np.sin(2 * np.pi * hz * seconds)


@pytest.mark.parametrize("hz", [100, 3000, 12000])
def test_the_modulated_delay_is_the_plug_ins_at_its_knobs(hz):
    delay, mod, rate = 0.1, 0.2, 0.7
    angle = 3.141 * 10 ** (-2 + 3 * rate) / RATE * np.arange(len(TIME))
    delays = (20 + 2080 * delay**2 + np.abs(2100 * mod**2 * np.sin(angle))) / RATE
    default = ModulatedDelay()
    exact = ModulatedDelay(
        (20 + 2080 * delay**2) / RATE, 2100 * mod**2 / RATE, 3.141 / np.pi * 10 ** (-2 + 3 * rate)
    )
    assert np.abs(exact.side(tone(hz, TIME), RATE) - tone(hz, TIME - delays))[HEARD].max() < 2e-3
    for name, value in vars(default).items():
        assert value == pytest.approx(getattr(exact, name), rel=2e-3), name


def test_a_chorus_is_the_sum_of_its_voices():
    swings = [np.sin(2 * np.pi * (0.5 * TIME + voice / 3)) for voice in range(3)]
    voices = [tone(1000, TIME - 0.005 - 0.003 * (1 + swing) / 2) for swing in swings]
    expected = (voices[0] - voices[1] + voices[2]) / np.sqrt(3)
    assert np.abs(Chorus().side(tone(1000, TIME), RATE) - expected)[HEARD].max() < 1e-3


def test_a_tone_has_its_bands_phase():
    decorrelator, hz = TurnedPhases(), 2000.0
    side = decorrelator.side(tone(hz, TIME), RATE)
    turned = side * np.exp(-2j * np.pi * hz * TIME) * 2j
    smooth = np.convolve(turned, np.full(1000, 1e-3), "same")[RATE // 2 : -RATE // 2]
    expected = decorrelator.phases(TIME[RATE // 2 : -RATE // 2 : 4410], np.array([hz]))[:, 0]
    difference = np.angle(smooth[::4410] * np.exp(-1j * expected))
    assert np.abs(difference).max() < 0.3
    assert np.abs(smooth).min() > 0.8


def test_phases_wander_as_far_and_as_fast_as_asked():
    seconds = np.arange(0, 1000, 0.05)
    bins_hz = np.linspace(100, 8000, 20)
    paths = TurnedPhases(depth_radians=2.0, rate_hz=0.5).phases(seconds, bins_hz)
    assert np.sqrt(np.mean(paths**2)) == pytest.approx(2 * np.sqrt(2 / 3), rel=0.15)  # between centres: less
    power = np.abs(np.fft.rfft(paths, axis=0)) ** 2
    hz = np.fft.rfftfreq(len(paths), 0.05)
    assert power[(hz > 0.24) & (hz < 0.76)].sum() > 0.99 * power[1:].sum()
    np.testing.assert_array_equal(paths[:10], TurnedPhases(2.0, 0.5).phases(seconds[:10], bins_hz))


@pytest.mark.parametrize("decorrelator", [ModulatedDelay(), Chorus(), TurnedPhases()])
def test_what_came_before_changes_the_side_of_what_comes_now(decorrelator):
    """The clock runs through silence too: a state of the stream."""
    noise = np.random.default_rng(0).standard_normal(RATE)
    late = decorrelator.stream(RATE).latency_samples
    at_once = decorrelator.side(noise, RATE)
    stream = decorrelator.stream(RATE)
    assert not stream.process(np.zeros(RATE // 3)).any()
    later = stream.process(np.append(noise, np.zeros(late)))[late:]
    assert np.corrcoef(at_once, later)[0, 1] < 0.9
    assert movement(noise, at_once, RATE)[4] > 2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.distortion import between_harmonics_db, critical_bandwidth_hz, outside_critical_band_db
from mono2stereo.errors import AudioError

RATE = 22050
TIME = np.arange(RATE) / RATE


def tone(hz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * TIME)


def test_critical_bands_are_zwickers() -> None:
    # Zwicker (1961), centre and width of the Bark bands; the formula holds to 10 %.
    for centre_hz, width_hz in ((150, 100), (1000, 160), (4000, 700), (8500, 1800)):
        assert critical_bandwidth_hz(centre_hz) == pytest.approx(width_hz, rel=0.1)


@settings(max_examples=20, deadline=None)
@given(st.floats(100, 9000), st.floats(-60, 0), st.floats(0, 6.28))
def test_a_tone_stays_a_tone_at_any_level_and_phase(hz: float, level_db: float, phase: float) -> None:
    x = 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * TIME + phase)
    assert outside_critical_band_db(x, hz, RATE) == -120


@pytest.mark.parametrize("below_db", [10, 40, 80])
def test_a_harmonic_reads_its_own_level(below_db: float) -> None:
    x = tone(1000) + 10 ** (-below_db / 20) * tone(2000)
    ratio = 10 ** (-below_db / 10)
    assert outside_critical_band_db(x, 1000, RATE) == pytest.approx(
        10 * np.log10(ratio / (1 + ratio)), abs=0.01
    )


def test_sidebands_count_where_they_leave_the_critical_band() -> None:
    within, beyond = ((1 + 0.5 * tone(hz)) * tone(1000) for hz in (40, 380))
    assert outside_critical_band_db(within, 1000, RATE) < -100
    # Two sidebands of a quarter of the tone's amplitude each.
    assert outside_critical_band_db(beyond, 1000, RATE) == pytest.approx(
        10 * np.log10(0.125 / 1.125), abs=0.01
    )


def test_white_noise_reads_the_share_of_the_band() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE)
    share = critical_bandwidth_hz(4000) / (RATE / 2)
    expected = 10 * np.log10(1 - share)
    assert outside_critical_band_db(noise, 4000, RATE) == pytest.approx(expected, abs=0.1)


def test_silence_is_undefined_and_nonsense_refused() -> None:
    assert np.isnan(outside_critical_band_db(np.zeros(RATE), 1000, RATE))
    with pytest.raises(AudioError, match="half of sample_rate"):
        outside_critical_band_db(tone(1000), 12000, RATE)
    with pytest.raises(AudioError, match="at least 11025"):
        outside_critical_band_db(tone(1000)[:5000], 1000, RATE)


def test_a_reference_takes_the_place_of_the_whole() -> None:
    x = 0.01 * tone(1000) + 0.001 * tone(3000)
    assert outside_critical_band_db(x, 1000, RATE) == pytest.approx(-20, abs=0.1)
    assert outside_critical_band_db(x, 1000, RATE, reference=tone(1000)) == pytest.approx(-60, abs=0.01)


def test_between_harmonics_counts_what_is_far_from_all_of_them() -> None:
    saw = sum(tone(220 * k) / k for k in range(1, 40))
    energy = np.sum(1 / np.arange(1, 40) ** 2)

    def between(x: np.ndarray) -> float:
        return between_harmonics_db(estimate=x, reference=saw, fundamental_hz=220, sample_rate=RATE)

    assert between(0.3 * saw + 0.1 * tone(8 * 220 + 10)) == -120
    for hz in (80, 330, 7000):
        assert between(saw + 0.1 * tone(hz)) == pytest.approx(10 * np.log10(0.01 / energy), abs=0.1)
    assert between(0 * saw) == -120
    assert np.isnan(
        between_harmonics_db(estimate=saw, reference=0 * saw, fundamental_hz=220, sample_rate=RATE)
    )
    with pytest.raises(AudioError, match="fundamental_hz = 20000"):
        between_harmonics_db(estimate=saw, reference=saw, fundamental_hz=20000, sample_rate=RATE)

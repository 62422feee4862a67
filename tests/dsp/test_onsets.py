import librosa
import numpy as np
import pytest

from mono2stereo.dsp.mel import mel_magnitudes
from mono2stereo.dsp.onsets import attacks, crest_factor_db, envelope_correlation, pre_echo_db, rises_db

SAMPLE_RATE = 22050
RANDOM = np.random.default_rng(0)


def envelope(x):
    return rises_db(mel_magnitudes(x, SAMPLE_RATE))


def correlation(x, y):
    return envelope_correlation(envelope(x), envelope(y))


def bursts(times_seconds, seconds=4):
    x = 1e-4 * RANDOM.standard_normal(seconds * SAMPLE_RATE)
    for time in times_seconds:
        start = int(time * SAMPLE_RATE)
        x[start : start + 2000] += RANDOM.standard_normal(2000) * np.exp(-np.arange(2000) / 400)
    return x


def test_peaks_stand_at_the_onsets():
    times = [0.5, 1.3, 2.9]
    rises = envelope(bursts(times))
    assert (rises >= 0).all()
    for time in times:
        near = slice(int((time - 0.1) * SAMPLE_RATE / 256), int((time + 0.1) * SAMPLE_RATE / 256))
        assert rises[near].max() > 5 * np.median(rises)


def test_envelope_is_librosas_onset_strength_of_the_same_cells():
    x = bursts([0.5, 1.3, 2.9])
    magnitudes = np.abs(librosa.stft(x, n_fft=1024, hop_length=256, center=False))
    cells = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=1024, n_mels=80, dtype=np.float64) @ magnitudes
    levels_db = librosa.amplitude_to_db(cells, ref=np.max, amin=1e-30, top_db=60)
    theirs = librosa.onset.onset_strength(S=levels_db, sr=SAMPLE_RATE, hop_length=256, center=False)
    np.testing.assert_allclose(envelope(x), theirs[1:], atol=1e-4)


def test_same_onsets_correlate_and_others_do_not():
    times, others = [0.5, 1.3, 2.9], [0.9, 1.8, 2.4, 3.5]
    x = bursts(times)
    assert correlation(x, x) == pytest.approx(1)
    assert correlation(x, bursts(times)) > 0.8
    assert correlation(x, bursts(others)) < 0.2


def test_smearing_lowers_correlation_and_crest():
    x = bursts([0.5, 1.3, 2.9])
    response = RANDOM.standard_normal(8000) * np.exp(-np.arange(8000) / 3000)
    smeared = np.convolve(x, response)[: x.size]
    assert correlation(x, smeared) < 0.95
    assert crest_factor_db(smeared) < crest_factor_db(x) - 3


def test_gain_does_not_matter():
    x = bursts([1, 2])
    np.testing.assert_allclose(envelope(1e-3 * x), envelope(x), atol=1e-8)
    assert crest_factor_db(-0.1 * x) == pytest.approx(crest_factor_db(x))


def test_known_crests():
    assert crest_factor_db(np.ones(10)) == pytest.approx(0)
    impulse = np.zeros(100, np.float32)
    impulse[3] = -1
    assert crest_factor_db(impulse) == pytest.approx(20)


def test_silence_is_undefined():
    silence = np.zeros(SAMPLE_RATE)
    assert not envelope(silence).any()
    assert np.isnan(correlation(silence, bursts([0.5], 1)))
    assert np.isnan(crest_factor_db(silence))


def attacks_at(seconds=(0.5, 1.2, 2.0), length=3 * SAMPLE_RATE):
    """Decaying noise bursts over a floor 60 dB below."""
    random = np.random.default_rng(0)
    x = 1e-3 * random.standard_normal(length)
    for start in seconds:
        place, samples = round(start * SAMPLE_RATE), SAMPLE_RATE // 5
        x[place : place + samples] += random.standard_normal(samples) * np.exp(-np.arange(samples) / 1000)
    return x


def test_attacks_are_found_where_they_are():
    np.testing.assert_allclose(attacks(attacks_at(), SAMPLE_RATE) / SAMPLE_RATE, [0.5, 1.2, 2.0], atol=0.003)
    assert not attacks(np.random.default_rng(0).standard_normal(SAMPLE_RATE), SAMPLE_RATE).size
    assert not attacks(np.zeros(SAMPLE_RATE), SAMPLE_RATE).size


def test_of_attacks_within_a_tenth_of_a_second_the_larger_counts():
    assert len(attacks(attacks_at((1.0, 1.05)), SAMPLE_RATE)) == 1


@pytest.mark.parametrize("gain", [1.0, -0.01])
def test_a_copy_has_no_pre_echo(gain):
    x = attacks_at()
    assert pre_echo_db(estimate=gain * x, reference=x, sample_rate=SAMPLE_RATE) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("below_db", [20, 40])
def test_a_burst_ahead_of_its_time_reads_its_level(below_db):
    """The attack's own spectrum 12 ms early, so that the 20 ms before it hold the burst's first 10 ms."""
    x = attacks_at()
    early = np.roll(x, -round(0.012 * SAMPLE_RATE)) * 10 ** (-below_db / 20)
    ahead = slice(round(0.478 * SAMPLE_RATE), round(0.498 * SAMPLE_RATE))
    expected = 20 * np.log10(np.std(np.diff(x + early)[ahead]) / np.std(np.diff(x)[ahead]))
    measured = pre_echo_db(estimate=x + early, reference=x, sample_rate=SAMPLE_RATE)
    assert measured == pytest.approx(expected, abs=2)
    assert measured > 50 - below_db


def test_a_delay_comes_after_the_attack_and_is_no_pre_echo():
    x = attacks_at()
    late = np.pad(x, (300, 0))[: x.size]
    assert abs(pre_echo_db(estimate=late, reference=x, sample_rate=SAMPLE_RATE)) < 1


def test_without_attacks_there_is_no_pre_echo_to_tell():
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    assert np.isnan(pre_echo_db(estimate=noise, reference=noise, sample_rate=SAMPLE_RATE))
    assert np.isnan(pre_echo_db(estimate=noise[:300], reference=noise[:300], sample_rate=SAMPLE_RATE))

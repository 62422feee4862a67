import numpy as np
import pytest

from mono2stereo.dsp.haze import haze_db
from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.dsp.resampling import resample
from mono2stereo.errors import AudioError

RATE = 22050
TIME = np.arange(4 * RATE) / RATE
BIN = RATE / 4096


def saw(hz):
    return sum(np.sin(2 * np.pi * k * hz * TIME) / k for k in range(1, int(RATE / 2 / hz)))


def haze(mid, side, rate=RATE):
    return haze_db(estimate=side, reference=mid, sample_rate=rate)


@pytest.mark.parametrize("below_db", [20, 40])
def test_a_tone_of_its_own_stands_above_the_floor_by_its_level(below_db):
    """Cells of a tone in the side alone: its main lobe of three bins, weighed as mel bands weigh them."""
    place = 300
    mid = np.sin(2 * np.pi * 100 * BIN * TIME)
    side = mid + 10 ** (-below_db / 20) * np.sin(2 * np.pi * place * BIN * TIME)
    weights = mel_filterbank(RATE, 4096)
    shares = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
    lobe = np.array([0, -6.02, -6.02])  # of a Hann window, dB
    expected = np.sum((80 - below_db + lobe) * shares[[place, place - 1, place + 1]])
    assert haze(mid, side) == pytest.approx(expected, rel=0.03)


def test_what_lies_near_the_mids_cells_is_no_haze():
    mid = np.sin(2 * np.pi * 1000 * TIME)
    assert haze(mid, mid) == 0
    assert haze(mid, np.sin(2 * np.pi * 1010 * TIME)) < 0.01
    assert haze(mid, np.sin(2 * np.pi * 1060 * TIME)) > 0.1
    assert haze(mid, 0 * mid) == 0


def test_noise_between_harmonics_is_haze_and_a_short_filter_is_not():
    mid, noise = saw(220), np.random.default_rng(0).standard_normal(len(TIME))
    clean = haze(mid, np.convolve(mid, [1, 0.5, -0.3])[: len(mid)])
    assert clean < 0.1
    soft, loud = (haze(mid, mid + gain * noise) for gain in (0.003, 0.03))
    assert clean + 0.5 < soft < loud / 4


def test_neither_levels_nor_rates_matter():
    mid = saw(220)
    side = mid + 0.01 * np.random.default_rng(0).standard_normal(len(TIME))
    found = haze(mid, side)
    assert haze(0.01 * mid, 5 * side) == pytest.approx(found, rel=1e-9)
    # At twice the rate the mel bands reach an octave further, where neither signal is.
    doubled = [resample(x.astype(np.float32), RATE, 2 * RATE) for x in (mid, side)]
    share = np.mean(np.arange(80) < 80 * 3.5 / 4)
    assert haze(*doubled, 2 * RATE) == pytest.approx(found * share, rel=0.15)


def test_what_cannot_be_told():
    assert np.isnan(haze(np.zeros(RATE), TIME[:RATE]))
    with pytest.raises(AudioError, match="samples"):
        haze(TIME, TIME[:-1])
    with pytest.raises(AudioError, match="4096"):
        haze(TIME[:4000], TIME[:4000])

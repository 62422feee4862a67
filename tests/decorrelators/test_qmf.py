import numpy as np
import pytest

from mono2stereo.decorrelators.parametric_stereo import CENTRES
from mono2stereo.decorrelators.qmf import SPLIT_DELAY, LowBandSplit, QmfBank, merge_low_bands

RANDOM = np.random.default_rng(0)


def response(bank, band):
    """Frequency response of one band's analysis filter, on 0 … 2 π."""
    hops = []
    for position in range(bank.n_bands):  # the filter, read off hop by hop
        one = QmfBank(bank.n_bands)
        impulse = np.zeros(12 * bank.n_bands)
        impulse[position] = 1
        hops.append(one.analyse(impulse)[:, band])
    # Slot t of an impulse at sample p holds tap (t + 1) * n_bands - 1 - p.
    taps = np.stack(hops[::-1], axis=1).reshape(-1)
    return np.fft.fft(taps, 64 * bank.n_bands)


@pytest.mark.parametrize("n_bands", [16, 64, 256])
def test_round_trip_is_a_delay(n_bands):
    bank, split = QmfBank(n_bands), LowBandSplit(n_bands)
    x = RANDOM.standard_normal(200 * n_bands)
    y = bank.synthesise(merge_low_bands(split.split(bank.analyse(x))))
    late = (bank.delay + SPLIT_DELAY) * n_bands
    error = y[late:] - x[:-late]
    assert 10 * np.log10(np.mean(x**2) / np.mean(error[20 * n_bands :] ** 2)) > 78


def test_round_trip_does_not_depend_on_blocks():
    x = RANDOM.standard_normal(100 * 16)
    whole, bank, split = QmfBank(16), QmfBank(16), LowBandSplit(16)
    pieces = [
        bank.synthesise(merge_low_bands(split.split(bank.analyse(piece))))
        for piece in np.split(x, np.array([1, 1, 3, 10, 60]) * 16)
        if len(piece)
    ]
    once = whole.synthesise(merge_low_bands(LowBandSplit(16).split(whole.analyse(x))))
    np.testing.assert_allclose(np.concatenate(pieces), once, atol=1e-12)


def test_analysis_matches_its_definition():
    n_bands, x = 16, RANDOM.standard_normal(40 * 16)
    weights = [1.0, 0.99219456, 0.8711701, 0.49115354, 0.12621279, 0.00946861]
    n = np.arange(160) - 79.5
    window = sum((2 - (m == 0)) * w * np.cos(2 * np.pi * m * n / 160) for m, w in enumerate(weights))
    window /= np.sqrt(np.sum(window**2))
    got = QmfBank(n_bands).analyse(x)
    for slot, band in ((20, 0), (20, 7), (33, 15)):
        newest = (slot + 1) * n_bands - 1
        terms = x[newest - np.arange(160)] * window * np.exp(1j * np.pi / n_bands * (band + 0.5) * n)
        assert got[slot, band] == pytest.approx(np.sum(terms), abs=1e-12)


@pytest.mark.parametrize("band", [0, 5, 15])
def test_bands_are_one_band_wide(band):
    bank = QmfBank(16)
    gain = np.abs(response(bank, band))
    distance = np.fft.fftfreq(len(gain)) * 2 * bank.n_bands - (band + 0.5)  # in band widths
    distance = np.abs((distance + bank.n_bands) % (2 * bank.n_bands) - bank.n_bands)
    gain /= gain.max()
    assert 20 * np.log10(gain[distance > 1.11].max()) < -60
    assert 20 * np.log10(gain[distance < 0.49].min()) > -3.1
    assert 20 * np.log10(gain[np.abs(distance - 0.5).argmin()]) == pytest.approx(-3.01, abs=0.3)


def test_split_matches_its_definition():
    bands = RANDOM.standard_normal((40, 16)) + 1j * RANDOM.standard_normal((40, 16))
    got = LowBandSplit(16).split(bands)
    half = [0.00746082949812, 0.02270420949825, 0.04546865930473, 0.07266113929591, 0.09885108575264]
    by_8 = np.array([*half, 0.11793710567217, 0.125, 0.11793710567217, *half[::-1]])
    half = [0.0, 0.01899487526049, 0.0, -0.07293139167538, 0.0, 0.30596630545168]
    by_2 = np.array([*half, 0.5, *half[::-1]])
    n, past = np.arange(13), bands[30 - np.arange(13)]

    def eighth(q):
        return np.sum(by_8 * np.exp(2j * np.pi / 8 * (q + 0.5) * (n - 6)) * past[:, 0])

    def half_of(band, q):
        return np.sum(by_2 * np.cos(np.pi * q * (n - 6)) * past[:, band])

    low = [eighth(6), eighth(7), eighth(0), eighth(1), eighth(2) + eighth(5), eighth(3) + eighth(4)]
    low += [half_of(1, 1), half_of(1, 0), half_of(2, 0), half_of(2, 1)]
    np.testing.assert_allclose(got[30], [*low, *bands[24, 3:]], atol=1e-12)


@pytest.mark.parametrize("k", range(2, 10))
def test_low_bands_lie_where_the_standard_says(k):
    centre = CENTRES[k] * np.pi / 16  # radians per sample
    tone = np.cos(centre * np.arange(200 * 16))
    bands = LowBandSplit(16).split(QmfBank(16).analyse(tone))[50:]
    assert np.argmax(np.mean(np.abs(bands) ** 2, axis=0)) == k


def test_leaks_below_0_hz_lie_in_the_first_two_bands():
    bands = LowBandSplit(16).split(QmfBank(16).analyse(np.ones(200 * 16)))[50:]
    power = np.mean(np.abs(bands) ** 2, axis=0)
    assert power[1] == pytest.approx(power[2], rel=1e-6)  # DC lies between -1/8 and 1/8
    assert np.sum(power[1:3]) > 0.9 * np.sum(power)

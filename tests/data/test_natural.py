from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from mono2stereo.data.natural import (
    WIDTH_CENTRES_HZ,
    OwnRateLevels,
    natural,
    side_to_mid_bands_db,
    thinned_by_codec,
)
from mono2stereo.data.own_side import sounding_stretches, stretch_coherence
from mono2stereo.dsp.bands import third_octave_levels_db


def _noise(rate: int, seconds: float = 4.0, side: float = 0.5, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((round(seconds * rate), 2))
    return (noise * [0.1, 0.1 * side]).astype(np.float32)


def _levels(mid_side: np.ndarray, rate: int, block: int = 10007) -> np.ndarray:
    levels = OwnRateLevels(rate)
    for start in range(0, len(mid_side), block):
        levels.add(mid_side[start : start + block])
    return levels.levels_db()


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_levels_by_blocks_are_those_of_the_whole(rate: int) -> None:
    mid_side = _noise(rate)
    levels = _levels(mid_side, rate)
    assert np.array_equal(levels, _levels(mid_side, rate, block=len(mid_side)))
    assert np.nanmax(levels) == 0
    whole = third_octave_levels_db(mid_side[:, 0], rate)[1:29]  # all but the last, which ends at 20 kHz
    assert np.ptp(levels[0, :28] - whole) < 1e-3


def test_bands_past_nyquist_do_not_count() -> None:
    bands = side_to_mid_bands_db(_levels(_noise(22050), 22050))
    np.testing.assert_array_equal(np.isnan(bands), WIDTH_CENTRES_HZ > 9000)
    np.testing.assert_allclose(bands[5:-4], -6.0, atol=1.0)
    assert not np.isnan(side_to_mid_bands_db(_levels(_noise(44100), 44100))).any()


@pytest.mark.parametrize(("cut_hz", "columns"), [(16000, [0, 1]), (11000, [0, 1]), (12000, [1])])
def test_a_low_pass_or_a_lost_side_is_a_codecs(cut_hz: int, columns: list[int]) -> None:
    mid_side = _noise(44100)
    cliff = butter(16, cut_hz, fs=44100, output="sos")
    mid_side[:, columns] = sosfilt(cliff, mid_side[:, columns], axis=0)
    levels = _levels(mid_side, 44100)
    assert thinned_by_codec(levels)
    np.testing.assert_array_equal(np.isnan(side_to_mid_bands_db(levels)), WIDTH_CENTRES_HZ > 8000)


def test_dark_music_is_not_thinned() -> None:
    dark = butter(2, 2000, fs=44100, output="sos")  # 12 dB per octave
    assert not thinned_by_codec(_levels(sosfilt(dark, _noise(44100), axis=0).astype(np.float32), 44100))


def test_medians_over_those_that_tell() -> None:
    tracks = [(44100, 0.1), (44100, 0.5), (44100, 1.0), (22050, 2.0)]
    levels = [_levels(_noise(rate, side=side), rate) for rate, side in tracks]
    bands = [np.array([0.2, np.nan, share]) for share in (0.1, 0.3, 0.5, 0.9)]
    moves = [np.array([np.nan, share, 1, 1, share, 2]) for share in (0.1, 0.3, 0.5, 0.9)]
    moves[0][4] = np.nan
    found = natural(levels, [{512: each} for each in bands], moves, crop_samples=5)
    assert list(found.movement.values()) == [None, 0.4, 1.0, 1.0, 0.5, 2.0]
    assert (found.width.recordings[0], found.width.recordings[-1]) == (4, 3)
    assert found.width.frequency_hz[-1] == pytest.approx(18859, abs=1)
    assert found.width.side_to_mid_db[-1] == pytest.approx(-6, abs=0.5)
    assert found.width.side_to_mid_db[20] == pytest.approx(-3, abs=0.5)
    assert found.coherence == {"512": [0.2, 0.0, 0.4]}
    assert found.crop_samples == 5
    narrow = natural(levels[3:], [{512: bands[3]}], moves[3:], crop_samples=5).width
    assert len(narrow.frequency_hz) == len(narrow.side_to_mid_db) == len(narrow.recordings) == 25


def test_coherence_over_the_crop_is_the_losss_own() -> None:
    """What the floor is subtracted from, at the same length and window."""
    tf = pytest.importorskip("tensorflow")
    from mono2stereo.losses.coherence_loss import WindowCoherence
    from mono2stereo.losses.spectra import Spectra

    mid_side = _noise(22050, seconds=1.0)
    mid_side[:, 1] += mid_side[:, 0]
    stretches = sounding_stretches(mid_side, len(mid_side))
    (bands,) = stretch_coherence(stretches, 22050, (512,), 80).values()
    signals = [Spectra(tf.constant(column[None])) for column in mid_side.T]
    loss = WindowCoherence(sample_rate=22050, frame_length=512, n_mels=80)
    value = float(loss(reference=signals[0], estimate=signals[1]))
    assert value == pytest.approx(np.nanmean(bands), abs=1e-3)
    floor = np.nan_to_num(bands) + np.where(np.arange(80) % 2, 1e-3, -0.01)
    floored = WindowCoherence(sample_rate=22050, frame_length=512, n_mels=80, floor=list(floor))
    share = np.mean(~(np.arange(80) % 2).astype(bool)[~np.isnan(bands)])
    assert float(floored(reference=signals[0], estimate=signals[1])) == pytest.approx(0.01 * share, abs=5e-4)

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.filters import SosFilter, dc_blocker_sos, highpass_sos
from mono2stereo.errors import AudioError


@pytest.mark.parametrize("sample_rate", [8000, 22050, 48000])
@pytest.mark.parametrize("cutoff_hz", [20.0, 50.0, 400.0])
def test_three_db_at_the_cutoff_24_an_octave_below_flat_above(cutoff_hz, sample_rate):
    sos = highpass_sos(cutoff_hz, sample_rate)
    _, response = scipy.signal.sosfreqz(sos, [cutoff_hz, cutoff_hz / 8, 5 * cutoff_hz], fs=sample_rate)
    levels_db = 20 * np.log10(np.abs(response))
    assert levels_db[0] == pytest.approx(-3.01, abs=0.01)
    assert levels_db[1] == pytest.approx(-72.2, abs=1.5)
    assert levels_db[2] == pytest.approx(0, abs=0.01)


def test_dc_is_gone_exactly_and_the_filter_is_stable():
    sos = highpass_sos(50.0, 22050)
    assert abs(np.prod(sos[:, :3].sum(axis=1))) < 1e-12
    for section in sos:
        assert (np.abs(np.roots(section[3:])) < 1).all()


@pytest.mark.parametrize("cutoff_hz", [0.0, -5.0, 11025.0])
def test_refuses_cutoffs_outside_the_band(cutoff_hz):
    with pytest.raises(AudioError, match="between 0 and 11025"):
        highpass_sos(cutoff_hz, 22050)


@pytest.mark.parametrize(
    ("order", "sos", "cutoff_hz"), [(4, highpass_sos(50.0, 22050), 50.0), (1, dc_blocker_sos(22050), 5.0)]
)
@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(0, 20_000), max_size=5))
def test_blocks_of_any_size_are_filtered_as_scipy_filters_the_whole(order, sos, cutoff_hz, sizes):
    x = np.random.default_rng(0).standard_normal(40_000) + 0.5
    butterworth = scipy.signal.butter(order, cutoff_hz, "highpass", fs=22050, output="sos")
    blocks = SosFilter(sos)
    made = np.concatenate(
        [blocks.process(block) for block in np.split(x, np.minimum(np.cumsum(sizes), len(x)))]
    )
    np.testing.assert_allclose(made, scipy.signal.sosfilt(butterworth, x), atol=1e-10)
    assert blocks.process(x[:9].astype(np.float32)).dtype == np.float32

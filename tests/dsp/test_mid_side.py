import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mono2stereo.dsp.mid_side import decode, encode
from mono2stereo.errors import AudioError

stereo_signals = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 200), st.just(2)), elements=st.floats(-1, 1, width=32)
)


@given(stereo_signals)
@settings(deadline=None)
def test_round_trip_and_exact_fold_down(stereo):
    mid, side = encode(stereo)
    assert mid.dtype == side.dtype == np.float32
    np.testing.assert_allclose(decode(mid, side), stereo, atol=1.2e-7)
    np.testing.assert_allclose(mid, stereo.mean(axis=1), atol=1e-7)


@given(stereo_signals)
@settings(deadline=None)
def test_any_side_folds_down_to_the_mid(stereo):
    mid, side = stereo[:, 0], stereo[:, 1]
    np.testing.assert_allclose(decode(mid, side).sum(axis=1) / 2, mid, atol=1.2e-7)


@pytest.mark.parametrize(
    "stereo", [np.zeros(10), np.zeros((2, 10)), np.zeros((10, 2), int)], ids=["mono", "transposed", "integer"]
)
def test_refuses_other_shapes_and_types(stereo):
    with pytest.raises(AudioError, match="stereo has"):
        encode(stereo)


def test_refuses_unequal_lengths():
    with pytest.raises(AudioError, match="10 and 9 samples"):
        decode(np.zeros(10), np.zeros(9))

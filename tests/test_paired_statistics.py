import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mono2stereo.paired_statistics import holm, mean_interval, nested_interval, paired_p_value


@pytest.mark.parametrize(("level", "deviations"), [(0.95, 1.96), (0.8, 1.2816)])
def test_interval_of_many_values_is_the_normal_one(level: float, deviations: float) -> None:
    values = np.random.default_rng(0).normal(3, 1, 400)
    mean, low, high = mean_interval(values, seed=1, level=level)
    expected = mean + np.array([-1, 1]) * deviations * values.std() / np.sqrt(len(values))
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(expected, abs=0.005)


def test_interval_repeats_with_its_seed() -> None:
    values = np.random.default_rng(0).normal(size=20)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_interval_of_few_values() -> None:
    assert mean_interval([1.0, np.nan, 3.0], seed=0)[0] == 2
    assert mean_interval([5.0, np.nan], seed=0)[0] == 5
    assert np.isnan(mean_interval([5.0], seed=0)[1:]).all()
    assert np.isnan(mean_interval([], seed=0)).all()


def test_one_stretch_per_track_is_the_plain_bootstrap() -> None:
    values = np.random.default_rng(0).normal(3, 1, 30)
    nested = nested_interval([[value] for value in values], seed=1, resamples=20000)
    np.testing.assert_allclose(nested, mean_interval(values, seed=2, resamples=20000), atol=0.03)


def test_nested_interval_covers_what_both_stages_vary() -> None:
    """Variance of the mean: that of tracks, and that of stretches within them, over how many there are."""
    random = np.random.default_rng(0)
    tracks = [random.normal(random.normal(0, 1), 2, 4) for _ in range(200)]
    mean, low, high = nested_interval(tracks, seed=0)
    assert mean == pytest.approx(np.mean([track.mean() for track in tracks]))
    between = np.var([track.mean() for track in tracks])
    within = np.mean([track.var() / len(track) for track in tracks])
    expected = 2 * 1.96 * np.sqrt((between + within) / len(tracks))
    assert high - low == pytest.approx(expected, rel=0.06)


def test_nested_interval_of_unequal_and_undefined_tracks() -> None:
    assert nested_interval([[1.0, 3.0, np.nan], [5.0], [np.nan]], seed=0)[0] == 3.5
    assert np.isnan(nested_interval([[1.0, 3.0]], seed=0)[1:]).all()
    assert np.isnan(nested_interval([], seed=0)).all()
    assert nested_interval([[1.0, 2.0], [3.0]], seed=4) == nested_interval([[1.0, 2.0], [3.0]], seed=4)


def test_paired_test_is_wilcoxons_exact_one() -> None:
    random = np.random.default_rng(0)
    values, reference = random.normal(0.5, 1, 12), random.normal(0, 1, 12)
    ranks = stats.rankdata(np.abs(values - reference))
    observed = ranks[values > reference].sum()
    signs = (np.arange(2**12)[:, None] >> np.arange(12)) & 1
    sums = signs @ ranks
    centre = ranks.sum() / 2
    exact = np.mean(np.abs(sums - centre) >= abs(observed - centre))
    assert paired_p_value(values, reference) == pytest.approx(exact)


def test_paired_test_known_values() -> None:
    values = np.arange(8.0)
    assert paired_p_value(values, values) == 1
    assert paired_p_value(values + 1 + 0.01 * values**2, values) == pytest.approx(2 / 2**8)
    assert np.isnan(paired_p_value([1.0, np.nan], [2.0, 3.0]))


def test_holm_known_values() -> None:
    # By hand: .01*4, .02*3, max(.06, .03*2), max(.06, .04*1).
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.6, 0.5]) == pytest.approx([1.0, 1.0])
    np.testing.assert_allclose(holm([0.04, np.nan, 0.01]), [0.04, np.nan, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert (adjusted >= np.asarray(p_values)).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= 0).all()
    assert adjusted.min() == pytest.approx(min(1.0, min(p_values) * len(p_values)))


def test_holm_is_his_papers_method_on_a_textbooks_example() -> None:
    """P values 0.005, 0.01, 0.03, 0.04: times 4, 3, 2 and 1, and never below one before."""
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.4, 0.5, 0.01]), [0.8, 0.8, 0.03])
    np.testing.assert_allclose(holm([0.01, np.nan, 0.02]), [0.02, np.nan, 0.02])

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.dsp.coherence import mel_coherence
from mono2stereo.dsp.distances import magnitude_distance, magnitudes, mel_cells
from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.signals import mean_defined
from mono2stereo.errors import AudioError
from mono2stereo.measures import MEASURES, Readings, in_words, take_measures
from mono2stereo.measures.side_analysis import SideAnalysis, coherence_floors, curve_axes
from mono2stereo.measures.signal_analysis import SignalAnalysis

RATE = 22050


def noise(seed: int, seconds: float = 10.0, rate: int = RATE) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate)).astype(np.float32)


def analysis(
    mid: np.ndarray, side: np.ndarray, own: np.ndarray | None = None, rate: int = RATE
) -> SideAnalysis:
    return SideAnalysis(
        SignalAnalysis(mid, rate),
        SignalAnalysis(side, rate),
        None if own is None else SignalAnalysis(own, rate),
    )


def values(mid: np.ndarray, side: np.ndarray, own: np.ndarray | None = None, *names: str) -> dict[str, float]:
    return take_measures(analysis(mid, side, own), names or tuple(MEASURES)).values


def delayed(x: np.ndarray, milliseconds: float) -> np.ndarray:
    samples = round(milliseconds * RATE / 1000)
    return np.pad(x, (samples, 0))[: len(x)]


@pytest.mark.parametrize("gain", [1.0, -0.25])
def test_a_copy_is_recognised_at_any_level(gain: float) -> None:
    mid = noise(0)
    mid[RATE : RATE + 2000] *= 20  # an attack
    readings = values(mid, np.float32(gain) * mid)
    change_db = 20 * np.log10(abs(gain))
    for name in (
        "coherence_1024", "coherence_4096", "coherence_16384", "correlation_at_zero_lag",
        "largest_correlation", "octave_correlation", "onset_correlation",
    ):  # fmt: skip
        assert readings[name] == pytest.approx(1, abs=1e-5), name
    for name in ("log_mel_db", "colour_db", "crest_change_db", "pre_echo_db"):
        assert readings[name] == pytest.approx(0, abs=1e-3), name
    for name in ("level_db", "below_30_hz_db", "near_nyquist_db"):
        assert readings[name] == pytest.approx(change_db, abs=1e-3), name


def test_independent_noise_reads_the_estimators_floor() -> None:
    readings = values(noise(0), noise(1))
    for length, floor in coherence_floors(RATE).items():
        assert readings[f"coherence_{length}"] == pytest.approx(floor, rel=0.1), length
    assert readings["coherence_1024"] == pytest.approx(0.074, abs=0.004)
    assert readings["log_mel_db"] == pytest.approx(2.7, abs=0.25)
    assert readings["largest_correlation"] < 0.02
    assert readings["octave_correlation"] < 0.1
    # Independent sides of equal level add their power to the mid's.
    assert readings["loudness_change_lu"] == pytest.approx(10 * np.log10(2), abs=0.05)


@pytest.mark.parametrize(("milliseconds", "coherence"), [(10, 0.737), (20, 0.279), (35, 0.074)])
def test_a_delay_evades_the_short_window_and_nothing_else(milliseconds: float, coherence: float) -> None:
    mid = noise(0)
    whole = analysis(mid, delayed(mid, milliseconds))
    readings = take_measures(whole).values
    assert readings["coherence_1024"] == pytest.approx(coherence, abs=0.015)
    assert readings["coherence_4096"] > 0.75
    assert readings["coherence_16384"] > 0.95
    assert readings["largest_correlation"] > 0.98
    assert readings["octave_correlation"] > 0.98
    assert readings["colour_db"] < 0.1
    lags_ms = curve_axes(RATE)["correlogram"][1]
    assert lags_ms[np.argmax(whole.curves["correlogram"])] == milliseconds


def test_a_mean_offset_shows_below_30_hz() -> None:
    mid, side = noise(0), noise(1)
    assert abs(values(mid, side, None, "below_30_hz_db")["below_30_hz_db"]) < 3
    assert values(mid, side + np.float32(0.2), None, "below_30_hz_db")["below_30_hz_db"] > 25


def test_energy_at_the_edge_shows_near_nyquist() -> None:
    mid = noise(0)
    alternating = (0.1 * np.cos(np.pi * np.arange(len(mid)))).astype(np.float32)
    # A tenth of white noise lies there, all of the alternating sequence.
    assert values(mid, alternating, None, "near_nyquist_db")["near_nyquist_db"] == pytest.approx(10, abs=0.5)


def test_distances_to_the_own_side_are_those_of_dsp_at_one_level() -> None:
    mid, side, own = noise(0), noise(1), noise(2)
    names = ("own_mel", "own_stft", "own_levels_db")
    readings = values(mid, side, own, *names)
    level = np.float32(0.1)
    scaled = [x * level / np.sqrt(np.mean(x.astype(np.float64) ** 2)).astype(np.float32) for x in (side, own)]
    bins = [magnitudes(x) for x in scaled]
    cells = [mel_cells(each, RATE) for each in bins]
    for name, (estimate, reference) in {"own_stft": bins, "own_mel": cells}.items():
        expected = magnitude_distance(estimate=estimate, reference=reference)
        assert readings[name] == pytest.approx(expected, rel=1e-4)
    softer, inverted = (
        values(mid, np.float32(0.1) * side, own, *names),
        values(mid, np.float32(-3) * own, own, *names),
    )
    for name in names:
        assert softer[name] == pytest.approx(readings[name], rel=1e-3), name
        assert inverted[name] == pytest.approx(0, abs=1e-3), name


def test_own_levels_read_a_known_tilt() -> None:
    mid, own = noise(0), noise(2)
    louder = np.convolve(own, [1, 1], "same").astype(np.float32)
    levels = [SignalAnalysis(x, RATE).third_octaves_db for x in (louder, own)]
    matched = levels[0] - SignalAnalysis(louder, RATE).level_db + SignalAnalysis(own, RATE).level_db
    floor = levels[1].max() - 60
    expected = np.mean(np.abs(np.maximum(matched, floor) - levels[1]))
    assert values(mid, louder, own, "own_levels_db")["own_levels_db"] == pytest.approx(expected, abs=0.01)


def test_coherence_is_the_mean_over_parts() -> None:
    mid, other = noise(0, 6.0), noise(1, 6.0)
    half = len(mid) // 2
    side = np.concatenate([mid[:half], other[half:]])
    expected = (1 + mean_defined(mel_coherence(mid[half:], other[half:], RATE, 1024))) / 2
    assert values(mid, side, None, "coherence_1024")["coherence_1024"] == pytest.approx(expected, abs=1e-5)


def test_silent_parts_are_skipped() -> None:
    mid, side = noise(0, 6.0), noise(1, 6.0)
    half = len(mid) // 2
    mid[half:] *= 1e-6
    expected = mean_defined(mel_coherence(mid[:half], side[:half], RATE, 1024))
    assert values(mid, side, None, "coherence_1024")["coherence_1024"] == pytest.approx(expected, abs=1e-6)


def test_levels_curve_sums_to_the_whole_mid() -> None:
    levels = analysis(noise(0), noise(1)).curves["levels"]
    assert 10 * np.log10(np.sum(10 ** (levels / 10))) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_curves_fit_their_axes(seconds: float) -> None:
    curves, axes = analysis(noise(0, seconds), noise(1, seconds)).curves, curve_axes(RATE)
    assert {name: len(curve) for name, curve in curves.items()} == {
        name: len(axis) for name, (_, axis) in axes.items()
    }
    assert np.isnan(curves["coherence_1024"]).all() == (seconds < 3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), side_db=st.floats(-60, 20), level_db=st.floats(-80, 0))
def test_fold_down_is_exact_whatever_the_side(seed: int, side_db: float, level_db: float) -> None:
    mid, side = np.random.default_rng(seed).standard_normal((2, 500)).astype(np.float32)
    gain = np.float32(10 ** (level_db / 20))
    one = analysis(gain * mid, gain * np.float32(10 ** (side_db / 20)) * side)
    assert one.fold_down_error_db() < -120


def test_fold_down_error_of_what_changes_the_mid() -> None:
    """Haas: left is the source, right is late, so the fold-down is a comb."""
    source = noise(0)
    mid, side = encode(np.stack([source, delayed(source, 20)], axis=1))
    one = SideAnalysis(
        SignalAnalysis(mid, RATE), SignalAnalysis(side, RATE), source=SignalAnalysis(source, RATE)
    )
    # (x + d)/2 - x = (d - x)/2: half the power of either, for noise.
    assert one.fold_down_error_db() == pytest.approx(-10 * np.log10(2), abs=0.05)
    # Side and mid are combs of one spacing; the input is none, and colour is told against it.
    assert one.colour_db() == analysis(source, side).colour_db() < analysis(mid, side).colour_db() - 1


class TestWhatCannotBeTold:
    @staticmethod
    def complete(readings: Readings) -> bool:
        """Every measure has a finite number or a reason, not both."""
        assert np.isfinite(list(readings.values.values())).all()
        assert not set(readings.values) & set(readings.reasons)
        return set(readings.values) | set(readings.reasons) == set(MEASURES)

    def test_a_silent_side_is_undefined_not_good(self) -> None:
        readings = take_measures(analysis(noise(0), np.zeros_like(noise(0)), noise(1)))
        assert self.complete(readings)
        assert set(readings.values) == {
            "below_30_hz_db", "near_nyquist_db", "loudness_change_lu", "fold_down_error_db"
        }  # fmt: skip
        assert set(readings.reasons.values()) == {"the side is silent"}
        assert readings.values["loudness_change_lu"] == pytest.approx(0, abs=1e-6)

    def test_a_silent_mid_leaves_nothing(self) -> None:
        readings = take_measures(analysis(np.zeros_like(noise(0)), noise(1), noise(1)))
        assert self.complete(readings)
        assert in_words(readings.reasons) == "nothing: the mid is silent"

    def test_mono_but_for_rounding(self) -> None:
        readings = take_measures(analysis(noise(0), np.float32(1e-4) * noise(1), noise(1)))
        assert readings.reasons["coherence_1024"] == "mono: the side lies 80 dB below the mid"

    def test_a_recording_without_a_side_is_no_reference(self) -> None:
        readings = take_measures(analysis(noise(0), noise(1), np.zeros_like(noise(0))))
        assert self.complete(readings)
        own = {
            name for name, why in readings.reasons.items() if why == "the recording has no side of its own"
        }
        assert own == {"own_mel", "own_stft", "own_levels_db"}

    @pytest.mark.parametrize("seconds", [0.5, 1.0, 4.0])
    def test_short_clips(self, seconds: float) -> None:
        readings = take_measures(analysis(noise(0, seconds), noise(1, seconds), noise(2, seconds)))
        assert self.complete(readings)
        assert readings.reasons["coherence_16384"] == f"{seconds:.3g} s; taken over parts of 10 s"
        assert ("coherence_4096" in readings.values) == (seconds >= 3)
        assert "log_mel_db" in readings.values

    @pytest.mark.parametrize("rate", [8000, 192000])
    def test_rates_of_few_frames(self, rate: int) -> None:
        readings = take_measures(analysis(*(noise(seed, 3.0, rate) for seed in range(3)), rate=rate))
        assert self.complete(readings)
        if rate == 8000:
            assert readings.reasons["coherence_4096"] == "20 frames in a part at 8000 Hz; at least 30"
            assert set(coherence_floors(rate)) == {1024}
        else:
            assert set(coherence_floors(rate)) == {1024, 4096, 16384}

    def test_square_waves_at_full_scale(self) -> None:
        time = np.arange(10 * RATE) / RATE
        waves = [np.sign(np.sin(2 * np.pi * hz * time)).astype(np.float32) for hz in (220, 331, 441)]
        readings = take_measures(analysis(*waves))
        assert self.complete(readings)
        assert readings.values["crest_change_db"] == pytest.approx(0, abs=0.01)

    def test_a_constant(self) -> None:
        readings = take_measures(
            analysis(*(np.full(10 * RATE, level, np.float32) for level in (0.3, 0.1, 0.2)))
        )
        assert self.complete(readings)

    def test_signals_of_two_lengths_are_refused(self) -> None:
        with pytest.raises(AudioError, match="samples"):
            analysis(noise(0), noise(0)[:-1])


def test_every_measure_is_explained() -> None:
    assert all(one.heading and one.explanation for one in MEASURES.values())
    assert len({one.heading for one in MEASURES.values()}) == len(MEASURES)

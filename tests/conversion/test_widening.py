"""Width as asked, per band; the high band; the bass."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.conversion.method import Method
from mono2stereo.conversion.options import FileOptions
from mono2stereo.conversion.widening import MOST_RAISED_DB, OffsetBlocker, Widened, Width
from mono2stereo.conversion.width_curve import WidthCurve
from mono2stereo.conversion.width_filter import FILTER_SECONDS, grid_hz, minimum_phase_filter
from mono2stereo.data.natural import WIDTH_CENTRES_HZ, OwnRateLevels
from mono2stereo.decorrelators.classical import CLASSICAL
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.dsp.bands import level_db
from mono2stereo.errors import AudioError

NATURAL = {"frequency_hz": [31.5, 200.0, 2000.0, 20000.0], "side_to_mid_db": [-25.0, -12.0, -8.0, -4.0]}


def pink(seconds, sample_rate, seed):
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(int(seconds * sample_rate)))
    hz = np.fft.rfftfreq(int(seconds * sample_rate), 1 / sample_rate)
    noise = np.fft.irfft(white / np.sqrt(np.maximum(hz, 20.0)))
    return (0.1 * noise / noise.std()).astype(np.float32)


def side_to_mid_db(mid, side, sample_rate):
    levels = OwnRateLevels(sample_rate)
    levels.add(np.stack([mid, side], axis=1))
    mid_db, side_db = levels.levels_db()
    return side_db - mid_db


@pytest.fixture(scope="module")
def model():
    """The package's network, calibrated as the export does it: on one noise, to be tried on another."""
    made = NeuralDecorrelator.load(threads=1)
    mid = pink(8, 22050, seed=1)
    own = side_to_mid_db(mid, made.side(mid, 22050), 22050)
    known = np.isfinite(own)
    own_width = {"frequency_hz": WIDTH_CENTRES_HZ[known].tolist(), "side_to_mid_db": own[known].tolist()}
    made.card = replace(made.card, natural_width=NATURAL, own_width=own_width)
    return made


@pytest.mark.parametrize("db", [0.0, -6.0])
@pytest.mark.parametrize("sample_rate", [22050, 44100])
def test_the_natural_curve_is_met(model, sample_rate, db):
    mid = pink(8, sample_rate, seed=2)
    made = side_to_mid_db(mid, Widened(model, Width(db=db)).side(mid, sample_rate), sample_rate)
    asked = WidthCurve.of(NATURAL).at(WIDTH_CENTRES_HZ) + db
    counts = (WIDTH_CENTRES_HZ > 80) & np.isfinite(made)  # below, the network's high-pass has its say
    np.testing.assert_allclose(made[counts], asked[counts], atol=1.5)
    assert np.abs(made - asked)[counts].mean() < 0.5


@pytest.mark.parametrize("sample_rate", [8000, 44100, 96000])
def test_a_curve_of_ones_own_and_a_classical_decorrelator(sample_rate):
    curve = WidthCurve([100.0, 1000.0, 10000.0], [-20.0, -6.0, -12.0])
    mid = pink(10, sample_rate, seed=3)
    plain = Velvet().side(mid, sample_rate)
    wide = Widened(Velvet(), Width(curve=curve)).side(mid, sample_rate)
    gain = side_to_mid_db(mid, wide, sample_rate) - side_to_mid_db(mid, plain, sample_rate)
    counts = (WIDTH_CENTRES_HZ > 60) & np.isfinite(gain)
    np.testing.assert_allclose(gain[counts], curve.at(WIDTH_CENTRES_HZ)[counts], atol=0.6)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=29, max_size=29), st.sampled_from([8000, 44100, 48000, 192000]))
def test_the_filter_is_the_curve_starts_at_once_and_is_minimum_phase(steps_db, sample_rate):
    curve = WidthCurve(WIDTH_CENTRES_HZ, np.cumsum(steps_db) / 2)
    response = minimum_phase_filter(curve.at(grid_hz(sample_rate)), sample_rate)
    assert len(response) == round(FILTER_SECONDS * sample_rate)
    inside = WIDTH_CENTRES_HZ[0.45 * sample_rate > WIDTH_CENTRES_HZ]
    waves = np.exp(-2j * np.pi / sample_rate * np.outer(inside, np.arange(len(response))))
    np.testing.assert_allclose(20 * np.log10(np.abs(waves @ response)), curve.at(inside), atol=0.25)
    # Of all filters with this magnitude the one of minimum phase begins with the largest sample:
    # the geometric mean of its magnitude.
    spectrum = np.abs(np.fft.rfft(response, 1 << 18))
    assert abs(response[0]) == pytest.approx(np.exp(np.log(spectrum).mean()), rel=0.02)


def test_flat_is_the_side_as_it_is_made(model):
    """Of the mid without its offset, whose last sample stays."""
    mid = pink(1, 44100, seed=4)
    for decorrelator in (model, Velvet()):
        stream = decorrelator.stream(44100)
        late = stream.latency_samples
        steady = OffsetBlocker(44100).process(np.append(mid, np.full(late, mid[-1])))
        made = np.concatenate([stream.process(part) for part in (steady[: len(mid)], steady[len(mid) :])])
        flat = Widened(decorrelator, Width(curve="flat", highband=False))
        np.testing.assert_array_equal(flat.side(mid, 44100), made[late:])


def test_gains_stay_within_what_makes_sense(model):
    mid = pink(8, 22050, seed=5)
    far = Widened(model, Width(curve=WidthCurve([1000.0], [60.0]))).side(mid, 22050)
    assert level_db(far) - level_db(model.side(mid, 22050)) == pytest.approx(MOST_RAISED_DB, abs=0.5)


@pytest.mark.parametrize("sample_rate", [16000, 24000, 44100, 96000])
def test_the_high_band_continues_the_side_without_notch_or_bump(model, sample_rate):
    """White noise, as much side as mid: bands a tenth of the network's band wide show every dip."""
    white = replace(model.card, natural_width={"frequency_hz": [1000.0], "side_to_mid_db": [0.0]})
    calibrated = NeuralDecorrelator(model._session, white)
    mid = 0.1 * np.random.default_rng(6).standard_normal(8 * sample_rate).astype(np.float32)
    side = Widened(calibrated, Width()).side(mid, sample_rate)
    powers = [np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2 for x in (mid, side)]
    hz = np.fft.rfftfreq(len(mid), 1 / sample_rate)
    top = min(sample_rate, 22050) / 2
    for low in np.arange(0.7 * top, min(1.4 * top, 0.48 * sample_rate), 0.05 * top):
        band = (hz >= low) & (hz < low + 0.1 * top) & (hz < 0.49 * sample_rate)
        assert 10 * np.log10(powers[1][band].sum() / powers[0][band].sum()) == pytest.approx(0, abs=2.0), low


def test_the_high_band_follows_the_envelope_and_is_no_copy(model):
    sample_rate = 44100
    rng = np.random.default_rng(7)
    gate = np.repeat([0.0, 1.0, 0.0, 1.0, 0.0], sample_rate // 5)
    hz = np.fft.rfftfreq(len(gate), 1 / sample_rate)
    treble = np.fft.rfft(rng.standard_normal(len(gate))) * (hz > 13000)
    mid = gate * np.fft.irfft(treble, len(gate))
    side = Widened(model, Width(curve="flat")).side(mid, sample_rate)
    assert abs(np.corrcoef(mid, side)[0, 1]) < 0.1
    inside = np.roll(gate, sample_rate // 50) * gate > 0
    after = (np.roll(gate, sample_rate // 20) == 0) & (gate == 0)
    assert level_db(side[inside]) - level_db(side[after]) > 30
    off = Widened(model, Width(curve="flat", highband=False)).side(mid, sample_rate)
    assert level_db(off) < level_db(side) - 40


def test_mono_below(model):
    mid = pink(8, 44100, seed=8)
    full = side_to_mid_db(mid, Widened(model, Width()).side(mid, 44100), 44100)
    cut = side_to_mid_db(mid, Widened(model, Width(mono_below_hz=250)).side(mid, 44100), 44100)
    change = (cut - full)[WIDTH_CENTRES_HZ > 60]
    expected = -10 * np.log10(1 + (250 / WIDTH_CENTRES_HZ[WIDTH_CENTRES_HZ > 60]) ** 8)
    np.testing.assert_allclose(change, expected, atol=1.5)


@settings(max_examples=6, deadline=None)
@given(sizes=st.lists(st.integers(1, 6000), min_size=1, max_size=8))
def test_where_blocks_are_cut_changes_nothing(model, sizes):
    widened, mid = Widened(model, Width(mono_below_hz=100)), pink(0.5, 44100, seed=9)
    whole, stream = widened.side(mid, 44100), widened.stream(44100)
    padded = np.concatenate([mid, np.full(stream.latency_samples, mid[-1])])
    cuts = np.cumsum(sizes)
    made = np.concatenate([stream.process(block) for block in np.split(padded, cuts[cuts < len(padded)])])
    assert np.abs(made[stream.latency_samples :] - whole).max() < 1e-6 * np.abs(whole).max()


def test_silence_and_level(model):
    widened, mid = Widened(model, Width()), pink(0.5, 44100, seed=10)
    assert not widened.side(np.zeros(5000), 44100).any()
    quiet = widened.side(mid * np.float32(1e-3), 44100)
    np.testing.assert_allclose(quiet, 1e-3 * widened.side(mid, 44100), atol=1e-8)


def test_a_model_that_knows_no_width_says_so_once_and_stays_flat(model):
    bare = NeuralDecorrelator(model._session, replace(model.card, natural_width=None))
    mid = pink(0.2, 44100, seed=11)
    with pytest.warns(UserWarning, match="^the model knows no natural width: its side stays as it makes it$"):
        side = Widened(bare, Width()).side(mid, 44100)
    np.testing.assert_array_equal(side, Widened(model, Width(curve="flat")).side(mid, 44100))


@pytest.mark.parametrize("form", ["json", "csv"])
def test_curves_are_read(form, tmp_path):
    path = tmp_path / f"curve.{form}"
    rows = zip(*NATURAL.values(), strict=True)
    csv = "frequency_hz,side_to_mid_db\r\n" + "".join(f"{hz}, {db}\r\n" for hz, db in rows)
    path.write_text(json.dumps(NATURAL) if form == "json" else csv)
    assert WidthCurve.read(path).at(np.array([10.0, 2000.0])).tolist() == [-25.0, -8.0]


@pytest.mark.parametrize(
    "text", ["", "{}", "frequency_hz\n100", "frequency_hz,side_to_mid_db\n5,x", '{"frequency_hz": 1}', "{[",
             "frequency_hz,side_to_mid_db\n200,0\n100,0", "frequency_hz,side_to_mid_db\n100,nan", "\x00" * 9]
)  # fmt: skip
def test_what_is_no_curve_is_refused_in_one_line(text, tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text(text)
    with pytest.raises(AudioError) as refused:
        WidthCurve.read(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(AudioError, match=r"absent.csv: no width curve can be read from it \(No such file"):
        WidthCurve.read(tmp_path / "absent.csv")


@pytest.mark.parametrize("bad", [{"db": np.nan}, {"db": 99.0}, {"mono_below_hz": -1.0}, {"curve": "wide"}])
def test_refuses_widths_that_are_none(bad):
    with pytest.raises(AudioError):
        Width(**bad)


@pytest.mark.parametrize("sample_rate", [22050, 48000])
@pytest.mark.parametrize("method", ["neural", *CLASSICAL])
def test_an_offset_is_no_thump_of_the_side_at_either_end(method, sample_rate, tmp_path):
    made = Method(classical=None if method == "neural" else method).build()
    noise = 0.01 * np.random.default_rng(12).standard_normal(2 * sample_rate)
    sides = {}
    for offset in (0.0, 0.3):
        soundfile.write(tmp_path / "a.wav", noise + offset, sample_rate, subtype="FLOAT")
        convert_file(
            tmp_path / "a.wav", tmp_path / "b.wav", decorrelator=made, options=FileOptions(force=True)
        )
        left, right = soundfile.read(tmp_path / "b.wav")[0].T
        sides[offset] = (left - right) / 2
    edge = sample_rate // 10
    for end in (slice(0, edge), slice(-edge, None), slice(edge, -edge)):
        assert level_db(sides[0.3][end]) < level_db(sides[0.0]) + 3

"""What is written is g times the input plus a side, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

import mono2stereo.conversion.reading
from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.conversion.options import FileOptions
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.dsp.loudness import integrated_lufs
from mono2stereo.dsp.true_peak import TruePeak
from mono2stereo.errors import AudioError

INTEGERS = [
    ("wav", "WAV", "PCM_U8", 8),
    ("wav", "WAV", "PCM_16", 16),
    ("wav", "WAV", "PCM_24", 24),
    ("wav", "WAV", "PCM_32", 32),
    ("wav", "WAVEX", "PCM_24", 24),
    ("wav", "RF64", "PCM_16", 16),
    ("flac", "FLAC", "PCM_S8", 8),
    ("flac", "FLAC", "PCM_16", 16),
    ("flac", "FLAC", "PCM_24", 24),
    ("aiff", "AIFF", "PCM_S8", 8),
    ("aiff", "AIFF", "PCM_16", 16),
    ("aiff", "AIFF", "PCM_24", 24),
    ("aiff", "AIFF", "PCM_32", 32),
]
FLOATS = [
    ("wav", "WAV", "FLOAT", -140),
    ("wav", "WAV", "DOUBLE", -290),
    ("wav", "WAVEX", "FLOAT", -140),
    ("aiff", "AIFF", "FLOAT", -140),
    ("aiff", "AIFF", "DOUBLE", -290),
]


def integers(path: Path, bits: int) -> np.ndarray:
    return soundfile.read(path, dtype="int32", always_2d=True)[0].astype(np.int64) >> (32 - bits)


@pytest.mark.parametrize(("suffix", "format_", "subtype", "bits"), INTEGERS)
def test_integers_fold_down_bit_for_bit(suffix, format_, subtype, bits, sound, tmp_path):
    source, target = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    soundfile.write(source, sound, 44100, format=format_, subtype=subtype)
    done = convert_file(source, target, decorrelator=Velvet())
    info = soundfile.info(target)
    assert (info.format, info.subtype, info.channels, info.samplerate) == (format_, subtype, 2, 44100)
    assert (done.gain.db, done.gain.factor, done.notices) == (0, 1, [])
    mono, stereo = integers(source, bits)[:, 0], integers(target, bits)
    assert np.array_equal(stereo.sum(axis=1), 2 * mono)
    assert np.std(stereo[:, 0] - stereo[:, 1]) > 0.1 * np.std(mono)
    # Velvet noise of 30 ms rings out, then left and right are silent to the last bit.
    assert not stereo[30000 + 1400 : 45000].any()


@pytest.mark.parametrize(("suffix", "format_", "subtype", "limit_db"), FLOATS)
def test_floats_keep_gain_one_and_their_peaks(suffix, format_, subtype, limit_db, sound, tmp_path):
    source, target = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    soundfile.write(source, 4 * sound, 44100, format=format_, subtype=subtype)
    done = convert_file(source, target, decorrelator=Velvet())
    mono, stereo = soundfile.read(source)[0], soundfile.read(target)[0]
    assert soundfile.info(target).subtype == subtype
    assert done.gain.factor == 1
    assert 20 * np.log10(np.abs(stereo.mean(axis=1) - mono).max()) < limit_db
    assert np.abs(stereo).max() > 1
    assert any("true peak +" in notice for notice in done.notices)
    assert b"PEAK" not in target.read_bytes()  # which holds the time of day


@pytest.mark.parametrize(("suffix", "subtype", "bits"), [("wav", "PCM_16", 16), ("flac", "PCM_24", 24)])
def test_one_gain_keeps_the_true_peak_below_full_scale(suffix, subtype, bits, sound, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))  # what waits does so beside the output
    source, target = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    soundfile.write(source, 3.9 * sound, 44100, subtype=subtype)
    done = convert_file(source, target, decorrelator=Velvet())
    assert -6 < done.gain.db < -0.5
    assert done.gain.why == "true peak"
    assert done.gain.factor == pytest.approx(10 ** (done.gain.db / 20), abs=0)
    mono, stereo = integers(source, bits)[:, 0], integers(target, bits)
    # Twice the mid is an integer: half a step of rounding at most.
    assert np.abs(stereo.sum(axis=1) - 2 * done.gain.factor * mono).max() <= 0.5 + 1e-6
    meter = TruePeak(2)
    meter.add(stereo / 2 ** (bits - 1))
    assert 0.99 < meter.peak < 1 + 3 / 2 ** (bits - 1)


@pytest.mark.parametrize(("last", "readings"), [(0.1, 1), (1.0, 2)])
def test_what_was_written_before_the_first_peak_is_lowered_too(last, readings, tmp_path, monkeypatch):
    """Only a recording that needs a gain is read again for it."""
    read, mids = [], mono2stereo.conversion.reading.Recording.mids
    monkeypatch.setattr(
        mono2stereo.conversion.reading.Recording, "mids", lambda self: read.append(self) or mids(self)
    )
    noise = np.random.default_rng(0).uniform(-1, 1, 200_000)
    noise[:150_000] *= 0.1  # two blocks and more
    noise[150_000:] *= last
    soundfile.write(tmp_path / "a.wav", noise, 44100, subtype="PCM_16")
    done = convert_file(tmp_path / "a.wav", tmp_path / "b.wav", decorrelator=Velvet())
    assert (done.gain.db < 0, len(read)) == (readings == 2, readings)
    mono, stereo = integers(tmp_path / "a.wav", 16)[:, 0], integers(tmp_path / "b.wav", 16)
    assert np.abs(stereo.sum(axis=1) - 2 * done.gain.factor * mono).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("suffix", ["ogg", "mp3", "opus"])
def test_lossy_files_keep_length_and_leave_the_encoder_a_decibel(suffix, sound, tmp_path):
    source, target = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    kind = {"format": "OGG", "subtype": "OPUS"} if suffix == "opus" else {}
    soundfile.write(source, 3.9 * sound, 48000, **kind)
    done = convert_file(source, target, decorrelator=Velvet())
    mono, stereo = soundfile.read(source)[0], soundfile.read(target)[0]
    assert stereo.shape == (len(mono), 2)
    assert soundfile.info(target).subtype == soundfile.info(source).subtype
    assert any("lossy" in notice for notice in done.notices)
    error = stereo.mean(axis=1) - done.gain.factor * mono
    assert np.std(error) < 0.1 * np.std(mono)
    assert np.abs(stereo).max() < 1


def test_match_loudness(sound, tmp_path):
    source, target = tmp_path / "a.wav", tmp_path / "b.wav"
    soundfile.write(source, sound, 44100, subtype="FLOAT")
    done = convert_file(source, target, decorrelator=Velvet(), options=FileOptions(match_loudness=True))
    mono, stereo = soundfile.read(source)[0], soundfile.read(target)[0]
    assert done.gain.db < -0.5
    both = np.stack([mono, mono], axis=1)
    assert integrated_lufs(stereo, 44100) == pytest.approx(integrated_lufs(both, 44100), abs=0.03)
    np.testing.assert_allclose(stereo.mean(axis=1), done.gain.factor * mono, atol=1e-7)
    soundfile.write(source, sound[:2000], 44100, subtype="FLOAT")
    options = FileOptions(match_loudness=True, force=True)
    assert "too short" in convert_file(source, target, decorrelator=Velvet(), options=options).gain.why


def test_stereo_input_is_folded_down(sound, tmp_path):
    source, target = tmp_path / "a.wav", tmp_path / "b.wav"
    left, right = sound, np.roll(sound, 7)
    soundfile.write(source, np.stack([left, right], axis=1), 44100, subtype="PCM_16")
    done = convert_file(source, target, decorrelator=Velvet())
    assert done.notices == ["is stereo; folded down"]
    # Sums may be odd: half steps of the mid survive too.
    assert np.array_equal(integers(target, 16).sum(axis=1), integers(source, 16).sum(axis=1))
    options = FileOptions(from_left=True, force=True)
    convert_file(source, target, decorrelator=Velvet(), options=options)
    assert np.array_equal(integers(target, 16).sum(axis=1), 2 * integers(source, 16)[:, 0])
    options = FileOptions(keep_if_stereo=True, force=True)
    assert convert_file(source, target, decorrelator=Velvet(), options=options).gain is None
    assert target.read_bytes() == source.read_bytes()
    soundfile.write(source, np.stack([left, left], axis=1), 44100, subtype="PCM_16")
    done = convert_file(source, target, decorrelator=Velvet(), options=options)
    assert done.notices == ["has the same signal on both channels"]
    assert target.read_bytes() != source.read_bytes()


def test_a_method_that_changes_the_mid_is_kept_in_step_and_named(sound, tmp_path):
    class Late(Velvet):
        """A fold-down 5 samples late, with a latency of 3."""

        changes_mid = True

        def fold_down_stream(self, sample_rate):
            stream = type("Stream", (), {"latency_samples": 3})()
            past = np.zeros(8, np.float32)

            def process(mid):
                nonlocal past
                joined = np.concatenate([past, mid])
                past = joined[len(mid) :]
                return joined[: len(mid)]

            stream.process = process
            return stream

    source, target = tmp_path / "a.wav", tmp_path / "b.wav"
    soundfile.write(source, sound, 44100, subtype="PCM_16")
    done = convert_file(source, target, decorrelator=Late())
    assert any("changes the mid" in notice for notice in done.notices)
    mono, stereo = integers(source, 16)[:, 0], integers(target, 16)
    assert np.abs(stereo.sum(axis=1)[5:] - 2 * mono[:-5]).max() <= 1
    side = Velvet().side(sound.astype(np.float32), 44100)
    assert np.abs((stereo[:, 0] - stereo[:, 1]) / 2 / 32768 - side).max() < 4 / 32768


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_block_sizes_do_not_matter(suffix, sound, tmp_path, monkeypatch):
    source = tmp_path / f"a.{suffix}"
    soundfile.write(source, np.tile(sound, 3), 44100)
    made = []
    for size in (1 << 16, 4097, 999):
        monkeypatch.setattr(mono2stereo.conversion.reading, "BLOCK_FRAMES", size)
        convert_file(
            source, tmp_path / f"{size}.wav", decorrelator=Velvet(), options=FileOptions(samples="float")
        )
        made.append(soundfile.read(tmp_path / f"{size}.wav")[0])
    for other in made[1:]:
        assert np.abs(other - made[0]).max() < 1e-6


@pytest.mark.parametrize("samples", [1, 2, 3, 100])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_very_short_files_keep_their_length(suffix, samples, tmp_path):
    source, target = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    soundfile.write(source, np.full(samples, 0.25), 44100)
    convert_file(source, target, decorrelator=Velvet())
    assert soundfile.info(target).frames == soundfile.info(source).frames == samples


def test_wrong_files_are_refused_in_a_line_and_nothing_is_written(sound, tmp_path):
    cases = {
        "text.wav": b"hello",
        "empty.wav": b"",
        "picture.flac": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "half a header.wav": b"RIFF\xff\xff\xff\xffWAVEfmt ",
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
    soundfile.write(tmp_path / "many.wav", np.zeros((10, 5)), 44100)
    soundfile.write(tmp_path / "slow.wav", np.zeros(10), 4000)
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0), 44100)
    broken = sound.copy()
    broken[70000] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, 44100, subtype="FLOAT")
    before = set(tmp_path.iterdir())
    for path in [*sorted(before), tmp_path / "absent.wav", tmp_path]:
        with pytest.raises(AudioError) as error:
            convert_file(path, tmp_path / "out.wav", decorrelator=Velvet())
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)
    assert set(tmp_path.iterdir()) == before
    with pytest.raises(AudioError, match=r"first at 1\.587 s"):
        convert_file(tmp_path / "nan.wav", tmp_path / "out.wav", decorrelator=Velvet())


def test_a_file_shorter_than_its_header_says_is_converted_with_a_notice(sound, tmp_path):
    soundfile.write(tmp_path / "a.flac", scipy.signal.lfilter([1], [1, -0.9], sound) / 10, 44100)
    whole = soundfile.read(tmp_path / "a.flac")[0]
    soundfile.write(tmp_path / "a.mp3", sound, 44100)
    for suffix in ("mp3",):
        data = (tmp_path / f"a.{suffix}").read_bytes()
        (tmp_path / f"cut.{suffix}").write_bytes(data[: len(data) * 2 // 3])
        done = convert_file(tmp_path / f"cut.{suffix}", tmp_path / f"out.{suffix}", decorrelator=Velvet())
        assert any("before its header says" in notice for notice in done.notices)
        assert 0 < soundfile.info(tmp_path / f"out.{suffix}").frames < len(whole)


def channels_of(left, right, path, **how):
    """What is made of two channels of floats: the mid, and what was said about them."""
    soundfile.write(path / "a.wav", np.stack([left, right], axis=1), 44100, subtype="FLOAT")
    options = FileOptions(force=True, **how)
    done = convert_file(path / "a.wav", path / "b.wav", decorrelator=Velvet(), options=options)
    return soundfile.read(path / "b.wav")[0].mean(axis=1), done.notices[0]


def test_a_channel_that_is_silent_is_no_channel(sound, tmp_path):
    hiss = 1e-4 * np.random.default_rng(1).standard_normal(len(sound)) * np.std(sound)
    for other in (np.zeros_like(sound), hiss):
        for channels, silent, taken in (((sound, other), "right", "left"), ((other, sound), "left", "right")):
            made, said = channels_of(*channels, tmp_path)
            np.testing.assert_allclose(made, sound, atol=1e-6)
            assert said == f"its {silent} channel is silent; the {taken} one was taken"
    made, said = channels_of(sound, 0.01 * sound, tmp_path)
    np.testing.assert_allclose(made, 0.505 * sound, atol=1e-6)
    made, said = channels_of(sound, 0 * sound, tmp_path, keep_if_stereo=True)
    assert "silent" in said


def test_channels_that_cancel_are_not_folded_to_silence(sound, tmp_path):
    made, said = channels_of(sound, -sound, tmp_path)
    np.testing.assert_allclose(made, sound, atol=1e-6)
    assert said == "its channels cancel each other; the left one was taken"
    made, said = channels_of(sound, -0.8 * sound, tmp_path)
    np.testing.assert_allclose(made, 0.1 * sound, atol=1e-6)
    assert "cancels 19.1 dB of it; --from-left or --from-right" in said
    made, said = channels_of(sound, -0.8 * sound, tmp_path, from_right=True)
    np.testing.assert_allclose(made, -0.8 * sound, atol=1e-6)
    assert said == "has two channels; the right one was taken"
    assert channels_of(sound, np.roll(sound, 26), tmp_path)[1] == "is stereo; folded down"
    with pytest.raises(AudioError, match="choose one"):
        channels_of(sound, sound, tmp_path, from_left=True, from_right=True)

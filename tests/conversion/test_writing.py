"""How samples are written: formats, rounding, dither."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from test_file_conversion import integers

from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.conversion.formats import Encoding, choose_encoding
from mono2stereo.conversion.gain import Gain
from mono2stereo.conversion.options import FileOptions
from mono2stereo.conversion.writing import StereoWriter
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.errors import AudioError, UsageError


def test_dither_decorrelates_the_sides_error_and_stays_out_of_the_fold_down(tmp_path):
    """A side of a third of a step survives on average; without dither it would vanish."""
    n = 200_000
    mid, side = np.full(n, 100 / 32768), np.full(n, 0.3 / 32768)
    with StereoWriter(tmp_path / "x.wav", 44100, Encoding("WAV", "PCM_16"), Gain(), {}) as writer:
        writer.write(mid, side)
    stereo = integers(tmp_path / "x.wav", 16)
    assert np.all(stereo.sum(axis=1) == 200)
    error = (stereo[:, 0] - stereo[:, 1]) / 2 - 0.3
    assert abs(error.mean()) < 0.01
    assert error.std() == pytest.approx(0.5, abs=0.02)  # triangular: a step's RMS of sqrt(1/6 + 1/12)
    assert abs(np.corrcoef(error[1:], error[:-1])[0, 1]) < 0.02


@settings(max_examples=50, deadline=None)
@given(
    bits=st.sampled_from([8, 16, 24]),
    mid=st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=50),
    side=st.floats(-3, 3),
    gain_db=st.floats(-20, 20),
)
def test_integers_never_wrap(bits, mid, side, gain_db, tmp_path_factory):
    path = tmp_path_factory.mktemp("wrap") / "x.wav"
    subtype = {8: "PCM_U8", 16: "PCM_16", 24: "PCM_24"}[bits]
    gain = Gain(gain_db)
    with StereoWriter(path, 8000, Encoding("WAV", subtype), gain, {}) as writer:
        writer.write(np.array(mid), np.full(len(mid), side))
        cut = writer.cut_samples
    stereo = integers(path, bits)
    full = 2.0 ** (bits - 1)
    wanted = 2 * gain.factor * full * np.array(mid)
    fitting = np.clip(np.rint(wanted), -2 * full, 2 * (full - 1))
    assert np.array_equal(stereo.sum(axis=1), fitting)
    loudest = gain.factor * full * (np.abs(mid) + abs(side))
    if np.all(loudest < full - 8):
        assert cut == 0
    if np.any(loudest > full + 8):
        assert cut > 0


@pytest.mark.parametrize(
    ("source", "kind", "target", "samples", "expected"),
    [
        (("WAV", "PCM_16"), "WAV", "x.flac", None, ("FLAC", "PCM_16")),
        (("WAV", "PCM_U8"), "WAV", "x.flac", None, ("FLAC", "PCM_S8")),
        (("FLAC", "PCM_S8"), "FLAC", "x.wav", None, ("WAV", "PCM_U8")),
        (("WAV", "FLOAT"), "WAV", "x.flac", None, ("FLAC", "PCM_24")),
        (("WAV", "FLOAT"), "WAV", "x.WAV", "16", ("WAV", "PCM_16")),
        (("WAVEX", "PCM_24"), "WAV", "x.wav", "float", ("WAVEX", "FLOAT")),
        (("WAV", "ULAW"), "WAV", "x.wav", None, ("WAV", "PCM_16")),
        (("WAV", "MS_ADPCM"), "WAV", "x.aiff", None, ("AIFF", "PCM_16")),
        (("AIFF", "DWVW_12"), "AIFF", "x.aif", None, ("AIFF", "PCM_16")),
        (("MP3", "MPEG_LAYER_III"), "MP3", "x.wav", None, ("WAV", "FLOAT")),
        (("MP3", "MPEG_LAYER_II"), "MP3", "x.mp3", None, ("MP3", "MPEG_LAYER_III")),
        (("OGG", "OPUS"), "OGG", "x.ogg", None, ("OGG", "OPUS")),
        (("OGG", "VORBIS"), "OGG", "x.opus", None, ("OGG", "OPUS")),
        (("RF64", "PCM_16"), "WAV", "x.wav", None, ("RF64", "PCM_16")),
        (("RF64", "PCM_16"), "WAV", "x.aiff", None, ("AIFF", "PCM_16")),
    ],
)
def test_the_output_has_the_inputs_samples_where_the_format_has_them(source, kind, target, samples, expected):
    chosen = choose_encoding(
        Encoding(*source), kind, Path(target), frames=1000, sample_rate=48000, samples=samples
    )
    assert (chosen.format, chosen.subtype) == expected


def test_what_outgrows_four_gigabytes_becomes_rf64_or_is_refused():
    frames = 1 << 30  # of 16 bits: 2 GiB of mono
    wav = Encoding("WAV", "PCM_16")
    long = {"frames": frames, "sample_rate": 44100, "samples": None}
    assert choose_encoding(wav, "WAV", Path("x.wav"), **long).format == "RF64"
    assert choose_encoding(wav, "WAV", Path("x.flac"), **long).format == "FLAC"
    with pytest.raises(AudioError, match="too long for AIFF"):
        choose_encoding(wav, "WAV", Path("x.aiff"), **long)
    wrong = [("x.flac", 44100, "float"), ("x.mp3", 44100, "16"), ("x.txt", 44100, None)]
    wrong += [("x.opus", 44100, None), ("x.mp3", 96000, None), ("x.ogg", 384_000, None)]
    for name, rate, samples in wrong:
        with pytest.raises((AudioError, UsageError), match=name):
            choose_encoding(wav, "WAV", Path(name), frames=10, sample_rate=rate, samples=samples)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "ogg", "opus", "mp3"])
def test_every_rate_is_written_or_refused(suffix, tmp_path):
    for rate in (8000, 8001, 11025, 48000, 96000, 192_000, 200_000, 200_001, 384_000):
        soundfile.write(tmp_path / "a.wav", np.full(3000, 0.1), rate)
        target = tmp_path / f"{rate}.{suffix}"
        try:
            convert_file(tmp_path / "a.wav", target, decorrelator=Velvet())
        except AudioError as error:
            refused = str(error)
        else:
            refused = ""
            assert soundfile.info(target).samplerate == rate
            assert soundfile.info(target).frames == 3000
        assert bool(refused) == (not target.exists())
        assert not refused or suffix in ("ogg", "opus", "mp3") or (suffix, rate) == ("flac", 200_001)


def test_a_mid_of_longer_samples_is_dithered_and_can_be_left_alone(tmp_path):
    """A tone of a third of a step of 16 bits, and silence: the tone survives, on average, as it is."""
    tone = np.sin(2 * np.pi * 441 / 44100 * np.arange(441_00))
    mono = np.concatenate([tone / 3 / 32768, np.zeros(20_000)])
    soundfile.write(tmp_path / "a.wav", mono, 44100, subtype="PCM_24")
    for dither in (True, False):
        options = FileOptions(samples="16", dither=dither, force=True)
        convert_file(tmp_path / "a.wav", tmp_path / "b.wav", decorrelator=Velvet(), options=options)
        stereo = integers(tmp_path / "b.wav", 16)
        period = stereo.sum(axis=1)[:441_00].reshape(-1, 100).mean(axis=0)
        error = period - 2 * tone[:100] / 3
        assert (np.abs(error).max() < 0.15) == dither
        assert not stereo[-10_000:].any()
    # The same word length needs none, whatever the format.
    convert_file(tmp_path / "a.wav", tmp_path / "b.flac", decorrelator=Velvet())
    stereo, mono = integers(tmp_path / "b.flac", 24), integers(tmp_path / "a.wav", 24)[:, 0]
    assert np.array_equal(stereo.sum(axis=1), 2 * mono)

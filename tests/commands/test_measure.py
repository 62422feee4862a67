"""`mono2stereo measure` as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.cli import main
from mono2stereo.dsp.resampling import resample
from mono2stereo.measures import OF_A_FILE
from mono2stereo.measures.recordings import COMMON_RATE, measure_recording
from mono2stereo.measures.usual import usual_ranges

NOISE = 0.1 * np.random.default_rng(0).standard_normal((11 * 44100, 2))


def write(file: Path, left: np.ndarray, right: np.ndarray, rate: int = 44100, subtype: str = "FLOAT") -> Path:
    soundfile.write(file, np.stack([left, right], axis=1), rate, subtype=subtype)
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each kind that may come."""
    folder = tmp_path_factory.mktemp("recordings")
    left, right = NOISE.T
    silence, second = np.zeros(44100), slice(0, 44100)
    time = np.arange(11 * 44100) / 44100
    write(folder / "noise.wav", left, right)
    write(folder / "silence.wav", silence, silence)
    write(folder / "mono as stereo.wav", left, left, subtype="PCM_16")
    write(folder / "opposite.wav", left, -left, subtype="PCM_16")
    write(folder / "one second.wav", left[second], right[second])
    write(folder / "blip.wav", left[:4410], right[:4410])
    squares = (np.sign(np.sin(2 * np.pi * hz * time)) for hz in (220, 331))
    write(folder / "square.wav", *squares, subtype="PCM_16")
    write(folder / "8k.wav", left[: 11 * 8000], right[: 11 * 8000], rate=8000)
    write(folder / "192k.wav", left[: 2 * 192000], right[: 2 * 192000], rate=192000)
    write(folder / "4k.wav", left[:8000], right[:8000], rate=4000)
    write(folder / "not finite.wav", np.where(time == 5.5, np.nan, left), right)
    soundfile.write(folder / "one channel.wav", left, 44100)
    soundfile.write(folder / "six.wav", np.stack([left[second]] * 6, axis=1), 44100)
    (folder / "text.wav").write_text("no audio")
    (folder / "empty.wav").touch()
    soundfile.write(folder / "cut.flac", NOISE, 44100)
    whole = (folder / "cut.flac").read_bytes()
    (folder / "cut.flac").write_bytes(whole[: len(whole) // 4])
    return folder


NOT_MEASURED = {
    "silence.wav": "silent",
    "opposite.wav": "opposite phase: the mid lies",
    "blip.wav": "0.1 s long; at least 0.5 s",
    "4k.wav": "4000 Hz; at least 8000 Hz",
    "not finite.wav": "not finite; repair it first",
    "one channel.wav": "one channel; only stereo can be measured",
    "six.wav": "6 channels; only stereo can be measured",
    "text.wav": "no WAV, FLAC, OGG, MP3 or AIFF file",
    "empty.wav": "is empty",
    "cut.flac": "breaks off",
    "gone.wav": "cannot be read (no such file or directory)",
    ".": "a folder; give a file",
}
MEASURED = ["noise.wav", "mono as stereo.wav", "one second.wav", "square.wav", "8k.wav", "192k.wav"]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", NOT_MEASURED)
def test_what_cannot_be_measured_has_its_reason(folder: Path, name: str) -> None:
    recording = measure_recording(folder / name)
    assert NOT_MEASURED[name] in recording.error
    assert "\n" not in recording.error
    assert not recording.readings.values


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", MEASURED)
def test_every_measure_has_a_number_or_a_reason(folder: Path, name: str) -> None:
    recording = measure_recording(folder / name)
    assert not recording.error
    measured = recording.readings
    assert np.isfinite(list(measured.values.values())).all()
    assert set(measured.values).isdisjoint(measured.reasons)
    assert set(measured.values) | set(measured.reasons) == set(OF_A_FILE)


def test_bands_that_a_low_rate_lacks_do_not_count(folder: Path) -> None:
    high, low = (measure_recording(folder / name).readings.values for name in ("noise.wav", "8k.wav"))
    for length in (1024, 4096, 16384):
        assert low[f"coherence_{length}"] == pytest.approx(high[f"coherence_{length}"], abs=0.01)


def test_numbers_are_those_of_the_signal_whatever_its_rate(tmp_path: Path) -> None:
    """The same tones and noise below 4 kHz, written at two rates."""
    random = np.random.default_rng(1)
    low = 0.1 * random.standard_normal((11 * 8000, 2))
    low[:, 1] += low[:, 0]
    files = [
        write(tmp_path / f"{rate}.wav", *resample(low, 8000, rate).T, rate=rate)
        for rate in (8000, 48000, 96000)
    ]
    first, *others = (measure_recording(file).readings.values for file in files)
    for other in others:
        for name, value in first.items():
            assert other[name] == pytest.approx(value, abs=0.02), name


def test_long_files_are_measured_in_stretches(tmp_path: Path) -> None:
    left, right = np.tile(NOISE.T[:, : 44100 // 4], 4 * 35)
    file = write(tmp_path / "long.flac", left, right, subtype="PCM_16")
    assert measure_recording(file).stretches == 3
    assert measure_recording(file, stretches=2).stretches == 2


def test_table_holds_the_numbers_and_the_reasons_and_the_status_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as end:
        main(["measure", str(folder / "noise.wav"), str(folder / "one second.wav"), str(folder / "text.wav")])
    assert end.value.code == 1
    out, err = capsys.readouterr()
    assert err == "error: 1 of 3 files not measured; the reasons stand above\n"
    assert f"At {COMMON_RATE} Hz" in out
    (row,) = [line for line in out.splitlines() if line.startswith("coherence 1024")]
    assert (
        row.split()[2] == f"{measure_recording(folder / 'noise.wav').readings.values['coherence_1024']:.3f}"
    )
    low, high = usual_ranges()["coherence_1024"]
    assert row.split()[3:] == ["–", f"{low:.3f}", "to", f"{high:.3f}"]
    assert "independent signals read 0.077 (coherence 1024)" in out
    assert "one second.wav: coherence 1024, coherence 4096, coherence, critical bands: 1 s; taken over" in out
    assert "text.wav: no WAV, FLAC, OGG, MP3 or AIFF file" in out
    assert "nan" not in out


def test_a_narrow_terminal_gets_several_tables(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    main(["measure", str(folder / "one second.wav"), str(folder / "one second.wav"), "--explain"])
    out = capsys.readouterr().out
    assert out.count("\nlog-mel (dB) ") == 2
    assert max(map(len, out.split("–: cannot")[0].splitlines()[2:])) <= 60
    assert "log-mel (dB): mean absolute difference" in out


def test_json_is_strict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["measure", "--json", str(folder / "one second.wav"), str(folder / "silence.wav")])
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    second, silence = found["files"]
    assert set(second["measures"]) == set(OF_A_FILE)
    assert second["measures"]["coherence_1024"] is None
    assert set(second["curves"]["coherence_1024"]["values"]) == {None}
    assert len(second["curves"]["mid_levels"]["frequency_hz"]) == len(
        second["curves"]["mid_levels"]["values"]
    )
    assert all(second["curves"]["octaves"]["values"])
    assert second["reasons"]["coherence_1024"] == "1 s; taken over parts of 3 s"
    assert silence == {"file": str(folder / "silence.wav"), "error": "silent"}
    assert found["recordings_quartiles"]["log_mel_db"] == list(usual_ranges()["log_mel_db"])
    assert found["independent_signals"]["coherence_1024"] == pytest.approx(0.077, abs=1e-3)


def test_picture(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "pictures" / "out.png"
    main(["measure", str(folder / "noise.wav"), str(folder / "one second.wav"), "--picture", str(out)])
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_an_unknown_kind_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["measure", "nothing.wav", "--picture", str(tmp_path / "out.docx")])
    assert "ends in .png, .pdf, .svg" in capsys.readouterr().err


def test_imports_nothing_heavy(folder: Path) -> None:
    heavy = {
        "tensorflow",
        "mlflow",
        "dvc",
        "pandas",
        "librosa",
        "matplotlib",
        "pyloudnorm",
        "pydantic",
        "tqdm",
    }
    code = (
        "import sys; from mono2stereo.cli import main; main(sys.argv[1:]); "
        f"sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    )
    command = [sys.executable, "-c", code, "measure", str(folder / "one second.wav")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"})
    assert done.returncode == 0, done.stderr

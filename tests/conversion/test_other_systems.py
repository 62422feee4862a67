"""Stand-ins for what Windows and macOS do otherwise; for names see test_plan.py, for text test_output.py."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.conversion.formats import KINDS
from mono2stereo.conversion.options import FileOptions
from mono2stereo.decorrelators.haas import Haas
from mono2stereo.decorrelators.velvet import Velvet
from mono2stereo.errors import AudioError


@pytest.fixture
def held_files_stay(monkeypatch):
    """As on Windows: what is open can be neither replaced nor renamed nor removed."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("cannot tell which files are open")

    def guarded(function):
        def guard(*paths, **how):
            held = set(map(os.path.realpath, Path("/proc/self/fd").iterdir()))
            for path in paths:
                if os.path.realpath(path) in held:
                    raise PermissionError(errno.EACCES, "is used by this process", os.fspath(path))
            return function(*paths, **how)

        return guard

    for name in ("replace", "rename", "unlink", "remove"):
        monkeypatch.setattr(os, name, guarded(getattr(os, name)))


@pytest.mark.parametrize("suffix", sorted(KINDS))
def test_nothing_is_renamed_or_removed_while_it_is_open(suffix, tmp_path, held_files_stay):
    noise = 0.1 * np.random.default_rng(0).standard_normal((9000, 2))
    soundfile.write(tmp_path / "a.wav", noise, 48000)
    target = tmp_path / f"b{suffix}"
    target.write_bytes(b"old")
    force = FileOptions(force=True)
    convert_file(tmp_path / "a.wav", target, decorrelator=Velvet(), options=force)
    convert_file(target, tmp_path / f"c{suffix}", decorrelator=Haas(), options=force)
    kept = FileOptions(keep_if_stereo=True, force=True)
    convert_file(tmp_path / f"c{suffix}", tmp_path / f"d{suffix}", decorrelator=Velvet(), options=kept)
    noise[8000] = np.nan
    soundfile.write(tmp_path / "a.wav", noise, 48000, subtype="FLOAT")
    with pytest.raises(AudioError):
        convert_file(tmp_path / "a.wav", target, decorrelator=Velvet(), options=force)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", *(f"{x}{suffix}" for x in "bcd")]


def test_a_target_that_another_program_holds_is_one_line_and_stays(tmp_path, held_files_stay):
    soundfile.write(tmp_path / "a.wav", np.full(9000, 0.1), 48000)
    target = tmp_path / "b.wav"
    target.write_bytes(b"old")
    options = FileOptions(force=True)
    with target.open("rb"), pytest.raises(PermissionError) as error:
        convert_file(tmp_path / "a.wav", target, decorrelator=Velvet(), options=options)
    assert error.value.filename
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav"]


def test_width_curves_that_notepad_and_excel_saved_are_read(tmp_path):
    from mono2stereo.conversion.width_curve import WidthCurve

    (tmp_path / "curve.csv").write_bytes(
        b"\xef\xbb\xbffrequency_hz,side_to_mid_db\r\n100,-20\r\n1000,-10\r\n"
    )
    assert list(WidthCurve.read(tmp_path / "curve.csv").side_to_mid_db) == [-20, -10]

"""What `mono2stereo benchmark` refuses, and what it does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mono2stereo.cli import main


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere", "-o", "out"], "nowhere: no such folder"),
        ([".", "-o", "out"], "holds no WAV"),
        ([".", "other", "-o", "out"], "give one folder"),
        (["."], "give a folder for the results"),
        ([".", "-o", "out", "--method", "magic"], "--method magic: none of all, lauridsen"),
        ([".", "-o", "out", "--tool", "x"], "give name=command"),
        ([".", "-o", "out", "--tool", "x=cp {in} there"], "names {in} and {out}"),
        ([".", "-o", "out", "--tool", "x=cp {in} {out}", "--tool", "x=cp {in} {out}"], "is there twice"),
        ([".", "-o", "out", "--method", "haas", "--tool", "haas=cp {in} {out}"], "two methods have"),
        ([".", "-o", "out", "--model", "no.onnx"], "no.onnx: no such model file"),
        ([".", "-o", "out", "--stretches", "0"], "--stretches: at least 1"),
        (["compare", "one.json"], "compare takes two files"),
        (["compare", "one.json", "two.json"], "one.json: no such file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(
    arguments: list[str],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", *arguments])
    assert ended.value.code in (1, 2)
    said = capsys.readouterr().err
    assert line in said
    assert len(said.splitlines()) == 1


def test_training_is_not_needed():
    heavy = "{'tensorflow', 'keras', 'mlflow', 'dvc', 'librosa', 'pydantic', 'musdb', 'requests'}"
    modules = "mono2stereo.benchmark.run, mono2stereo.benchmark.comparing"
    code = f"import sys, {modules}; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

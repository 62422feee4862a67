"""`make clean` and `make distclean` delete what we made, all of it, and nothing that people put beside it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PEOPLES = [
    "data/my band/take 1.wav",
    "data/raw/concerts/1.flac",
    "data/notes.txt",
    "models/mine.onnx",
    "reports/model/test/report.md",
    "dvc.lock",
    "params.yaml",
]
LEFT_BY_CLEAN = [
    "data/raw/musdb18hq/train/a.wav",
    "data/raw/musdb18-sample/a.mp4",
    ".dvc/cache/files/md5/00/a",
    ".venv/bin/python",
    "mlflow.db",
    "mlartifacts/1/a",
    ".mlflow-spool/a",
]


def outs() -> set[str]:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {out for stage in stages.values() for out in stage["outs"]}


MADE = [
    *(name if Path(name).suffix else f"{name}/a" for name in sorted(outs())),
    "data/raw/demo/a.wav",
    "data/finished_tracks/0123/a.npy",
    ".resume/finished/0123/step-0000001/facts.json",
    ".evaluated/0123.npz",
    "reports/compare/a.png",
    "build/mutants/a",
]


@pytest.mark.parametrize(
    ("target", "gone", "left"),
    [("clean", MADE, [*PEOPLES, *LEFT_BY_CLEAN]), ("distclean", [*MADE, *LEFT_BY_CLEAN], PEOPLES)],
)
def test_what_we_made_goes_and_what_people_put_there_stays(
    tmp_path: Path, target: str, gone: list[str], left: list[str]
) -> None:
    copy = tmp_path / "my copy"
    for name in (*gone, *left):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(name)
    shutil.copy(ROOT / "Makefile", copy)
    subprocess.run(["make", "--silent", target], cwd=copy, check=True)
    assert sorted(str(file.relative_to(copy)) for file in copy.rglob("*") if file.is_file()) == sorted(
        ["Makefile", *left]
    )

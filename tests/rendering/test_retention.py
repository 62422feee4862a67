"""The WAVs of a run stay in bounds, whatever was rendered."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mono2stereo.rendering.retention import audio_to_keep

BYTES = 100  # of every file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("rendered")
    (made / "sound.wav").write_bytes(b"0" * BYTES)
    return made


def rendering(excerpts: int, checkpoints: int) -> list[Any]:
    file = Path("sound.wav")
    steps = range(50, 50 * checkpoints + 1, 50)
    every = [SimpleNamespace(step=step, mono=file, stereo=file) for step in steps]
    return [SimpleNamespace(original=file, checkpoints=every) for _ in range(excerpts)]


@settings(max_examples=60)
@given(st.integers(1, 12), st.integers(1, 60), st.integers(1, 12), st.integers(0, 100 * BYTES))
def test_bounds_hold(folder: Path, excerpts: int, checkpoints: int, most: int, room: int) -> None:
    kept = audio_to_keep(rendering(excerpts, checkpoints), folder, most_checkpoints=most, most_bytes=room)
    assert len(kept.steps) <= most
    assert kept.excerpts * (1 + 2 * len(kept.steps)) * BYTES <= room
    if room >= 3 * BYTES:
        assert kept.excerpts >= 1
        assert 50 * checkpoints in kept.steps


def test_by_default_ten_checkpoints_of_all_excerpts(folder: Path) -> None:
    kept = audio_to_keep(rendering(3, 40), folder)
    assert (kept.excerpts, sorted(kept.steps)) == (3, list(range(200, 2001, 200)))
    assert audio_to_keep(rendering(3, 4), folder).steps == {50, 100, 150, 200}

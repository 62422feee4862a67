"""Studios for tests, and what they play."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tabs import Studio, Tab, recording


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A short recording and a long one."""
    folder = tmp_path_factory.mktemp("sounds")
    return [recording(folder / "short.wav"), recording(folder / "long.wav", 100.0)]


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory, sounds: list[Path]) -> Iterator[Studio]:
    """One for all tests that do not end it; it offers the short recording and the long one."""
    started = Studio(tmp_path_factory.mktemp("studio"), *sounds)
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def _nothing_kept(studio: Studio) -> None:
    """What a test before set is not what the next one begins with."""
    studio.kept.unlink(missing_ok=True)


@pytest.fixture
def tab(studio: Studio) -> Iterator[Tab]:
    """Closed in the end."""
    opened = Tab(studio)
    yield opened
    opened.socket.close()


@pytest.fixture
def own_studio(tmp_path: Path, sounds: list[Path]) -> Iterator[Studio]:
    """To be ended by a test."""
    started = Studio(tmp_path, *sounds)
    yield started
    if started.process.poll() is None:
        started.stop()

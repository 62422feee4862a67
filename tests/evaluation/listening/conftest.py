from __future__ import annotations

from pathlib import Path

import pytest
from small_page import write_small_page


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a page of two excerpts."""
    folder = tmp_path_factory.mktemp("listening") / "listen"
    write_small_page(folder)
    return folder

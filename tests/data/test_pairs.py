from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mono2stereo.data.pairs import PairEntry, load_natural, load_pairs, write_index
from mono2stereo.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train").mkdir()
    np.save(tmp_path / "train" / "a.npy", np.ones((100, 2), np.float32))
    write_index(tmp_path, 22050, [PairEntry("a", "train", "train/a.npy", 100, -6.0, [1.0] * 80, [0.5] * 80)])
    return tmp_path


def test_reads_what_was_written(folder: Path) -> None:
    (pair,) = load_pairs(folder, "train")
    assert (pair.name, pair.split, pair.sample_rate, pair.side_to_mid_db) == ("a", "train", 22050, -6.0)
    assert pair.mid_side.shape == (100, 2)
    assert not pair.mid_side.flags.writeable
    assert pair.side_level_bands.dtype == np.float32


def test_missing_or_damaged_is_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no track in the split 'test'"):
        load_pairs(folder, "test")
    np.save(folder / "train" / "a.npy", np.ones((90, 2), np.float32))
    with pytest.raises(DataError, match=r"a\.npy: not the float32 \(100, 2\)"):
        load_pairs(folder, "train")
    (folder / "train" / "a.npy").write_bytes(b"short")
    with pytest.raises(DataError, match=r"a\.npy: missing or damaged"):
        load_pairs(folder, "train")
    (folder / "index.json").write_text('{"natural": {"width": 1}}')
    with pytest.raises(DataError, match=r"index\.json: damaged"):
        load_natural(folder)
    (folder / "index.json").write_text("{}")
    assert load_natural(folder) is None
    with pytest.raises(DataError, match=r"index\.json: damaged"):
        load_pairs(folder, "train")
    with pytest.raises(DataError, match="run the stage preprocess first"):
        load_pairs(tmp_path / "absent", "train")

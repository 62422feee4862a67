import numpy as np
import pandas as pd
import pytest

from mono2stereo.evaluation.nearest import against_nearest, better
from mono2stereo.evaluation.points import MODEL, OWN_SIDE
from mono2stereo.measures import MEASURES, SWEPT


def stretches(
    settings: dict[tuple[str, str], dict[str, float]], tracks: int = 6, count: int = 3
) -> pd.DataFrame:
    """Every setting's values on every stretch, shifted by what the stretch adds to all of them."""
    random = np.random.default_rng(0)
    rows = []
    for track in range(tracks):
        for stretch in range(count):
            added = random.normal(0, 1)
            for (method, setting), given in settings.items():
                values = dict.fromkeys(SWEPT, 1.0) | given
                values |= {name: value + added for name, value in values.items() if "coherence" not in name}
                place = {"track": f"track {track}", "stretch": f"{track} {stretch}", "in_full": True}
                rows.append({**place, "method": method, "setting": setting, **values})
    return pd.DataFrame(rows).reindex(columns=["track", "stretch", "method", "setting", "in_full", *MEASURES])


SETTINGS = {
    (MODEL, "step-9"): {"coherence_1024": 0.3, "log_mel_db": 4.0, "onset_correlation": 0.6, "own_mel": 1.5},
    (OWN_SIDE, OWN_SIDE): {"coherence_1024": 0.3, "log_mel_db": 0.0},
    ("echo", "echo-1"): {"coherence_1024": 0.9, "log_mel_db": 1.0, "onset_correlation": 0.9},
    ("echo", "echo-2"): {"coherence_1024": 0.35, "log_mel_db": 4.5, "onset_correlation": 0.2, "own_mel": 1.4},
    ("blur", "blur-1"): {"coherence_1024": 0.28, "log_mel_db": 3.0, "onset_correlation": 0.5, "own_mel": 1.7},
}


def test_the_nearest_setting_is_compared_on_the_same_stretches() -> None:
    rows = against_nearest(stretches(SETTINGS), 1024, seed=0).set_index("method")
    assert list(rows["setting"]) == ["echo-2", "blur-1"]
    assert rows.at["echo", "coherence"] == pytest.approx(0.35)
    assert rows.at["echo", "model_coherence"] == pytest.approx(0.3)
    # What a stretch adds to all cancels: the interval of a constant difference has no width.
    for end in ("", "_low", "_high"):
        assert rows.at["echo", f"log_mel_db{end}"] == pytest.approx(-0.5)
        assert rows.at["blur", f"onset_correlation{end}"] == pytest.approx(0.1)


def test_better_knows_which_way_is_better() -> None:
    rows = against_nearest(stretches(SETTINGS), 1024, seed=0).set_index("method")
    assert better(rows, "log_mel_db").to_dict() == {"echo": True, "blur": False}
    assert better(rows, "onset_correlation", surely=True).to_dict() == {"echo": True, "blur": True}
    assert better(rows, "own_mel").to_dict() == {"echo": False, "blur": True}


def test_an_interval_over_zero_is_not_sure() -> None:
    frame = stretches(SETTINGS)
    blurred = frame["method"] == "echo"
    frame.loc[blurred, "log_mel_db"] += np.random.default_rng(1).normal(0, 5, blurred.sum())
    rows = against_nearest(frame, 1024, seed=0)
    assert not better(rows, "log_mel_db", surely=True).any()


def test_methods_without_coherence_are_left_out() -> None:
    frame = stretches(SETTINGS)
    frame.loc[frame["method"] == "echo", "coherence_1024"] = np.nan
    assert list(against_nearest(frame, 1024, seed=0)["method"]) == ["blur"]
    frame["coherence_1024"] = np.nan
    nothing = against_nearest(frame, 1024, seed=0)
    assert nothing.empty
    assert list(nothing) == ["frame_length", "method", "setting", "coherence", "model_coherence"]

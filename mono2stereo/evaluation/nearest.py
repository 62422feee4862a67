"""The model against classical methods where they are as incoherent: the fair place to compare timbre."""

from __future__ import annotations

import pandas as pd

from mono2stereo.evaluation.points import MODEL, NOT_CLASSICAL
from mono2stereo.paired_statistics import nested_interval

# At the setting of each classical method that is nearest in coherence; whether lower is better.
LOWER_IS_BETTER = {"log_mel_db": True, "onset_correlation": False, "own_mel": True, "own_stft": True}


def against_nearest(stretches: pd.DataFrame, frame_length: int, *, seed: int) -> pd.DataFrame:
    """A row per classical method: its setting nearest in coherence, and the model's differences from it.

    Args:
        stretches: a row per stretch and setting, from `tables.per_stretch`.
        frame_length: of the coherence, samples.
        seed: of the bootstrap.

    Returns:
        frame_length, method, setting, coherence (its), model_coherence, and of every measure of
        LOWER_IS_BETTER the model's mean minus the setting's on the same stretches, `<measure>`, with its
        95 % interval over tracks and stretches, `<measure>_low` and `<measure>_high`. Methods without any
        coherence are left out, and all of them when the model has none.
    """
    coherence = f"coherence_{frame_length}"
    means = stretches.groupby(["method", "setting", "track"], sort=False)[coherence].mean()
    means = means.groupby(level=["method", "setting"], sort=False).mean()
    model = _of_model(stretches)
    model_coherence = model.groupby("track")[coherence].mean().mean()
    rows = []
    for method in means.index.unique("method").drop(list(NOT_CLASSICAL), errors="ignore"):
        away = (means[method] - model_coherence).abs().dropna()
        if away.empty:
            continue
        setting = away.idxmin()
        row: dict[str, object] = {"frame_length": frame_length, "method": method, "setting": setting}
        row |= {"coherence": means[method, setting], "model_coherence": model_coherence}
        rows.append(row | differences(stretches, method, setting, seed=seed))
    columns = ["frame_length", "method", "setting", "coherence", "model_coherence"]
    return pd.DataFrame(rows, columns=rows[0] if rows else columns)


def better(rows: pd.DataFrame, measure: str, *, surely: bool = False) -> pd.Series:
    """Whether the model is better by `measure` in each row of `against_nearest`.

    `surely`: whether the whole interval says so.
    """
    lower = LOWER_IS_BETTER[measure]
    end = ("_high" if lower else "_low") if surely else ""
    difference = rows[measure + end]
    return difference < 0 if lower else difference > 0


def differences(stretches: pd.DataFrame, method: str, setting: str, *, seed: int) -> dict[str, float]:
    """The model's mean minus a setting's on the same stretches, with its interval, for LOWER_IS_BETTER."""
    model = _of_model(stretches).set_index(["track", "stretch"])
    other = stretches[(stretches["method"] == method) & (stretches["setting"] == setting)]
    other = other.set_index(["track", "stretch"])
    with_intervals: dict[str, float] = {}
    for measure in LOWER_IS_BETTER:
        by_track = (model[measure] - other[measure]).groupby(level="track", sort=False)
        ends = nested_interval([values.to_numpy() for _, values in by_track], seed=seed)
        with_intervals |= dict(zip((measure, f"{measure}_low", f"{measure}_high"), ends, strict=True))
    return with_intervals


def _of_model(stretches: pd.DataFrame) -> pd.DataFrame:
    return stretches[(stretches["method"] == MODEL) & stretches["in_full"]]

"""Which settings are as natural as the model: only there does a lower distance make a method better.

Natural is what the recordings' own sides do, their mean over the split. By figure, a setting's distance from
it is how far it lies above (coherence at each window, the largest correlation over lags, haze: less is no
fault) or away on either side (movement: less is a fault too). A setting is as natural as the model where that
distance is no larger than the model's, or within 15 % of the own sides' figure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mono2stereo.dsp.movement import FIGURES
from mono2stereo.evaluation.nearest import differences
from mono2stereo.evaluation.points import MODEL, NOT_CLASSICAL, OWN_SIDE

WITHIN = 0.15
GROUPS: Mapping[str, tuple[str, ...]] = {
    "coherence": ("coherence_1024", "coherence_4096", "coherence_16384"),
    "lag": ("largest_correlation",),
    "haze": ("haze_db",),
    "movement": FIGURES,
}
NATURAL = [figure for group in GROUPS.values() for figure in group]
ROUNDING = 1e-9


def less_natural(settings: pd.DataFrame, reference: str | None = MODEL) -> pd.DataFrame:
    """Whether each setting is less natural than a reference, by figure.

    Args:
        settings: from `tables.trade_off`: a row per method and setting.
        reference: a method, at its last row; None: nothing but the 15 % is allowed.

    Returns:
        Of bool, a row per setting, a column per figure. A figure that the own sides do not have is nobody's
        fault; one that a setting does not have is its own.
    """
    own = _last(settings, OWN_SIDE)
    faults = {}
    for figure in NATURAL:
        allowed = WITHIN * own[figure]
        if reference is not None:
            allowed = np.fmax(_distance(_last(settings, reference)[figure], own[figure], figure), allowed)
        faults[figure] = ~(_distance(settings[figure], own[figure], figure) <= allowed + ROUNDING)
        faults[figure] &= not np.isnan(own[figure])
    return pd.DataFrame(faults, index=settings.index)


def off_nature(settings: pd.DataFrame) -> list[str]:
    """Figures in which the model lies more than 15 % of the own sides' away from them."""
    faults = less_natural(settings, None)[settings["method"] == MODEL].iloc[-1]
    return [figure for figure in NATURAL if faults[figure]]


def in_csv(faults: pd.DataFrame) -> list[str]:
    """`less_natural` as one text per setting: the figures' names, spaces between.

    >>> in_csv(pd.DataFrame({"haze_db": [True, False], "level_difference_db": [True, False]}))
    ['haze_db level_difference_db', '']
    """
    return [" ".join(faults.columns[row]) for row in faults.to_numpy(bool)]


def letters(unnatural: str) -> str:
    """First letters of the groups that such a text names.

    >>> letters("coherence_4096 haze_db level_difference_db")
    'chm'
    """
    named = set(unnatural.split())
    return "".join(group[0] for group, measures in GROUPS.items() if named & set(measures))


def rivals(
    stretches: pd.DataFrame, trade_off: pd.DataFrame, left_out: Collection[str], *, seed: int
) -> pd.DataFrame:
    """A row per classical setting that is as natural as the model in every figure.

    Args:
        stretches: a row per stretch and setting, from `tables.per_stretch`.
        trade_off: a row per setting, with `unnatural` from `in_csv`.
        left_out: methods that are no like, since they change the mid.
        seed: of the bootstrap.

    Returns:
        method, setting, and the model's differences from it as in `nearest.against_nearest`.
    """
    classical = trade_off[~trade_off["method"].isin([*NOT_CLASSICAL, *left_out])]
    natural = classical.loc[classical["unnatural"] == "", ["method", "setting"]]
    rows = [
        {"method": method, "setting": setting} | differences(stretches, method, setting, seed=seed)
        for method, setting in natural.itertuples(index=False)
    ]
    return pd.DataFrame(rows, columns=rows[0] if rows else ["method", "setting"])


def _last(settings: pd.DataFrame, method: str) -> pd.Series:
    return settings[settings["method"] == method].iloc[-1]


def _distance(value: Any, own: float, figure: str) -> Any:
    away = value - own
    return np.abs(away) if figure in GROUPS["movement"] else np.maximum(away, 0.0)

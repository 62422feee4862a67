"""From results per stretch to the tables of the report: per track, per method, paired, swept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mono2stereo.dsp.signals import mean_defined
from mono2stereo.evaluation.points import MID, MODEL, NOT_CLASSICAL, Result
from mono2stereo.measures import COMPARED, MEASURES, SWEPT, in_words
from mono2stereo.measures.side_analysis import curve_axes
from mono2stereo.paired_statistics import holm, mean_interval, paired_p_value

KEYS = ("track", "stretch", "method", "setting", "in_full")
RESAMPLES_OF_MARGIN = 1000


@dataclass(frozen=True)
class Margin:
    """How far the model's log-mel distance lies below the best classical one that is as incoherent.

    Attributes:
        frame_length: of the coherence, samples.
        coherence: the model's.
        log_mel_db: the model's.
        classical_log_mel_db: lowest at a coherence no higher than the model's; inf: none is as incoherent.
        margin_db: the difference, positive where the model is better.
        low_db: lower end of the margin's 95 % bootstrap interval over tracks.
        high_db: upper end.
    """

    frame_length: int
    coherence: float
    log_mel_db: float
    classical_log_mel_db: float
    margin_db: float
    low_db: float
    high_db: float


def per_stretch(results: Sequence[Result]) -> pd.DataFrame:
    """A row per stretch and setting: track, stretch, method, setting, in_full, each measure; NaN: missing."""
    rows = [
        {name: getattr(result, name) for name in KEYS} | result.readings.values
        for result in results
        if result.method != MID
    ]
    return pd.DataFrame(rows, columns=[*KEYS, *MEASURES])


def per_track(
    stretches: pd.DataFrame, results: Sequence[Result], left_out: Mapping[str, str], groups: Mapping[str, str]
) -> pd.DataFrame:
    """A row per track and method: group, stretches, each measure's mean over them, why others are missing.

    Args:
        stretches: from `per_stretch`.
        results: where the reasons are.
        left_out: by track that was not measured at all, why.
        groups: by track.
    """
    grouped = stretches[stretches["in_full"]].groupby(["track", "method"], sort=False)
    means = grouped[list(MEASURES)].mean()
    means.insert(0, "stretches", grouped.size())
    reasons: dict[tuple[str, str], dict[str, str]] = {}
    for result in results:
        if result.in_full:
            reasons.setdefault((result.track, result.method), {}).update(result.readings.reasons)
    means["reason"] = [
        in_words({name: why for name, why in reasons[key].items() if np.isnan(row[name])})
        for key, row in means.iterrows()
    ]
    tracks = means.reset_index()
    unmeasured = [
        {"track": track, "method": method, "stretches": 0, "reason": f"nothing: {reason}"}
        for track, reason in left_out.items()
        for method in tracks["method"].unique()
    ]
    tracks = pd.DataFrame([*tracks.to_dict("records"), *unmeasured], columns=tracks.columns)
    tracks.insert(1, "group", [groups.get(track, "") for track in tracks["track"]])
    return tracks


def gaps(tracks: pd.DataFrame) -> pd.DataFrame:
    """A row per reason for what is missing: reason, methods, tracks (how many)."""
    every = set(tracks["method"])
    rows = [
        {
            "reason": reason,
            "methods": "all" if set(missing["method"]) == every else ", ".join(missing["method"].unique()),
            "tracks": missing["track"].nunique(),
        }
        for reason, missing in tracks[tracks["reason"] != ""].groupby("reason", sort=False)
    ]
    return pd.DataFrame(rows, columns=["reason", "methods", "tracks"])


def per_method(tracks: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """A row per method: tracks, and each measure's mean over them with its 95 % bootstrap interval.

    Columns are `<measure>`, `<measure>_low` and `<measure>_high`; the model is first, then the own side.
    """
    rows = []
    for method, values in tracks.groupby("method", sort=False):
        measured = values[list(MEASURES)].notna().any(axis=1)
        row: dict[str, object] = {"method": method, "tracks": int(measured.sum())}
        for measure in MEASURES:
            ends = mean_interval(values[measure], seed=seed)
            row.update(zip((measure, f"{measure}_low", f"{measure}_high"), ends, strict=True))
        rows.append(row)
    return pd.DataFrame(rows).set_index("method")


def per_group(tracks: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """`per_method` within each group of tracks, index group and method; empty where all are of one group."""
    groups = {group: values for group, values in tracks.groupby("group", sort=True) if group}
    if len(groups) < 2:
        return pd.DataFrame()
    return pd.concat(
        {group: per_method(values, seed=seed) for group, values in groups.items()}, names=["group"]
    )


def against(reference: str, tracks: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """A row per other method and measure: the reference's mean minus the method's, on the same tracks.

    Columns: method, measure, difference, low, high (95 %), p (Wilcoxon), p_holm (over one measure's methods).
    """
    wide = tracks.pivot(index="track", columns="method", values=list(MEASURES))
    others = [method for method in tracks["method"].unique() if method != reference]
    families = []
    for measure in COMPARED:
        rows = []
        for method in others:
            ours, other = wide[measure, reference].to_numpy(), wide[measure, method].to_numpy()
            difference, low, high = mean_interval(ours - other, seed=seed)
            p_value = paired_p_value(ours, other)
            rows.append((method, measure, difference, low, high, p_value))
        family = pd.DataFrame(rows, columns=["method", "measure", "difference", "low", "high", "p"])
        families.append(family.assign(p_holm=holm(family["p"])))
    return pd.concat(families, ignore_index=True)


def swept(stretches: pd.DataFrame) -> pd.DataFrame:
    """A row per track and setting, in sweep order: what is measured at every setting."""
    columns = ["track", "method", "setting"]
    return stretches[[*columns, *SWEPT]].groupby(columns, sort=False).mean().reset_index()


def trade_off(sweeps: pd.DataFrame) -> pd.DataFrame:
    """Means over tracks of `swept`: a row per setting, in sweep order."""
    means = sweeps.drop(columns="track").groupby(["method", "setting"], sort=False).mean()
    return means.reset_index()


def margin(sweeps: pd.DataFrame, frame_length: int, *, seed: int) -> Margin:
    """Compare the model's log-mel with the classical methods' at its coherence, along their sweeps."""
    settings = sweeps[["method", "setting"]].drop_duplicates()
    classical = settings[~settings["method"].isin(NOT_CLASSICAL)]
    model = settings[settings["method"] == MODEL].iloc[-1]
    points = {
        measure: sweeps.pivot(index="track", columns=["method", "setting"], values=measure)
        for measure in (f"coherence_{frame_length}", "log_mel_db")
    }
    # (2, tracks): the model; and by method (2, tracks, settings): coherence and log-mel.
    own = np.stack([points[measure][model["method"], model["setting"]] for measure in points])
    curves = [
        np.stack([points[measure][list(map(tuple, sweep.to_numpy()))] for measure in points])
        for _, sweep in classical.groupby("method", sort=False)
    ]

    def means(times: np.ndarray) -> Iterator[tuple[float, float, float]]:
        """For each row of how often every track counts: the model's means, and the best classical log-mel."""
        sweeps_of = [_means_over_tracks(curve, times) for curve in curves]
        for draw, (coherence, log_mel) in enumerate(_means_over_tracks(own, times)):
            reached = [lowest_along(sweep[draw, 0], sweep[draw, 1], coherence) for sweep in sweeps_of]
            yield float(coherence), float(log_mel), min(reached, default=np.inf)

    tracks = np.arange(own.shape[1])
    coherence, log_mel, best = next(means(np.ones((1, len(tracks)))))
    drawn = np.random.default_rng(seed).integers(len(tracks), size=(RESAMPLES_OF_MARGIN, len(tracks)))
    times = np.count_nonzero(drawn[..., np.newaxis] == tracks, axis=1)
    differences = [best_of - log_mel_of for _, log_mel_of, best_of in means(times)]
    # Order statistics: interpolation would make NaN of infinite margins.
    low, high = np.sort(differences)[np.round(np.array([0.025, 0.975]) * (len(drawn) - 1)).astype(int)]
    return Margin(frame_length, coherence, log_mel, best, best - log_mel, float(low), float(high))


def _means_over_tracks(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(2, tracks, …) → (draws, 2, …): means of what is defined, each track as often as its row says."""
    defined = ~np.isnan(values)
    sums = (np.tensordot(times, x, (1, 1)) for x in (np.where(defined, values, 0.0), defined.astype(float)))
    with np.errstate(invalid="ignore"):
        return next(sums) / next(sums)


def lowest_along(coherence: np.ndarray, log_mel_db: np.ndarray, highest_coherence: float) -> float:
    """Lowest log-mel on the line through a sweep's points where coherence is low enough; inf: nowhere.

    >>> lowest_along(np.array([0.9, 0.5]), np.array([1.0, 3.0]), 0.6)
    2.5
    """
    inside = coherence <= highest_coherence
    lowest = np.min(log_mel_db[inside], initial=np.inf)
    for left in np.flatnonzero(inside[:-1] != inside[1:]):
        share = (highest_coherence - coherence[left]) / (coherence[left + 1] - coherence[left])
        lowest = min(lowest, log_mel_db[left] + share * (log_mel_db[left + 1] - log_mel_db[left]))
    return float(lowest)


def mean_curves(results: Sequence[Result], sample_rate: int) -> dict[str, pd.DataFrame]:
    """By curve: index its axis, a column per method; means over the tracks' means."""
    curves = {}
    for name, (axis_name, axis) in curve_axes(sample_rate).items():
        by_track: dict[str, dict[str, list[np.ndarray]]] = {}
        for result in results:
            if name in result.curves:
                tracks = by_track.setdefault(result.method, {})
                tracks.setdefault(result.track, []).append(result.curves[name])
        curves[name] = pd.DataFrame(
            {
                method: mean_defined([mean_defined(each) for each in tracks.values()])
                for method, tracks in by_track.items()
            },
            index=pd.Index(axis, name=axis_name),
        )
    return curves

"""The pictures of the evaluation report, each drawn from a table that lies beside it as CSV.

Colours tell apart under the common colour vision deficiencies (P. Tol's "muted" scheme for the classical
methods, his "vibrant" orange for the model, black for nature); dashes and markers repeat what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from mono2stereo.evaluation.markdown import hertz
from mono2stereo.evaluation.naturalness import GROUPS, letters
from mono2stereo.evaluation.points import DEFAULT_MODEL, MID, MODEL, NOT_CLASSICAL, OWN_SIDE
from mono2stereo.pictures import GREY, STYLE, frequency_axis, new_figure

MUTED = ("#332288", "#88CCEE", "#117733", "#DDCC77", "#882255", "#44AA99", "#CC6677", "#999933", "#AA4499")
MARKERS = "sD^vPX<>p"
DASHES = ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1.5, 1.2)))
WIDEST_DIFFERENCE_DB = 30.0
CORNERS = ((6, 5), (6, -12), (6, 16), (6, -23))  # of a point, in points: names of near ones stay apart


def draw_trade_off(
    points: pd.DataFrame,
    floors: Mapping[int, float],
    file: Path,
    *,
    joined: bool = True,
    reference: str = "the model",
) -> None:
    """Timbre kept against coherence left: every method's sweep, the model's checkpoints, nature.

    Args:
        points: columns method, setting, coherence_<frame length>…, log_mel_db and, if known, `unnatural`, the
            figures in which a setting is less natural than the reference; in sweep order.
        floors: coherence of independent signals, by frame length.
        file: PNG to write.
        joined: Whether the model's points are one path; otherwise they are runs, each with its name.
        reference: What hollow points are less natural than.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(5 * len(floors) + 1, 6.5)
        panels = figure.subplots(1, len(floors), sharey=True, squeeze=False)[0]
        for axes, (frame_length, floor) in zip(panels, floors.items(), strict=True):
            for method, sweep in points.groupby("method", sort=False):
                classical = _classical(points["method"])
                apart = method == MODEL and not joined
                _draw_sweep(axes, method, sweep, f"coherence_{frame_length}", classical, apart=apart)
            axes.axvline(floor, color=GREY, linestyle=":", linewidth=1.2)
            axes.annotate(
                "independent signals", xy=(floor, 0.97), xycoords=("data", "axes fraction"), xytext=(-3, 0),
                textcoords="offset points", rotation=90, va="top", ha="right", color=GREY, fontsize=8,
            )  # fmt: skip
            axes.set(
                xlim=(0, 1.3),  # room for the names of almost copies
                xticks=[0, 0.2, 0.4, 0.6, 0.8, 1],
                xlabel="coherence of mid and side (1 = copy)",
                title=f"frames of {frame_length} samples",
            )
        panels[0].set_ylabel("log-mel distance of side from mid (dB)")
        panels[0].set_ylim(bottom=0)
        title = "Less coherence costs timbre: further down and left is better"
        if "unnatural" in points:
            named = ", ".join(f"{group[0]} {group}" for group in GROUPS)
            title += f", where a point is filled; hollow: less natural than {reference} in {named}"
        figure.suptitle(title)
        _save(figure, panels[0], file)


def draw_runs(runs: pd.DataFrame, points: pd.DataFrame, floors: Mapping[int, float], file: Path) -> None:
    """One point per run among the classical methods' sweeps and nature.

    Args:
        runs: index name; columns coherence_<frame length>…, log_mel_db.
        points: as in `draw_trade_off`; the model's own sweep is left out.
        floors: coherence of independent signals, by frame length.
        file: PNG to write.
    """
    named = runs.reset_index(names="setting").assign(method=MODEL)
    others = points[points["method"] != MODEL].drop(columns="unnatural", errors="ignore")
    draw_trade_off(pd.concat([others, named]), floors, file, joined=False)


def draw_coherence(curves: Mapping[int, pd.DataFrame], floors: Mapping[int, float], file: Path) -> None:
    """Coherence over frequency, one panel per frame length.

    Args:
        curves: by frame length: index frequency_hz, a column per method.
        floors: coherence of independent signals, by frame length.
        file: PNG to write.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(5 * len(curves) + 1, 6)
        panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
        for axes, (frame_length, curve) in zip(panels, curves.items(), strict=True):
            axes.axhline(
                floors[frame_length], color=GREY, linestyle=":", linewidth=1.2, label="independent signals"
            )
            _draw_curves(axes, curve)
            frequency_axis(axes, curve.index)
            axes.set(ylim=(0, 1.02), title=f"frames of {frame_length} samples")
        panels[0].set_ylabel("coherence of mid and side (1 = copy)")
        figure.suptitle("Coherence per mel band")
        _save(figure, panels[0], file)


def draw_levels(levels: pd.DataFrame, file: Path) -> None:
    """Third-octave levels from DC to Nyquist, and each side's difference from the mid.

    Args:
        levels: index frequency_hz (0 for the band from DC), columns mid and one per method, dB.
        file: PNG to write.
    """
    dc_hz = levels.index[1] / 2 ** (2 / 3)  # where a logarithmic axis shows the band from DC
    shown = levels.rename(index={levels.index[0]: dc_hz})
    with matplotlib.rc_context(STYLE):
        figure = new_figure(10, 8.5)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        _draw_curves(upper, shown)
        _draw_curves(lower, shown.drop(columns=MID).sub(shown[MID], axis=0))
        upper.set(ylabel="level of the band (dB re the whole mid)")
        lower.set(ylabel="side − mid (dB)")
        lower.axhline(0, color=GREY, linewidth=1)
        lowest, highest = lower.get_ylim()
        lower.set_ylim(max(lowest, -WIDEST_DIFFERENCE_DB), min(highest, WIDEST_DIFFERENCE_DB))
        frequency_axis(lower, shown.index, first="0–30")
        figure.suptitle("Long-term third-octave levels, each side brought to the mid's level")
        _save(figure, upper, file)


def draw_correlogram(correlation: pd.DataFrame, file: Path) -> None:
    """Correlation of side and mid over lag, a panel per method: an echo is a peak.

    Args:
        correlation: index lag_ms (positive where the side comes later), a column per method.
        file: PNG to write.
    """
    classical = _classical(correlation.columns)
    with matplotlib.rc_context(STYLE):
        columns = 3
        rows = -(-len(correlation.columns) // columns)
        figure = new_figure(12, 2.2 * rows + 1.2)
        panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
        for axes, method in zip(panels, correlation, strict=False):
            axes.fill_between(correlation.index, correlation[method], color=_look(method, classical)["color"])
            axes.set_title(method)
        for axes in panels[len(correlation.columns) :]:
            axes.set_visible(False)
        for axes in panels[len(correlation.columns) - columns : len(correlation.columns)]:
            axes.tick_params(labelbottom=True)
        panels[0].set(xlim=(correlation.index[0], correlation.index[-1]), ylim=(0, 1.02))
        figure.supxlabel("lag of the side behind the mid (ms)")
        figure.supylabel("largest |r| per millisecond")
        figure.suptitle("Correlation of mid and side over lag: peaks are echoes")
        _save(figure, None, file)


def draw_octaves(largest: pd.DataFrame, at_zero: pd.DataFrame, file: Path) -> None:
    """Correlation of side and mid per octave: the largest over lags, and at lag 0.

    Args:
        largest: index frequency_hz, a column per method.
        at_zero: the same.
        file: PNG to write.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(12, 6)
        panels = figure.subplots(1, 2, sharey=True)
        names = ("largest within ±120 ms", "at lag 0")
        for axes, curves, name in zip(panels, (largest, at_zero), names, strict=True):
            _draw_curves(axes, curves, marker="o", markersize=4)
            axes.set_xscale("log")
            axes.set_xticks(curves.index, map(hertz, curves.index))
            axes.minorticks_off()
            axes.set(ylim=(0, 1.02), title=name, xlabel="octave")
        panels[0].set_ylabel("|r| of mid and side (1 = copy)")
        figure.suptitle("Correlation per octave: narrow bands and steady tones agree at some lag by chance")
        _save(figure, panels[0], file)


def _draw_sweep(
    axes: Axes, method: str, sweep: pd.DataFrame, x: str, classical: list[str], *, apart: bool = False
) -> None:
    sweep = sweep.dropna(subset=[x, "log_mel_db"])
    if sweep.empty:
        return
    look = _look(method, classical)
    marker = {MODEL: "o", DEFAULT_MODEL: "P", OWN_SIDE: "*"}.get(method) or _marker(classical.index(method))
    size = {MODEL: 6, DEFAULT_MODEL: 11, OWN_SIDE: 15}.get(method, 5)
    if apart:
        look["linestyle"] = ""
    if method == OWN_SIDE:
        look["zorder"] = 7  # no name covers it
    (line,) = axes.plot(sweep[x], sweep["log_mel_db"], label=method, marker=marker, markersize=size, **look)
    if "unnatural" in sweep and method not in NOT_CLASSICAL:
        _mark_unnatural(axes, sweep, x, line)
    if method in (DEFAULT_MODEL, OWN_SIDE):
        return
    # The end that is almost a copy is crowded: of a classical method the other one has its setting's name.
    last = len(sweep) - 1
    for place in range(len(sweep)) if apart else {0, last} if method == MODEL else {last}:
        point = sweep.iloc[place]
        swept = point["setting"] if apart else re.sub(r"^\D+", "", point["setting"])
        to_left = method == MODEL and not apart  # the others' names stand to the right
        axes.annotate(
            swept, (point[x], point["log_mel_db"]),
            xytext=(-8, -3) if to_left else CORNERS[place % len(CORNERS)] if apart else CORNERS[0],
            ha="right" if to_left else "left",
            textcoords="offset points", color=look["color"], fontsize=8, zorder=6,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip


def _marker(place: int) -> str:
    """Another pair of colour and marker for each of many methods, as often as colours begin anew."""
    return MARKERS[(place + place // len(MUTED)) % len(MARKERS)]


def _mark_unnatural(axes: Axes, sweep: pd.DataFrame, x: str, line: Line2D) -> None:
    """Hollow points with the letters of what is less natural than the model's."""
    hollow = sweep[sweep["unnatural"].fillna("") != ""]
    axes.plot(
        hollow[x], hollow["log_mel_db"], linestyle="", marker=line.get_marker(), color=line.get_color(),
        markersize=line.get_markersize(), markerfacecolor="white", zorder=line.get_zorder() + 0.5,
    )  # fmt: skip
    for _, point in hollow.iterrows():
        axes.annotate(
            letters(point["unnatural"]), (point[x], point["log_mel_db"]), xytext=(0, -9),
            ha="center", textcoords="offset points", color=line.get_color(), fontsize=5.5, zorder=6,
        )  # fmt: skip


def _draw_curves(axes: Axes, curves: pd.DataFrame, **points: Any) -> None:
    classical = _classical(curves.columns)
    for method in curves:
        axes.plot(curves.index, curves[method], label=method, **_look(method, classical), **points)


def _look(method: str, classical: list[str]) -> dict[str, Any]:
    if method == MODEL:
        return {"color": "#EE7733", "linewidth": 2.8, "zorder": 5}
    if method == DEFAULT_MODEL:
        return {"color": "#EE7733", "linewidth": 1.5, "linestyle": ":", "zorder": 5}
    if method == OWN_SIDE:
        return {"color": "black", "linewidth": 2.2, "zorder": 4}
    if method == MID:
        return {"color": "#BBBBBB", "linewidth": 6, "zorder": 1}
    place = classical.index(method)
    color, dashes = MUTED[place % len(MUTED)], DASHES[place % len(DASHES)]
    return {"color": color, "linestyle": dashes, "linewidth": 1.5, "zorder": 3}


def _classical(methods: Iterable[str]) -> list[str]:
    return [method for method in dict.fromkeys(methods) if method not in (*NOT_CLASSICAL, MID)]


def _save(figure: Figure, described: Axes | None, file: Path) -> None:
    if described is not None:
        handles, names = described.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 5))
    figure.savefig(file, dpi=100)

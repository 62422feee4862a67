"""The picture of a listening test: every version's mean and interval, on both scales."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

from mono2stereo.files import atomic_path
from mono2stereo.listening_test.results import SCALES, Score
from mono2stereo.pictures import GREY, STYLE, new_figure

LABELS = {
    "quality": ("bad", "poor", "fair", "good", "excellent"),
    "width": ("none", "narrow", "moderate", "wide", "very wide"),
}
ANCHORS = ("mono", "original")


def draw_scores(rows: Sequence[Score], file: Path, *, listeners: int) -> None:
    """Write a picture, of the format its suffix names, with the best quality on top."""
    order = [score.stimulus for score in rows if score.scale == SCALES[0]]
    with matplotlib.rc_context(STYLE), atomic_path(file) as partial_path:
        figure = new_figure(9.0, 1.6 + 0.3 * len(order))
        panels = figure.subplots(1, len(SCALES), sharey=True)
        for panel, scale in zip(panels, SCALES, strict=True):
            for score in (row for row in rows if row.scale == scale):
                height = order.index(score.stimulus)
                colour = GREY if score.stimulus in ANCHORS else "#7A2E6F"
                panel.plot(
                    [score.low, score.high],
                    [height, height],
                    color=colour,
                    linewidth=2,
                    solid_capstyle="butt",
                )
                panel.plot(score.mean, height, "o", color=colour, markersize=7)
            panel.set(xlim=(0, 100), xlabel=f"{scale} (0 to 100)", xticks=range(0, 101, 20))
            top = panel.secondary_xaxis("top")
            top.set_xticks([10, 30, 50, 70, 90], LABELS[scale], color=GREY, fontsize=8)
            top.tick_params(length=0)
            top.spines["top"].set_visible(False)
        panels[0].set_yticks(range(len(order)), order)
        panels[0].set_ylim(len(order) - 0.5, -0.5)
        people = (
            "1 listener, no interval"
            if listeners == 1
            else f"{listeners} listeners, means and 95 % intervals"
        )
        figure.suptitle(f"Blind listening test: {people}", fontsize=11)
        figure.savefig(partial_path, dpi=150)

"""A picture of measured files: a row each, how alike mid and side are, how loud, at which lag, how wide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from mono2stereo.errors import printable
from mono2stereo.files import atomic_path
from mono2stereo.measures.recordings import COMMON_RATE, MeasuredRecording
from mono2stereo.measures.side_analysis import COHERENCE_SECONDS, coherence_floors, curve_axes
from mono2stereo.pictures import GREY, STYLE, draw_goniometer, frequency_axis, new_figure

WINDOW_COLOURS = dict(zip(COHERENCE_SECONDS, ("#88CCEE", "#117733", "#332288"), strict=True))


def draw_recordings(recordings: Sequence[MeasuredRecording], file: Path) -> None:
    """Write the picture of those that could be measured.

    Args:
        recordings: at least one of them measured.
        file: PNG, PDF or SVG to write.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(16, 3.6 * len(recordings) + 0.6)
        rows = figure.subplots(len(recordings), 4, squeeze=False, width_ratios=[3, 3, 3, 2.2])
        for panels, recording in zip(rows, recordings, strict=True):
            _draw_coherence(panels[0], recording)
            _draw_levels(panels[1], recording)
            _draw_correlogram(panels[2], recording)
            draw_goniometer(panels[3], np.asarray(recording.example))
            panels[3].set(title="goniometer, first stretch", xlabel="side, (R−L)/2", ylabel="mid, (L+R)/2")
            panels[0].set_title(
                printable(recording.path.name).replace("$", r"\$"), loc="left", fontweight="bold"
            )
        figure.suptitle(f"Mid and side at {COMMON_RATE} Hz")
        with atomic_path(file) as partial_path:
            figure.savefig(partial_path, dpi=100)


def _draw_coherence(axes: Axes, recording: MeasuredRecording) -> None:
    floors = coherence_floors(COMMON_RATE)
    for length, colour in WINDOW_COLOURS.items():
        _, bands_hz = curve_axes(COMMON_RATE)[f"coherence_{length}"]
        axes.plot(bands_hz, recording.curves[f"coherence_{length}"], color=colour, label=f"{length} samples")
        axes.axhline(floors[length], color=colour, linestyle=":", linewidth=1)
    frequency_axis(axes, bands_hz.tolist())
    axes.set(ylim=(0, 1.02), ylabel="coherence (dotted: independent)")
    axes.legend()


def _draw_levels(axes: Axes, recording: MeasuredRecording) -> None:
    _, centres_hz = curve_axes(COMMON_RATE)["levels"]
    shown_hz = np.append(centres_hz[1] / 2 ** (2 / 3), centres_hz[1:])  # where a logarithmic axis shows DC
    for name, colour in (("mid", "black"), ("side", "#EE7733")):
        axes.plot(shown_hz, recording.curves[f"{name}_levels"], color=colour, label=name)
    frequency_axis(axes, shown_hz.tolist(), first="DC")
    axes.set(ylabel="third octaves (dB re the whole mid)")
    axes.legend()


def _draw_correlogram(axes: Axes, recording: MeasuredRecording) -> None:
    _, lags_ms = curve_axes(COMMON_RATE)["correlogram"]
    axes.fill_between(lags_ms, recording.curves["correlogram"], color=GREY)
    axes.set(
        ylim=(0, 1.02), xlim=(lags_ms[0], lags_ms[-1]),
        xlabel="lag of the side behind the mid (ms)", ylabel="largest |r| per millisecond",
    )  # fmt: skip

"""Pictures of sound: one stretch as the recording has it and as every method makes it."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from mono2stereo.dsp.mid_side import decode
from mono2stereo.dsp.signals import Signal
from mono2stereo.evaluation.analysis import FRAMES
from mono2stereo.evaluation.evaluate import Passage
from mono2stereo.pictures import STYLE, draw_goniometer, new_figure

RANGE_DB = 80.0
COLUMNS = 4


def draw_spectrograms(passage: Passage, file: Path) -> None:
    """The mid, then every method's side at its level, a panel each, dB below the loudest point of the mid."""
    signals = {"mid": passage.mid}
    for method, (mid, side) in passage.made.items():
        rms = [np.sqrt(np.mean(np.square(x, dtype=np.float64))) for x in (mid, side)]
        signals[method] = side * side.dtype.type(rms[0] / rms[1] if rms[1] > 0 else 1.0)
    loudest = max(float(np.abs(FRAMES.analyse(passage.mid)).max()), 1e-9)
    rate, columns = passage.sample_rate, 3
    rows = -(-len(signals) // columns)
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        figure = new_figure(13, 2.3 * rows + 1)
        panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
        for axes, (name, x) in zip(panels, signals.items(), strict=False):
            magnitudes = np.abs(FRAMES.analyse(x)).T / loudest
            image = axes.imshow(
                20 * np.log10(np.maximum(magnitudes, 1e-9)), origin="lower", aspect="auto", cmap="magma",
                vmin=-RANGE_DB, vmax=0, extent=(0, len(x) / rate, 0, rate / 2000),
            )  # fmt: skip
            axes.set_title(name if name == "mid" else f"side: {name}")
        for axes in panels[len(signals) :]:
            axes.set_visible(False)
        figure.colorbar(image, ax=panels, label="level (dB, 0 = loudest point of the mid)", aspect=40)
        figure.supxlabel("time (s)")
        figure.supylabel("frequency (kHz)")
        figure.suptitle(_title(passage, "sides at the level of the mid"))
        figure.savefig(file, dpi=80)


def draw_goniometers(passage: Passage, file: Path) -> None:
    """Where the samples lie between left and right, a panel per method."""
    stereos: dict[str, Signal] = {method: decode(mid, side) for method, (mid, side) in passage.made.items()}
    rows = -(-len(stereos) // COLUMNS)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(12, 3.1 * rows + 0.8)
        panels = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
        for axes, (method, stereo) in zip(panels, stereos.items(), strict=False):
            draw_goniometer(axes, stereo)
            axes.set_title(method)
        for axes in panels[len(stereos) :]:
            axes.set_visible(False)
        figure.supxlabel("side, (R−L)/2 (1 = loudest thousandth of the samples)")
        figure.supylabel("mid, (L+R)/2 (same scale)")
        figure.suptitle(_title(passage, "upright is mono, lying is out of phase, round is wide"))
        figure.savefig(file, dpi=80)


def _title(passage: Passage, what: str) -> str:
    return f"{passage.name}: {what}".replace("$", r"\$")

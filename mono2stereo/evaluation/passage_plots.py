"""Pictures of sound: one stretch as the recording has it and as every method makes it."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from mono2stereo.dsp.bands import level_match
from mono2stereo.dsp.correlation import lagged_correlation
from mono2stereo.dsp.mid_side import decode
from mono2stereo.dsp.signals import Signal
from mono2stereo.evaluation.evaluate import Passage
from mono2stereo.evaluation.points import MODEL, OWN_SIDE
from mono2stereo.measures.side_analysis import MAX_LAG_MS
from mono2stereo.pictures import RANGE_DB, STYLE, draw_goniometer, new_figure, spectrogram_db

GAINED_DB = 30.0
COLUMNS = 4


def draw_passage(passage: Passage, file: Path) -> None:
    """The mid, then every method's side at its level, a panel each, dB below the loudest point of the mid."""
    signals = {"mid": passage.mid}
    for method, (mid, side) in passage.stereos.items():
        signals[method] = level_match(side, mid)
    rate, columns = passage.sample_rate, 3
    rows = -(-len(signals) // columns)
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        figure = new_figure(13, 2.3 * rows + 1)
        panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
        for axes, (name, x) in zip(panels, signals.items(), strict=False):
            image = axes.imshow(
                spectrogram_db(x, reference=passage.mid),
                origin="lower", aspect="auto", cmap="magma", vmin=-RANGE_DB, vmax=0,
                extent=(0, len(x) / rate, 0, rate / 2000),
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
    stereos: dict[str, Signal] = {
        method: decode(mid, side) for method, (mid, side) in passage.stereos.items()
    }
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


def draw_model(passage: Passage, file: Path) -> None:
    """Mid, the model's side and the recording's own: spectrograms, what they gained, correlation, width."""
    rate, stereos = passage.sample_rate, {name: passage.stereos[name] for name in (MODEL, OWN_SIDE)}
    lags = round(MAX_LAG_MS / 1000 * rate)
    mid_db = spectrogram_db(passage.mid, reference=passage.mid)
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        figure = new_figure(13, 8.5)
        rows = figure.subplots(3, 3)
        extent = (0, len(passage.mid) / rate, 0, rate / 2000)
        look = {"origin": "lower", "aspect": "auto", "extent": extent}
        for column, side in enumerate([None, *stereos]):
            x = passage.mid if side is None else level_match(stereos[side][1], passage.mid)
            made_db = spectrogram_db(x, reference=passage.mid)
            image = rows[0, column].imshow(made_db, cmap="magma", vmin=-RANGE_DB, vmax=0, **look)
            rows[0, column].set_title("mid" if side is None else f"side: {side}")
            if side is None:
                continue
            gained = rows[1, column].imshow(
                made_db - mid_db, cmap="RdBu_r", vmin=-GAINED_DB, vmax=GAINED_DB, **look
            )
            rows[1, column].set_title(f"{side} − mid")
            draw_goniometer(rows[2, column], decode(*stereos[side]))
            correlation = lagged_correlation(*stereos[side], lags)
            lags_ms = np.linspace(-MAX_LAG_MS, MAX_LAG_MS, len(correlation))
            rows[2, 0].plot(lags_ms, correlation, label=side, linewidth=0.8)
        figure.colorbar(image, ax=rows[0], label="dB re the mid's loudest")
        figure.colorbar(gained, ax=rows[1], label="dB")
        rows[0, 0].set(ylabel="kHz")
        rows[1, 1].set(ylabel="kHz", xlabel="time (s)")
        rows[1, 0].set_visible(False)
        rows[2, 0].set(ylim=(-1, 1), xlabel="lag of the side (ms)", ylabel="correlation with the mid")
        rows[2, 0].legend()
        figure.suptitle(_title(passage, "sides at the level of the mid"))
        figure.savefig(file, dpi=80, pil_kwargs={"quality": 80})


def _title(passage: Passage, what: str) -> str:
    return f"{passage.name}: {what}".replace("$", r"\$")

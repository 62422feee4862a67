"""What all pictures of the reports share: one look, one axis of frequency."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mono2stereo.dsp.mid_side import encode
from mono2stereo.dsp.signals import Signal

GREY = "#767676"
STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "font.size": 10,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.fontsize": 9,
    "legend.frameon": False,
}
SPECTROGRAM = {"n_fft": 1024, "hop_length": 256, "center": False}
RANGE_DB = 80.0  # of a spectrogram
TICKS_HZ = (31.5, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)


def frequency_axis(axes: Axes, frequencies_hz: Sequence[float], *, first: str = "") -> None:
    """A logarithmic axis of frequency that spans `frequencies_hz`; `first` names its lowest one."""
    ticks = [hz for hz in TICKS_HZ if frequencies_hz[0] < hz <= frequencies_hz[-1]]
    names = [f"{hz:g}" if hz < 1000 else f"{hz / 1000:g}k" for hz in ticks]
    axes.set_xscale("log")
    axes.set_xticks([frequencies_hz[0], *ticks] if first else ticks, [first, *names] if first else names)
    axes.minorticks_off()
    axes.set(xlabel="frequency (Hz)", xlim=(frequencies_hz[0], frequencies_hz[-1]))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches, that draws into files whatever the display is."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def spectrogram_db(x: Signal, *, reference: Signal) -> Signal:
    """(n_bins, frames) of (samples,) in dB re the loudest point of `reference`, down to `RANGE_DB`."""
    import librosa  # here: `mono2stereo measure` draws other pictures without it

    magnitudes, loudest = (np.abs(librosa.stft(each, **SPECTROGRAM)) for each in (x, reference))
    full = max(float(loudest.max()), 1e-9)
    return librosa.amplitude_to_db(magnitudes, ref=full, amin=full * 10 ** (-RANGE_DB / 20), top_db=None)


def draw_goniometer(axes: Axes, stereo: Signal) -> None:
    """Density of the samples (samples, 2) over side and mid: a mono signal is an upright line.

    As on a studio's instrument a signal in the left channel alone leans to the left by 45 degrees.
    """
    mid, side = encode(stereo)
    largest = max(float(np.quantile(np.abs(np.concatenate([mid, side])), 0.999)), 1e-9)
    density, *_ = np.histogram2d(
        mid / largest, -side / largest, bins=121, range=((-1, 1), (-1, 1)), density=False
    )
    axes.imshow(
        np.log1p(density), origin="lower", extent=(-1, 1, -1, 1), cmap="magma", interpolation="nearest"
    )
    for lean, name in ((-1, "L"), (1, "R")):
        axes.plot([-lean, lean], [-1, 1], color="white", linewidth=0.6, alpha=0.5)
        axes.text(0.92 * lean, 0.86, name, color="white", ha="center", va="center")
    axes.grid(visible=False)
    axes.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlim=(-1, 1), ylim=(-1, 1))

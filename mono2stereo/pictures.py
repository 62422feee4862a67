"""What all pictures of the reports share: one look, one axis of frequency."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

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

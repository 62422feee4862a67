"""Pictures of mid, generated side and true side, one above the other on one scale of colours."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mono2stereo.files import atomic_path
from mono2stereo.pictures import RANGE_DB, SPECTROGRAM, spectrogram_db


def draw_spectrograms(
    file: Path, *, mid: NDArray, estimate: NDArray, reference: NDArray, sample_rate: int, title: str
) -> None:
    """Write a PNG of three spectrograms, in dB below the loudest point of the mid.

    Args:
        file: PNG to write.
        mid: (samples,).
        estimate: the side that a decorrelator made, (samples,).
        reference: the recording's own side, (samples,).
        sample_rate: in Hz.
        title: shown above.
    """
    signals = {"mid": mid, "side, generated": estimate, "side, as recorded": reference}
    figure = Figure(figsize=(8, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(3, 1, sharex=True, sharey=True)
    first_centre = SPECTROGRAM["n_fft"] / 2 / sample_rate
    for panel, (name, x) in zip(panels, signals.items(), strict=True):
        levels_db = spectrogram_db(x, reference=mid)
        last_centre = first_centre + (levels_db.shape[1] - 1) * SPECTROGRAM["hop_length"] / sample_rate
        image = panel.imshow(
            levels_db,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=-RANGE_DB,
            vmax=0,
            extent=(first_centre, last_centre, 0, sample_rate / 2000),
            interpolation="nearest",
        )
        panel.set_title(name, loc="left", fontsize=10)
        panel.set_ylabel("frequency (kHz)")
    panels[-1].set_xlabel("time (s)")
    figure.colorbar(image, ax=panels, label="level (dB, 0 = loudest point of the mid)", aspect=45)
    figure.suptitle(title.replace("$", r"\$"), fontsize=11)
    with atomic_path(file) as partial_path:
        figure.savefig(partial_path, dpi=100)

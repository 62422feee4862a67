"""Pictures of mid, generated side and true side, one above the other on one scale of colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mono2stereo.dsp.stft import Stft
from mono2stereo.files import atomic_path

FRAMES = Stft(frame_length=1024, frame_step=256, fft_length=1024)
RANGE_DB = 80.0


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
    spectra = {
        "mid": np.abs(FRAMES.analyse(mid)),
        "side, generated": np.abs(FRAMES.analyse(estimate)),
        "side, as recorded": np.abs(FRAMES.analyse(reference)),
    }
    loudest = max(float(spectra["mid"].max()), 1e-9)
    figure = Figure(figsize=(8, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(3, 1, sharex=True, sharey=True)
    first_centre = FRAMES.frame_length / 2 / sample_rate
    for panel, (name, magnitudes) in zip(panels, spectra.items(), strict=True):
        last_centre = first_centre + (len(magnitudes) - 1) * FRAMES.frame_step / sample_rate
        image = panel.imshow(
            20 * np.log10(np.maximum(magnitudes.T / loudest, 1e-9)),
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
    with atomic_path(file) as beside:
        figure.savefig(beside, dpi=100)

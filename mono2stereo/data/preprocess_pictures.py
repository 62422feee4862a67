"""The pictures of the report on preprocessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from mono2stereo.data.natural import WIDTH_CENTRES_HZ, side_to_mid_bands_db, thinned_by_codec
from mono2stereo.data.own_side import COHERENCE_FRAME_LENGTHS, N_MELS, STRETCH_SECONDS
from mono2stereo.data.pairs import NaturalWidth
from mono2stereo.data.preprocessed_track import PreprocessedTrack
from mono2stereo.data.sources.track import SPLITS
from mono2stereo.dsp.coherence import coherence_floor
from mono2stereo.dsp.mel import mel_centres_hz
from mono2stereo.dsp.signals import mean_defined
from mono2stereo.pictures import GREY, STYLE, frequency_axis, new_figure

LOOKS = {"train": ("#332288", "o"), "valid": ("#DDAA33", "s"), "test": ("#CC3311", "^")}
WIDTH_SHOWN_DB = (-40.0, 20.0)


def draw_durations(minutes: Mapping[str, float], tracks: Mapping[str, int], file: Path) -> None:
    """A bar of minutes per split and for what is left out, each with its number of recordings."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(8, 2.6)
        axes = figure.subplots()
        names = list(minutes)
        colours = [LOOKS.get(name, (GREY, ""))[0] for name in names]
        bars = axes.barh(names, [minutes[name] for name in names], color=colours)
        counts = [f" {tracks[name]} recording{'s' * (tracks[name] != 1)}" for name in names]
        axes.bar_label(bars, counts, padding=2)
        axes.margins(x=0.18)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set(xlabel="minutes", title="How much there is")
        figure.savefig(file, dpi=100)


def draw_tracks(tracks: Sequence[PreprocessedTrack], limit_db: float, file: Path) -> None:
    """Per track the SNR of the STFT round trip and the level of side against mid, sorted within its split."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(12, 4.5)
        left, right = figure.subplots(1, 2)
        members = {split: [track for track in tracks if track.entry.split == split] for split in SPLITS}
        _scatter(left, {split: [track.round_trip_db for track in each] for split, each in members.items()})
        ratios = {split: [track.entry.side_to_mid_db for track in each] for split, each in members.items()}
        _scatter(right, ratios)
        left.axhline(limit_db, color=GREY, linestyle=":", linewidth=1.2, label="least that is accepted")
        left.set(ylabel="SNR (dB)", title="STFT round trip of the mid")
        right.axhline(0, color=GREY, linewidth=1)
        right.set(ylabel="side against mid (dB)", title="Width of each recording")
        handles, names = left.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names))
        figure.savefig(file, dpi=100)


def _scatter(axes: Axes, values: Mapping[str, Sequence[float]]) -> None:
    start = 0
    for split, of_split in values.items():
        colour, marker = LOOKS[split]
        places = np.arange(start, start + len(of_split))
        axes.plot(
            places, sorted(of_split), color=colour, marker=marker, markersize=5, linestyle="", label=split
        )
        start += len(of_split)
    axes.set(xlabel="recordings, sorted within their split", xticks=[])


def draw_width(tracks: Sequence[PreprocessedTrack], width: NaturalWidth, file: Path) -> None:
    """Side against mid over frequency: every recording, and the training split's median."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(10, 5.5)
        axes = figure.subplots()
        axes.axhline(0, color=GREY, linewidth=1)
        for number, track in enumerate(tracks):
            axes.plot(
                WIDTH_CENTRES_HZ, side_to_mid_bands_db(track.levels_db),
                color="#88AACC", alpha=0.5, linewidth=0.8,
                label="" if number else "a recording (above 8 kHz only where no codec thinned it)",
            )  # fmt: skip
        axes.plot(
            width.frequency_hz, width.side_to_mid_db, color="black", linewidth=2.2,
            label="median of the training split: the natural width",
        )  # fmt: skip
        thinned = sum(thinned_by_codec(track.levels_db) for track in tracks)
        axes.set(
            ylabel="side against mid (dB)",
            title=f"Width per third octave at the recordings' own rates; {thinned} of {len(tracks)} thinned",
        )
        lowest, highest = axes.get_ylim()
        axes.set_ylim(max(lowest, WIDTH_SHOWN_DB[0]), min(highest, WIDTH_SHOWN_DB[1]))
        frequency_axis(axes, [float(hz) for hz in WIDTH_CENTRES_HZ])
        handles, names = axes.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=2)
        figure.savefig(file, dpi=100)


def draw_natural_coherence(tracks: Sequence[PreprocessedTrack], sample_rate: int, file: Path) -> None:
    """Coherence of side and mid over frequency: every recording, their mean, and what independence reads."""
    centres_hz = mel_centres_hz(sample_rate, N_MELS)
    samples = round(STRETCH_SECONDS * sample_rate)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(12, 5)
        panels = figure.subplots(1, len(COHERENCE_FRAME_LENGTHS), sharey=True)
        for axes, length in zip(panels, COHERENCE_FRAME_LENGTHS, strict=True):
            curves = [track.own_side.coherence[length] for track in tracks]
            for number, curve in enumerate(curves):
                axes.plot(
                    centres_hz,
                    curve,
                    color="#88AACC",
                    alpha=0.5,
                    linewidth=0.8,
                    label="" if number else "a recording",
                )
            axes.plot(centres_hz, mean_defined(curves), color="black", linewidth=2.2, label="mean")
            floor = coherence_floor(1 + (samples - length) // (length // 4))
            axes.axhline(floor, color=GREY, linestyle=":", linewidth=1.2, label="independent signals")
            frequency_axis(axes, [float(hz) for hz in centres_hz])
            axes.set(ylim=(0, 1.02), title=f"frames of {length} samples")
        panels[0].set_ylabel("coherence of mid and side (1 = copy)")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
        figure.savefig(file, dpi=100)

"""What preprocess leaves for people and for DVC: the round trips and the recordings' own side."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mono2stereo.data.own_side import COHERENCE_FRAME_LENGTHS, MAX_STRETCHES, N_MELS
from mono2stereo.data.preprocessing import PreprocessedTrack
from mono2stereo.data.sources.track import SPLITS
from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.dsp.signals import mean_defined
from mono2stereo.files import atomic_path

OCTAVE_EDGES_HZ = (0, 88, 177, 354, 707, 1414, 2828, 5657, 11314, 22627)


def write_reports(
    tracks: Sequence[PreprocessedTrack], folder: Path, *, sample_rate: int, left_out: int
) -> None:
    """Write round_trip.csv, round_trip.md, coherence.md and metrics.json into `folder`."""
    with atomic_path(folder) as beside:
        beside.mkdir()
        with (beside / "round_trip.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["track", "split", "seconds", "round_trip_db", "clipped_samples"])
            writer.writerows(_round_trip_row(track) for track in tracks)
        (beside / "round_trip.md").write_text(_round_trip_table(tracks), encoding="utf-8")
        (beside / "coherence.md").write_text(coherence_table(tracks, sample_rate), encoding="utf-8")
        metrics = json.dumps(_metrics(tracks, left_out), indent=2, allow_nan=False)
        (beside / "metrics.json").write_text(metrics + "\n", encoding="utf-8")


def _round_trip_row(track: PreprocessedTrack) -> list[str]:
    entry = track.entry
    return [
        entry.name,
        entry.split,
        f"{track.seconds:.2f}",
        f"{track.round_trip_db:.1f}",
        str(track.clipped_samples),
    ]


def _round_trip_table(tracks: Sequence[PreprocessedTrack]) -> str:
    lines = ["# STFT round trip of every track's mid, edges included", ""]
    lines += ["| track | split | seconds | SNR dB | samples at full scale |", "|---|---|--:|--:|--:|"]
    lines += [f"| {' | '.join(_escaped(cell) for cell in _round_trip_row(track))} |" for track in tracks]
    return "\n".join(lines) + "\n"


def coherence_table(tracks: Sequence[PreprocessedTrack], sample_rate: int) -> str:
    """Markdown: how coherent the recordings' own sides are with their mids; bands are means over tracks."""
    measured = [track for track in tracks if track.own_side.stretches]
    frames = COHERENCE_FRAME_LENGTHS
    lines = [
        "# The recordings' own side: coherence with the mid",
        "",
        f"Stretches of 3 s, at most {MAX_STRETCHES} a track; means over stretches, then over tracks. Copies "
        "read 1, independent signals "
        "about 1.2/√frames: .08 at 1024 and .15 at 4096.",
        "",
    ]
    if measured:
        head = " | ".join(f"coherence {n}" for n in frames)
        lines += [f"| track | split | {head} | largest r within ±120 ms | side/mid dB |"]
        lines += ["|---|---|" + "--:|" * (len(frames) + 2)]
        for track in measured:
            coherence = " | ".join(f"{mean_defined(track.own_side.coherence[n]):.3f}" for n in frames)
            lines += [
                f"| {_escaped(track.entry.name)} | {track.entry.split} | {coherence} | "
                f"{track.own_side.largest_correlation:.3f} | {track.entry.side_to_mid_db:.1f} |"
            ]
        mean = _natural_means(measured)
        coherence = " | ".join(f"{mean[f'coherence_{n}']:.3f}" for n in frames)
        lines += [
            f"| **mean of {len(measured)}** | | {coherence} | {mean['largest_correlation']:.3f} | "
            f"{mean['side_to_mid_db']:.1f} |",
            "",
            f"| mel bands centred within | {head} |",
            "|---|" + "--:|" * len(frames),
        ]
        for (low, high), members in _octaves(sample_rate):
            cells = " | ".join(f"{mean_defined(_mean_bands(measured, n)[members]):.3f}" for n in frames)
            lines += [f"| {low}–{high} Hz | {cells} |"]
    return "\n".join(lines) + "\n"


def _mean_bands(tracks: Sequence[PreprocessedTrack], frame_length: int) -> NDArray[np.float64]:
    return mean_defined([track.own_side.coherence[frame_length] for track in tracks])


def _octaves(sample_rate: int) -> list[tuple[tuple[int, int], NDArray[np.bool_]]]:
    weights = mel_filterbank(sample_rate, 4096, N_MELS)
    centre_hz = weights @ np.linspace(0, sample_rate / 2, weights.shape[1]) / weights.sum(axis=1)
    octaves = []
    for low, high in pairwise(OCTAVE_EDGES_HZ):
        members = (centre_hz >= low) & (centre_hz < high)
        if members.any():
            octaves.append(((low, min(high, sample_rate // 2)), members))
    return octaves


def _natural_means(tracks: Sequence[PreprocessedTrack]) -> dict[str, float]:
    means = {
        f"coherence_{n}": float(mean_defined([mean_defined(track.own_side.coherence[n]) for track in tracks]))
        for n in COHERENCE_FRAME_LENGTHS
    }
    means["largest_correlation"] = float(np.mean([track.own_side.largest_correlation for track in tracks]))
    means["side_to_mid_db"] = float(np.mean([track.entry.side_to_mid_db for track in tracks]))
    return {name: round(value, 4) for name, value in means.items()}


def _metrics(tracks: Sequence[PreprocessedTrack], left_out: int) -> dict[str, object]:
    measured = [track for track in tracks if track.own_side.stretches]
    by_split = {split: [track for track in tracks if track.entry.split == split] for split in SPLITS}
    return {
        "round_trip_db": {
            "worst": round(min(track.round_trip_db for track in tracks), 2),
            "mean": round(float(np.mean([track.round_trip_db for track in tracks])), 2),
        },
        "tracks": {split: len(members) for split, members in by_split.items()} | {"left_out": left_out},
        "minutes": {
            split: round(sum(track.seconds for track in members) / 60, 2)
            for split, members in by_split.items()
        },
        "clipped_samples": sum(track.clipped_samples for track in tracks),
        "natural": _natural_means(measured) if measured else {},
    }


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")

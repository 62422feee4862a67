"""What preprocess leaves for people and for DVC: tables, pictures and a page that shows them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mono2stereo.data import preprocess_pictures as pictures
from mono2stereo.data.manifest import OK, ManifestRow
from mono2stereo.data.natural import CODEC_DROP_DB, thinned_by_codec
from mono2stereo.data.own_side import COHERENCE_FRAME_LENGTHS, MAX_STRETCHES, N_MELS
from mono2stereo.data.pairs import Natural
from mono2stereo.data.preprocessed_track import PreprocessedTrack
from mono2stereo.data.preprocessing import Settings, natural_of
from mono2stereo.data.sources.track import SPLITS
from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.dsp.signals import mean_defined
from mono2stereo.files import atomic_path

OCTAVE_EDGES_HZ = (0, 88, 177, 354, 707, 1414, 2828, 5657, 11314, 22627)
LEFT_OUT = "left out"


def write_reports(
    tracks: Sequence[PreprocessedTrack],
    rows: Sequence[ManifestRow],
    folder: Path,
    *,
    settings: Settings,
    min_round_trip_db: float,
) -> None:
    """Write report.md with its pictures, round_trip.csv and .md, and metrics.json into `folder`."""
    minutes, counts = _amounts(tracks, rows)
    natural = natural_of(tracks, settings)
    clipped = {row.track: row.clipped_samples for row in rows}
    with atomic_path(folder) as partial_path:
        partial_path.mkdir()
        table = [_round_trip_row(track, clipped[track.entry.name]) for track in tracks]
        with (partial_path / "round_trip.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["track", "split", "seconds", "round_trip_db", "clipped_samples"])
            writer.writerows(table)
        (partial_path / "round_trip.md").write_text(_round_trip_table(table), encoding="utf-8")
        pictures.draw_durations(minutes, counts, partial_path / "durations.png")
        pictures.draw_tracks(tracks, min_round_trip_db, partial_path / "tracks.png")
        pictures.draw_width(tracks, natural.width, partial_path / "width.png")
        pictures.draw_natural_coherence(tracks, settings.sample_rate, partial_path / "coherence.png")
        report = _report(tracks, rows, natural, settings)
        (partial_path / "report.md").write_text(report, encoding="utf-8")
        metrics = json.dumps(_metrics(tracks, rows), indent=2, allow_nan=False)
        (partial_path / "metrics.json").write_text(metrics + "\n", encoding="utf-8")


def _report(
    tracks: Sequence[PreprocessedTrack], rows: Sequence[ManifestRow], natural: Natural, settings: Settings
) -> str:
    worst = min(tracks, key=lambda track: track.round_trip_db)
    thinned = sum(thinned_by_codec(track.levels_db) for track in tracks)
    left_out = [(row.path, row.split, row.status) for row in rows if row.status != OK]
    odd = [(row.path, row.split, row.note) for row in rows if row.status == OK and row.note]
    curve = natural.width
    width = zip(curve.frequency_hz, curve.side_to_mid_db, curve.recordings, strict=True)
    floors = [
        (f"{length} samples", f"{np.mean([band for band in bands if band]):.3f}")
        for length, bands in natural.coherence.items()
    ]
    return "\n".join(
        [
            "# Preprocess",
            "",
            "![Minutes and recordings per split](durations.png)",
            "",
            "## Per recording",
            "",
            f"The worst STFT round trip is {worst.round_trip_db:.1f} dB ({worst.entry.name}); all of them: "
            "[round_trip.md](round_trip.md).",
            "",
            "![SNR of the STFT round trip and level of side against mid, per recording](tracks.png)",
            "",
            "## Natural width",
            "",
            "Side against mid per third octave, long-term, at each recording's own rate; bands that reach "
            "past its Nyquist frequency do not count for it. Where the mid's or the side's level falls by "
            f"more than {CODEC_DROP_DB:g} dB from one third octave to the next above 8 kHz, a codec has "
            f"thinned the recording, and it does not count above 8 kHz: {thinned} of {len(tracks)} here. The "
            "median over the training split goes into every exported model.",
            "",
            "![Side against mid over frequency](width.png)",
            "",
            _table(
                ("third octave at (Hz)", "side against mid (dB)", "recordings"),
                [(f"{hz:.0f}", f"{db:.1f}", str(count)) for hz, db, count in width],
            ),
            "",
            coherence_table(tracks, settings.sample_rate),
            "![Coherence of side and mid over frequency](coherence.png)",
            "",
            f"Over the crop that the losses see ({settings.crop_samples} samples), at the loss's windows: "
            "median over the training split, here the mean over its bands. "
            "`terms.coherence.floors: natural` takes the bands as they are.",
            "",
            _table(("window", "natural coherence"), floors),
            "",
            f"## Left out: {len(left_out)} of {len(rows)}",
            "",
            *([_table(("recording", "split", "why"), left_out)] if left_out else []),
            "",
            f"## Kept as they are, though odd: {len(odd)}",
            "",
            *([_table(("recording", "split", "what"), odd)] if odd else []),
            "",
        ]
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _amounts(
    tracks: Sequence[PreprocessedTrack], rows: Sequence[ManifestRow]
) -> tuple[dict[str, float], dict[str, int]]:
    """Minutes and recordings by split, and of what is left out."""
    seconds = {split: [track.seconds for track in tracks if track.entry.split == split] for split in SPLITS}
    seconds[LEFT_OUT] = [row.seconds for row in rows if row.status != OK]
    return (
        {name: round(sum(each) / 60, 2) for name, each in seconds.items()},
        {name: len(each) for name, each in seconds.items()},
    )


def _round_trip_row(track: PreprocessedTrack, clipped_samples: int) -> list[str]:
    entry = track.entry
    numbers = [f"{track.seconds:.2f}", f"{track.round_trip_db:.1f}", str(clipped_samples)]
    return [entry.name, entry.split, *numbers]


def _round_trip_table(rows: Sequence[Sequence[str]]) -> str:
    headings = ("track", "split", "seconds", "SNR dB", "samples at full scale")
    return f"# STFT round trip of every track's mid, edges included\n\n{_table(headings, rows)}\n"


def coherence_table(tracks: Sequence[PreprocessedTrack], sample_rate: int) -> str:
    """Markdown: how coherent the recordings' own sides are with their mids; bands are means over tracks."""
    measured = [track for track in tracks if track.own_side.stretches]
    frames = COHERENCE_FRAME_LENGTHS
    lines = [
        "## Coherence of the recordings' own side with the mid",
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
                f"{track.own_side.largest_correlation_3_s:.3f} | {track.entry.side_to_mid_db:.1f} |"
            ]
        mean = _natural_means(measured)
        coherence = " | ".join(f"{mean[f'coherence_{n}']:.3f}" for n in frames)
        lines += [
            f"| **mean of {len(measured)}** | | {coherence} | {mean['largest_correlation_3_s']:.3f} | "
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
    means["largest_correlation_3_s"] = float(
        np.mean([track.own_side.largest_correlation_3_s for track in tracks])
    )
    means["side_to_mid_db"] = float(np.mean([track.entry.side_to_mid_db for track in tracks]))
    return {name: round(value, 4) for name, value in means.items()}


def _metrics(tracks: Sequence[PreprocessedTrack], rows: Sequence[ManifestRow]) -> dict[str, object]:
    measured = [track for track in tracks if track.own_side.stretches]
    minutes, counts = _amounts(tracks, rows)
    return {
        "round_trip_db": {
            "worst": round(min(track.round_trip_db for track in tracks), 2),
            "mean": round(float(np.mean([track.round_trip_db for track in tracks])), 2),
        },
        "tracks": {name.replace(" ", "_"): count for name, count in counts.items()},
        "minutes": {split: minutes[split] for split in SPLITS},
        "clipped_samples": sum(row.clipped_samples for row in rows if row.status == OK),
        "natural": _natural_means(measured) if measured else {},
    }


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")

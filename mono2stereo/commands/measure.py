"""`mono2stereo measure`: how wide, how alike, how coloured the two channels of recordings are."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mono2stereo.errors import AudioError, printable

if TYPE_CHECKING:
    from mono2stereo.measures.recordings import MeasuredRecording

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
NAMES, COLUMN = 26, 17  # characters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="stereo recordings")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--picture", type=Path, metavar="OUT", help="draw what was measured (png, pdf, svg)")
    parser.add_argument(
        "--explain", action="store_true", help="print what each measure means below the table"
    )


def run(options: argparse.Namespace) -> None:
    """Measure every file; the status is 1 when any could not be."""
    from mono2stereo.measures.recordings import measure_recording

    if options.picture:
        _require_picture(options.picture)
    recordings = [measure_recording(file) for file in options.files]
    print(_as_json(recordings) if options.json else _as_text(recordings, explain=options.explain))
    measured = [recording for recording in recordings if not recording.error]
    if options.picture and measured:
        from mono2stereo.measures.recording_picture import draw_recordings

        draw_recordings(measured, options.picture)
    if len(measured) < len(recordings):
        failed = len(recordings) - len(measured)
        raise AudioError(f"{failed} of {len(recordings)} files not measured; the reasons stand above")


def _require_picture(file: Path) -> None:
    if file.suffix.lower() not in PICTURE_SUFFIXES:
        raise AudioError(f"{file}: give a name that ends in {', '.join(PICTURE_SUFFIXES)}")
    if find_spec("matplotlib") is None:
        raise AudioError("--picture draws with matplotlib, which is not here: pip install matplotlib")


def _as_json(recordings: Sequence[MeasuredRecording]) -> str:
    from mono2stereo.measures import OF_A_FILE
    from mono2stereo.measures.recordings import COMMON_RATE
    from mono2stereo.measures.usual import usual_ranges

    files: list[dict[str, object]] = []
    for recording in recordings:
        of_file = {
            "sample_rate": recording.sample_rate,
            "seconds": round(recording.seconds, 3),
            "stretches": recording.stretches,
        }
        values = {
            name: round(recording.readings.values[name], 6) if name in recording.readings.values else None
            for name in OF_A_FILE
        }
        facts = {
            **of_file,
            "measures": values,
            "reasons": recording.readings.reasons,
            "curves": _curves(recording),
        }
        files.append(
            {"file": str(recording.path), **({"error": recording.error} if recording.error else facts)}
        )
    report = {
        "measured_at_hz": COMMON_RATE,
        "independent_signals": _floors(),
        "recordings_quartiles": usual_ranges(),
        "files": files,
    }
    return json.dumps(report, indent=1, allow_nan=False)


def _curves(recording: MeasuredRecording) -> dict[str, object]:
    """What the numbers sum up: by name its axis and its values, null where nothing can be told."""
    from mono2stereo.measures.recordings import COMMON_RATE
    from mono2stereo.measures.side_analysis import curve_axes

    axes = curve_axes(COMMON_RATE)
    curves: dict[str, object] = {}
    for name, values in recording.curves.items():
        axis, places = axes.get(name, axes["levels"])
        shown = [round(float(value), 4) if value == value else None for value in values]
        curves[name] = {axis: [round(float(place), 2) for place in places], "values": shown}
    return curves


def _as_text(recordings: Sequence[MeasuredRecording], *, explain: bool) -> str:
    from mono2stereo.measures import MEASURES, OF_A_FILE, in_words
    from mono2stereo.measures.recordings import COMMON_RATE, STRETCH_SECONDS, STRETCHES

    measured = [recording for recording in recordings if not recording.error]
    stretches = f"up to {STRETCHES} stretches of {STRETCH_SECONDS:g} s"
    lines = [f"At {COMMON_RATE} Hz whatever a file's own rate; means over {stretches} of each file."]
    columns = max((shutil.get_terminal_size().columns - NAMES) // COLUMN - 1, 1)
    for first in range(0, len(measured), columns):
        lines += ["", *_table(measured[first : first + columns])]
    missing = [
        f"{recording.path}: {in_words(recording.readings.reasons)}"
        for recording in measured
        if recording.readings.reasons
    ]
    unmeasured = [f"{recording.path}: {recording.error}" for recording in recordings if recording.error]
    for title, texts in (("–: cannot be told", missing), ("not measured", unmeasured)):
        lines += ["", title, *(f"  {printable(line)}" for line in texts)] if texts else []
    if measured:
        floors = ", ".join(f"{floor:.3f} ({MEASURES[name].heading})" for name, floor in _floors().items())
        lines += ["", "recordings: the middle half of those that the default model was trained on"]
        lines += [f"independent signals read {floors}"]
    if explain:
        lines += ["", *(f"{MEASURES[name].heading}: {MEASURES[name].explanation}" for name in OF_A_FILE)]
    return "\n".join(lines)


def _table(recordings: Sequence[MeasuredRecording]) -> list[str]:
    from mono2stereo.measures import MEASURES, OF_A_FILE
    from mono2stereo.measures.usual import usual_ranges

    def line(first: str, cells: Iterable[str], last: str = "") -> str:
        return "".join(
            [first.ljust(NAMES), *(cell.rjust(COLUMN) for cell in cells), last.rjust(COLUMN)]
        ).rstrip()

    usual = usual_ranges()
    rows = [
        line("", (_shortened(printable(recording.path.name)) for recording in recordings), "recordings"),
        line("rate (Hz)", (str(recording.sample_rate) for recording in recordings)),
        line("duration (s)", (f"{recording.seconds:.1f}" for recording in recordings)),
    ]
    for name in OF_A_FILE:
        decimals = MEASURES[name].decimals
        values = (recording.readings.values.get(name) for recording in recordings)
        cells = ("–" if value is None else f"{value:.{decimals}f}" for value in values)
        usual_range = " to ".join(f"{end:.{decimals}f}" for end in usual.get(name, ()))
        rows.append(line(MEASURES[name].heading, cells, usual_range))
    return rows


def _floors() -> dict[str, float]:
    """What independent signals read, by measure."""
    from mono2stereo.measures.recordings import COMMON_RATE
    from mono2stereo.measures.side_analysis import coherence_floors

    return {f"coherence_{length}": round(floor, 6) for length, floor in coherence_floors(COMMON_RATE).items()}


def _shortened(name: str) -> str:
    longest = COLUMN - 2
    return name if len(name) <= longest else f"{name[: longest // 2]}…{name[-(longest - longest // 2 - 1) :]}"

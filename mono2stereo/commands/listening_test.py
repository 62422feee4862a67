"""`mono2stereo listening-test`: means and intervals of what listeners said on the listening page."""

from __future__ import annotations

import argparse
from pathlib import Path

from mono2stereo.errors import DataError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "results", nargs="+", type=Path, metavar="FILE", help="result files (JSON or CSV) that the page saved"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="PICTURE", help="draw means and intervals (*.png, *.svg, *.pdf)"
    )
    parser.add_argument("--tests", action="store_true", help="add rank tests of all versions and of each two")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(options: argparse.Namespace) -> None:
    """Print the scores, and draw them where asked to."""
    from mono2stereo.listening_test.results import as_json, as_text, read_sessions, scores

    if options.json and options.tests:
        raise UsageError("--tests are text; leave out --json")
    sessions = read_sessions(options.results)
    rows = scores(sessions)
    if options.plot:
        if options.plot.suffix not in (".png", ".svg", ".pdf"):
            raise DataError(f"{options.plot}: no picture; end it in .png, .svg or .pdf")
        try:
            from mono2stereo.listening_test.results_picture import draw_scores
        except ModuleNotFoundError as error:
            raise DataError(f"--plot: {error.name} is not installed; pip install matplotlib") from None
        draw_scores(rows, options.plot, listeners=len(sessions))
    print(as_json(rows) if options.json else as_text(rows))
    if options.tests:
        from mono2stereo.listening_test.rank_tests import as_text as tested

        print(f"\n{tested(sessions)}")
    if not options.json and len(sessions) == 1:
        print("\nOne listener: no interval. Give the files of several.")

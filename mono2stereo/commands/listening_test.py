"""`mono2stereo listening-test`: what listeners said on the listening page, or how many a test takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from mono2stereo.errors import DataError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "results", nargs="*", type=Path, metavar="FILE", help="result files (JSON or CSV) that the page saved"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="PICTURE", help="draw means and intervals (*.png, *.svg, *.pdf)"
    )
    parser.add_argument("--tests", action="store_true", help="add rank tests of all versions and of each two")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--listeners-needed",
        type=float,
        metavar="UNITS",
        help="print how many listeners it takes to find a difference of so many units of the scale",
    )
    parser.add_argument(
        "--deviation",
        type=float,
        default=12.0,
        metavar="UNITS",
        help="for it: standard deviation over listeners of their differences (12)",
    )
    parser.add_argument("--comparisons", type=int, default=1, help="for it: pairs that are tested (1)")
    parser.add_argument("--power", type=float, default=0.8, help="for it: chance that it is found (0.8)")


def run(options: argparse.Namespace) -> None:
    """Print the scores, and draw them where asked to; or the number of listeners."""
    if options.listeners_needed is not None:
        _print_listeners_needed(options)
        return
    if not options.results:
        raise UsageError("give the files that the page saved, or --listeners-needed UNITS")
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


def _print_listeners_needed(options: argparse.Namespace) -> None:
    from mono2stereo.listening_test.rank_tests import listeners_needed

    if options.results:
        raise UsageError("--listeners-needed takes no files: it is asked before the first listener")
    sizes = (options.listeners_needed, options.deviation, options.comparisons)
    if not (all(0 < size < float("inf") for size in sizes) and 0 < options.power < 1):
        raise UsageError("--listeners-needed, --deviation, --comparisons: above 0; --power: between 0 and 1")
    print(listeners_needed(*sizes, power=options.power))

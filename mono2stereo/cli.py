"""The command line: `mono2stereo convert old_recording.wav`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mono2stereo.errors import one_line_errors


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse `arguments` (default: those of the process) and do what they say."""
    parser = argparse.ArgumentParser(prog="mono2stereo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    convert = commands.add_parser("convert", help="give mono recordings a side channel")
    convert.add_argument("sources", nargs="+", type=Path, metavar="FILE", help="mono recordings")
    convert.add_argument("-o", "--output", type=Path, help="target; by default FILE's name with -stereo.wav")
    convert.add_argument(
        "--model", type=Path, help="an exported generator (*.onnx) instead of the default one"
    )
    options = parser.parse_args(arguments)
    if options.output and len(options.sources) > 1:
        parser.error("-o names one file; leave it out for several recordings")
    with one_line_errors():
        _convert(options)


def _convert(options: argparse.Namespace) -> None:
    from mono2stereo.conversion import convert_file
    from mono2stereo.decorrelators.neural import NeuralDecorrelator

    decorrelator = NeuralDecorrelator.load(options.model)
    for source in options.sources:
        target = options.output or source.with_name(f"{source.stem}-stereo.wav")
        convert_file(source, target, decorrelator=decorrelator)
        print(f"{source} → {target}")

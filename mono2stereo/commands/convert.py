"""`mono2stereo convert`: give mono recordings a side channel."""

from __future__ import annotations

import argparse
from pathlib import Path

from mono2stereo.errors import AudioError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("sources", nargs="+", type=Path, metavar="FILE", help="mono recordings")
    parser.add_argument("-o", "--output", type=Path, help="target; by default FILE's name with -stereo.wav")
    parser.add_argument(
        "--model", type=Path, help="an exported generator (*.onnx) instead of the default one"
    )


def run(options: argparse.Namespace) -> None:
    """Convert every file."""
    from mono2stereo.conversion import convert_file
    from mono2stereo.decorrelators.neural import NeuralDecorrelator

    if options.output and len(options.sources) > 1:
        raise AudioError("-o names one file; leave it out for several recordings")
    decorrelator = NeuralDecorrelator.load(options.model)
    for source in options.sources:
        target = options.output or source.with_name(f"{source.stem}-stereo.wav")
        convert_file(source, target, decorrelator=decorrelator)
        print(f"{source} → {target}")

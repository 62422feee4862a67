"""`mono2stereo info`: what a model says about itself."""

from __future__ import annotations

import argparse
import json
from typing import Any

from mono2stereo.errors import printable

# Third octaves are too many for a line of a terminal: one of three.
EVERY_BAND = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "model", nargs="?", metavar="FILE|RUN_ID|models:/…", help="by default the package's own model"
    )
    parser.add_argument("--json", action="store_true", help="all of it, for programs")


def run(options: argparse.Namespace) -> None:
    """Print the card."""
    from mono2stereo.conversion.method import model_file
    from mono2stereo.decorrelators.neural import NeuralDecorrelator

    with model_file(options.model) as file:
        card = NeuralDecorrelator.load(file, threads=1).card
    facts = json.loads(card.dumps())
    if options.json:
        print(json.dumps(facts, indent=2))
        return
    training = facts.pop("training")
    widths = {name: facts.pop(f"{name}_width") for name in ("natural", "own")}
    print(printable(f"model: {options.model or 'the one that comes with mono2stereo'}"))
    _table(facts)
    _table({key: value for key, value in training.items() if not isinstance(value, dict)})
    for heading in ("data", "measures", "parameters"):
        print(f"{heading}:{'' if training.get(heading) else ' not in this file'}")
        _table(training.get(heading) or {}, indent="  ")
    for name, width in widths.items():
        print(f"{name} width (dB, side against mid): {_bands(width)}")


def _table(facts: dict[str, Any], indent: str = "") -> None:
    for key, value in facts.items():
        shown = f"{value:.4g}" if isinstance(value, float) else value
        print(indent + printable(f"{key}: {shown}"))


def _bands(width: dict[str, list[float]] | None) -> str:
    if not width:
        return "not in this file"
    pairs = list(zip(width["frequency_hz"], width["side_to_mid_db"], strict=True))[::EVERY_BAND]
    return ", ".join(f"{level:.1f} at {frequency:g} Hz" for frequency, level in pairs)

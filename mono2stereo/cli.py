"""The command line: `mono2stereo convert old_recording.wav`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from mono2stereo.errors import UsageError, one_line_errors
from mono2stereo.terminal import secure_output, stdout_is_closed
from mono2stereo.versions import described

# Each is a module of `mono2stereo.commands`, imported when it is asked for: the others cost nothing.
COMMANDS = {
    "convert": "give mono recordings a side channel",
    "measure": "measure how wide, how alike and how coloured mid and side of stereo recordings are",
    "benchmark": "compare decorrelators, models and other programs on recordings",
    "studio": "hear, set and save a conversion in the browser",
    "info": "show what a model says about itself",
    "listening-test": "average what listeners said on the listening page",
}
UNREAD = 141  # what a shell gives a program that SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse `arguments` (default: those of the process) and do what they say."""
    secure_output()
    with one_line_errors():
        _run(sys.argv[1:] if arguments is None else arguments)


def _run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="mono2stereo", description=__doc__)
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="of the package, of models, measures and results"
    )
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if name in arguments[:1]:
            _module(name).add_arguments(subparser)
    options = parser.parse_args(arguments)
    if stdout_is_closed() and options.command != "convert":
        raise UsageError(f"stdout is closed: what {options.command} finds would be lost")
    try:
        _module(options.command).run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # `mono2stereo info | head`: who reads has seen enough
        _print_no_more()
        raise SystemExit(UNREAD) from None
    except OSError as error:
        if not error.filename:  # a file's fault names it
            _print_no_more()
            error.filename = "stdout"
        raise


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(described())
        parser.exit()


def _print_no_more() -> None:
    """What is still to be written must not fail again at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _module(command: str):  # type: ignore[no-untyped-def]
    return import_module(f"mono2stereo.commands.{command.replace('-', '_')}")

"""What the page may set: the options of `mono2stereo convert`, their table, their checks, their words."""

from __future__ import annotations

import argparse
import math
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NoReturn

from mono2stereo.conversion.arguments import add_arguments, file_options, width_of
from mono2stereo.conversion.options import FileOptions
from mono2stereo.conversion.widening import Width
from mono2stereo.errors import UsageError

Settings = Mapping[str, Any]
# The page has a place of its own for these, or no use.
NOT_SET = ("help", "sources", "output", "out_dir", "force")
LONGEST_TEXT = 4096


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


@cache
def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="mono2stereo convert", allow_abbrev=False)
    add_arguments(parser)
    return parser


def _options() -> dict[str, tuple[argparse.Action, str]]:
    """By name each option that can be set, and its group."""
    return {
        action.option_strings[-1].removeprefix("--"): (action, group.title or "")
        for group in _parser()._action_groups
        for action in group._group_actions
        if action.dest not in NOT_SET
    }


def form() -> list[dict[str, Any]]:
    """The options as the page shows them: name, group, help, and what kind of value each takes."""
    return [
        {
            "name": name,
            "group": group,
            "help": action.help or "",
            "kind": "flag" if action.nargs == 0 else "choice" if action.choices else _kind(action),
            "choices": list(action.choices or ()),
            "metavar": str(action.metavar or ""),
        }
        for name, (action, group) in _options().items()
    ]


def _kind(action: argparse.Action) -> str:
    return "number" if action.type in (int, float) else "text"


def arguments(settings: Settings) -> list[str]:
    """As the command line has them, without files.

    Raises:
        UsageError: Not a setting, or not of its kind.

    >>> arguments({"width": -3.0, "match-loudness": True, "method": "velvet"})
    ['--width=-3', '--match-loudness', '--method=velvet']
    """
    options, given = _options(), []
    unknown = [name for name in settings if name not in options]
    if unknown:
        raise UsageError(f"{str(unknown[0])[:40]}: no setting")
    for name, (action, _) in options.items():
        value = settings.get(name)
        if value is None or value is False or value == "":
            continue
        fits = (
            (value is True)
            if action.nargs == 0
            else isinstance(value, str | int | float) and value is not True
        )
        if not fits or (isinstance(value, str) and (len(value) > LONGEST_TEXT or "\0" in value)):
            raise UsageError(f"{name}: not of its kind")
        if isinstance(value, float):
            value = f"{value:g}" if math.isfinite(value) else str(value)
        given.append(f"--{name}" if value is True else f"--{name}={value}")
    return given


def checked(settings: Settings) -> tuple[argparse.Namespace, Width | None, FileOptions]:
    """Options, width and what concerns files; refuses what the command line would refuse.

    Raises:
        UsageError: A setting that is none, or out of range.
        AudioError: A curve that cannot be read.
    """
    options = _parser().parse_args([*arguments(settings), "--", "-"])
    return options, width_of(options), file_options(options)


def command_line(given: Sequence[str], source: str, place: Sequence[str]) -> str:
    """To copy into a shell."""
    return shlex.join(
        ["mono2stereo", "convert", source if not source.startswith("-") else f"./{source}", *place, *given]
    )

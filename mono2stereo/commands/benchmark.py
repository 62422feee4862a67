"""`mono2stereo benchmark`: any decorrelator on any recordings; `… compare` sets two results side by side."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from mono2stereo.errors import DataError, UsageError

COMPARE = "compare"
NEEDED = ("matplotlib", "pandas")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.usage = (
        "mono2stereo benchmark RECORDINGS -o FOLDER [--tool 'name=command {in} {out}']… [--method NAME|all]… "
        "[--model FILE]…\n       mono2stereo benchmark compare FIRST.json SECOND.json [-o FILE]"
    )
    parser.add_argument(
        "what",
        nargs="+",
        metavar="RECORDINGS",
        help="a folder of stereo recordings; or compare and two results.json",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="for report, results and cache")
    parser.add_argument(
        "--tool", action="append", default=[], metavar="NAME[:SETTING]=COMMAND",
        help="a program that makes {out}, a stereo WAV, of {in}, a mono one; several settings of one name "
        "are a sweep, the first stands for it in the tables",
    )  # fmt: skip
    parser.add_argument(
        "--method", action="append", default=[], metavar="NAME",
        help="a classical method or one that another package registers, along its sweep; all: every one",
    )  # fmt: skip
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="an exported model (default: the package's)",
    )
    parser.add_argument(
        "--reference", metavar="NAME", help="the method that all are compared with (default: the first model)"
    )
    parser.add_argument("--stretches", type=int, default=2, help="of 10 s, of each recording (default: 2)")
    parser.add_argument(
        "--excerpts", type=int, default=3, help="on the listening page (default: 3; 0: no page)"
    )
    parser.add_argument(
        "--timeout", type=float, default=300.0, metavar="SECONDS", help="for a program's run (default: 300)"
    )


def run(options: argparse.Namespace) -> None:
    """Run the benchmark, or compare two of its results."""
    if absent := [name for name in NEEDED if find_spec(name) is None]:
        raise DataError(f"benchmark needs {', '.join(absent)}: pip install 'mono2stereo[benchmark]'")
    if options.what[0] == COMPARE:
        _compare(options)
        return
    if len(options.what) > 1:
        raise UsageError("give one folder of recordings")
    if options.output is None:
        raise UsageError("give a folder for the results: -o FOLDER")
    for name, least in (("stretches", 1), ("excerpts", 0), ("timeout", 0.1)):
        if not getattr(options, name) >= least:
            raise UsageError(f"--{name}: at least {least}")
    from mono2stereo.benchmark.entries import entries
    from mono2stereo.benchmark.run import benchmark

    chosen = entries(options.tool, options.method, options.model, limit_seconds=options.timeout)
    benchmark(
        Path(options.what[0]),
        chosen,
        options.output,
        stretches=options.stretches,
        excerpts=options.excerpts,
        reference=options.reference,
    )
    print(options.output / "report.md")


def _compare(options: argparse.Namespace) -> None:
    if len(options.what) != 3:
        raise UsageError("compare takes two files: mono2stereo benchmark compare FIRST.json SECOND.json")
    from mono2stereo.benchmark.comparing import as_markdown
    from mono2stereo.benchmark.results_file import read_results
    from mono2stereo.files import atomic_path

    told = as_markdown(*(read_results(Path(file)) for file in options.what[1:]))
    if options.output is None:
        print(told, end="")
        return
    with atomic_path(options.output) as partial_path:
        partial_path.write_text(told, encoding="utf-8")

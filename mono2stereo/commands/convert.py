"""`mono2stereo convert`: give mono recordings a side channel."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stderr
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mono2stereo.conversion.formats import SAMPLES, SUFFIX_OF_KIND, target_kind
from mono2stereo.errors import AudioError, UsageError, printable, sigterm_exits
from mono2stereo.sounds.kinds import CONTAINER_SUFFIXES
from mono2stereo.terminal import stdout_is_closed

if TYPE_CHECKING:
    from mono2stereo.conversion.batch import Outcome
    from mono2stereo.conversion.method import Method
    from mono2stereo.conversion.options import FileOptions
    from mono2stereo.conversion.plan import Job

PIPE = Path("-")
LARGEST_GAIN_DB = 120.0
EXIT_STATUS = """\
exit status: 0 all converted; 1 some were not, each named in one line, the others are done; 2 wrong usage,
nothing was done; 130 or 143 stopped by Ctrl-C or SIGTERM, no half-written file is left.

The fold-down (L+R)/2 of what is written is g times the input, sample for sample; g is printed for each file.
Float files have g = 1. Integer and lossy ones have the largest g up to 1 whose true peak (BS.1770) stays
below full scale (lossy: below -1 dB); at g = 1 the fold-down of integers is the input bit for bit."""


class _Classical:
    """Names of the classical methods, asked for where they are needed: SciPy takes its time."""

    def __iter__(self) -> Iterator[str]:
        from mono2stereo.decorrelators.classical import CLASSICAL

        return iter(CLASSICAL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXIT_STATUS
    parser.add_argument("sources", nargs="+", type=Path, metavar="FILE", help="a folder, or - for stdin, too")
    group = parser.add_argument_group("files")
    add = group.add_argument
    add(
        "-o",
        "--output",
        type=Path,
        help="of one file, or - for stdout (default: *-stereo beside it)",
    )
    add("--out-dir", type=Path, metavar="DIR", help="put the results there, under the names of the sources")
    formats = [suffix[1:] for suffix in SUFFIX_OF_KIND.values()]
    add("--format", choices=formats, help="instead of the source's own")
    add("--samples", choices=list(SAMPLES), help="sample format instead of the source's own")
    add("--no-dither", action="store_false", dest="dither", help="round integers without dither")
    add("--preserve", action="store_true", help="keep the time of modification")
    add("--force", action="store_true", help="overwrite existing files (never a source)")
    channel = group.add_mutually_exclusive_group()
    for side in ("left", "right"):
        how = f"take the {side} channel of a stereo source, not (L+R)/2"
        channel.add_argument(f"--from-{side}", action="store_true", help=how)
    add("--keep-if-stereo", action="store_true", help="copy stereo sources as they are")
    add = parser.add_argument_group("films").add_argument
    add("--track", type=int, metavar="N", help="convert the N-th sound track (default: the first)")
    add("--add-track", action="store_true", help="keep that track; the stereo one comes behind the others")
    add = parser.add_argument_group("width").add_argument
    add("--width", type=float, metavar="DB", help="wider (above 0) or narrower than the curve")
    add(
        "--width-curve",
        metavar="natural|flat|FILE",
        help="side against mid per band: as recordings have it (natural, default), as the method makes it "
        "(flat), or columns frequency_hz,side_to_mid_db of a file",
    )
    add("--mono-below", type=float, metavar="HZ", help="keep what is below in the middle")
    add("--highband", choices=["on", "off"], help="go on above the network's band (default: on)")
    add = parser.add_argument_group("level").add_mutually_exclusive_group().add_argument
    add("--match-loudness", action="store_true", help="as loud as the source (BS.1770)")
    add("--gain", type=float, metavar="DB", help="this g, whatever the peaks; pipes pass at once")
    add = parser.add_argument_group("method").add_mutually_exclusive_group().add_argument
    add(
        "--model",
        metavar="FILE|RUN_ID|models:/…",
        help="an exported generator, an MLflow run's, or one of MLflow's registry",
    )
    add("--method", choices=_Classical(), help="a classical decorrelator, not the network")


def run(options: argparse.Namespace) -> None:
    """Convert every file; exits with 1 where some could not be."""
    from mono2stereo.conversion.method import Method, model_file
    from mono2stereo.conversion.plan import plan

    if not abs(options.gain or 0) <= LARGEST_GAIN_DB:
        raise UsageError(f"--gain {options.gain:g}: from -{LARGEST_GAIN_DB:g} to {LARGEST_GAIN_DB:g} dB")
    named = options.output.suffix.lower() if options.output else ""
    if options.add_track and named and named not in CONTAINER_SUFFIXES:
        raise UsageError(f"{options.output}: has no tracks to add one to; name it .mkv, .mp4 or .mov")
    width = _width(options)
    piped = PIPE in options.sources or options.output == PIPE
    with sigterm_exits(), model_file(options.model) as model:
        method = Method(model, options.method, width)
        if piped:
            failed = _piped(options, method)
        else:
            suffix = f".{options.format}" if options.format else None
            sources = _sources(options)
            jobs = plan(sources, output=options.output, folder=options.out_dir, suffix=suffix)
            failed = _convert(jobs, method, options) if jobs else 0
    if failed:
        raise SystemExit(1)


def _sources(options: argparse.Namespace) -> list[Path]:
    """What is to be converted; what an earlier call made, which `*` names too, is not."""
    from mono2stereo.conversion.plan import is_result

    if options.output or options.out_dir:
        return options.sources
    for source in filter(is_result, options.sources):
        print(printable(f"{source}: skipped, its name is a result's; -o names an output"), file=sys.stderr)
    return [source for source in options.sources if not is_result(source)]


def _width(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    """A `Width`; None where nothing about it was asked for."""
    from mono2stereo.conversion.widening import Width
    from mono2stereo.conversion.width_curve import WidthCurve

    curve = options.width_curve
    asked = {
        "db": options.width,
        "curve": curve if curve in (None, "natural", "flat") else WidthCurve.read(curve),
        "mono_below_hz": options.mono_below,
        "highband": options.highband and options.highband == "on",
    }
    asked = {key: value for key, value in asked.items() if value is not None}
    try:
        return Width(**asked) if asked else None
    except AudioError as error:
        raise UsageError(str(error)) from None


def _convert(jobs: Sequence[Job], method: Method, options: argparse.Namespace) -> int:
    """Convert, say what was made; the number of files that failed."""
    from mono2stereo.conversion.batch import convert_all
    from mono2stereo.progress import progress

    how = _file_options(options)
    done: dict[Job, Outcome] = {}
    try:
        with _quiet_decoders(), _one_line_warnings(), closing(convert_all(jobs, method, how)) as outcomes:
            shown = progress(outcomes, total=len(jobs), label="convert") if len(jobs) > 1 else outcomes
            done.update(shown)
    finally:
        for job in jobs:
            if job in done:
                _say(job, done[job])
    failed = sum(isinstance(outcome, str) for outcome in done.values())
    if len(jobs) > 1:
        print(f"{len(jobs) - failed} converted, {failed} failed", file=sys.stderr)
    return failed


def _file_options(options: argparse.Namespace) -> FileOptions:
    from mono2stereo.conversion.options import FileOptions

    return FileOptions(
        gain_db=options.gain,
        match_loudness=options.match_loudness,
        from_left=options.from_left,
        from_right=options.from_right,
        keep_if_stereo=options.keep_if_stereo,
        samples=options.samples,
        force=options.force,
        dither=options.dither,
        preserve=options.preserve,
        track=options.track,
        add_track=options.add_track,
    )


def _say(job: Job, outcome: Outcome, names: str = "") -> None:
    if isinstance(outcome, str):
        print(f"error: {outcome}", file=sys.stderr)
        return
    for notice in outcome.notices:
        print(printable(f"{job.name}: {notice}"), file=sys.stderr)
    line = f"{names or f'{job.name} → {job.target}'}: {outcome.gain or 'kept'}"
    print(printable(line), file=sys.stderr if names else sys.stdout)


def _piped(options: argparse.Namespace, method: Method) -> int:
    """One file from stdin or to stdout, or both."""
    from mono2stereo.conversion.pipes import convert_piped
    from mono2stereo.conversion.plan import Job

    if len(options.sources) > 1 or options.out_dir:
        raise UsageError("- stands for one stream; give one source and -o, or none for stdout")
    (source,) = options.sources
    target = options.output or PIPE
    if target == PIPE and stdout_is_closed():
        raise UsageError("stdout is closed; name the output with -o")
    if target == PIPE and sys.stdout.isatty():
        raise UsageError("stdout is a terminal; redirect it, or name the output with -o")
    if target != PIPE:
        target_kind(target)
    suffix = f".{options.format}" if options.format else ""
    with _quiet_decoders(), _one_line_warnings():
        done = convert_piped(
            source, target, decorrelator=method.build(), options=_file_options(options), suffix=suffix
        )
        job = Job(source, target, "stdin" if source == PIPE else str(source))
        _say(job, done, names="stdout" if target == PIPE else "")
    return 0


@contextmanager
def _quiet_decoders() -> Iterator[None]:
    """What C libraries write on the process's stderr goes nowhere; Python's goes where it went."""
    try:
        descriptor = sys.stderr.fileno()
    except (OSError, ValueError):  # a notebook, a test: not the process's own
        yield
        return
    sys.stderr.flush()
    how = partial(os.fdopen, os.dup(descriptor), "w", buffering=1, encoding=sys.stderr.encoding)
    with how(errors=sys.stderr.errors) as ours, open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), descriptor)
        try:
            with redirect_stderr(ours):
                yield
        finally:
            os.dup2(ours.fileno(), descriptor)


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """The package's own warnings, each once, without the place in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("once", UserWarning)
        warnings.showwarning = lambda message, *_: print(f"notice: {message}", file=sys.stderr)
        yield

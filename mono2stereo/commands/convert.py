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

from mono2stereo.conversion.arguments import add_arguments, file_options, width_of
from mono2stereo.conversion.formats import target_kind
from mono2stereo.errors import UsageError, printable, sigterm_exits
from mono2stereo.sounds.kinds import CONTAINER_SUFFIXES
from mono2stereo.terminal import stdout_is_closed

if TYPE_CHECKING:
    from mono2stereo.conversion.batch import Outcome
    from mono2stereo.conversion.method import Method
    from mono2stereo.conversion.options import FileOptions
    from mono2stereo.conversion.plan import Job
    from mono2stereo.conversion.widening import Width

__all__ = ["add_arguments", "run"]
PIPE = Path("-")


def run(options: argparse.Namespace) -> None:
    """Convert every file; exits with 1 where some could not be."""
    from mono2stereo.conversion.method import Method, model_file
    from mono2stereo.conversion.plan import plan

    how = file_options(options)
    named = options.output.suffix.lower() if options.output else ""
    if options.add_track and named and named not in CONTAINER_SUFFIXES:
        raise UsageError(f"{options.output}: has no tracks to add one to; name it .mkv, .mp4 or .mov")
    width = width_of(options)
    piped = PIPE in options.sources or options.output == PIPE
    with sigterm_exits():
        if piped:
            failed = _piped(options, width, how)
        else:
            suffix = f".{options.format}" if options.format else None
            sources = _sources(options)
            jobs = plan(sources, output=options.output, folder=options.out_dir, suffix=suffix)
            with model_file(options.model) as model:
                failed = _convert(jobs, Method(model, options.method, width), how) if jobs else 0
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


def _convert(jobs: Sequence[Job], method: Method, how: FileOptions) -> int:
    """Convert, say what was made; the number of files that failed."""
    from mono2stereo.conversion.batch import convert_all
    from mono2stereo.progress import progress

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


def _say(job: Job, outcome: Outcome, names: str = "") -> None:
    if isinstance(outcome, str):
        print(f"error: {outcome}", file=sys.stderr)
        return
    for notice in outcome.notices:
        print(printable(f"{job.name}: {notice}"), file=sys.stderr)
    line = f"{names or f'{job.name} → {job.target}'}: {outcome.gain or 'kept'}"
    print(printable(line), file=sys.stderr if names else sys.stdout)


def _piped(options: argparse.Namespace, width: Width | None, how: FileOptions) -> int:
    """One file from stdin or to stdout, or both."""
    from mono2stereo.conversion.method import Method, model_file
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
        # Loaded before signals may end the process at once: one of MLflow's lies in a temporary folder.
        with model_file(options.model) as model:
            decorrelator = Method(model, options.method, width).build()
        done = convert_piped(source, target, decorrelator=decorrelator, options=how, suffix=suffix)
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

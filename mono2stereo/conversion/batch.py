"""Many files, a process per core; what goes wrong with one does not stop the others."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial

from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.conversion.method import Method
from mono2stereo.conversion.options import Converted, FileOptions
from mono2stereo.conversion.plan import Job
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.errors import Mono2StereoError, in_one_line
from mono2stereo.parallel import WorkerDiedError, as_done, usable_cores

Outcome = Converted | str


def convert_all(
    jobs: Sequence[Job], method: Method, options: FileOptions
) -> Generator[tuple[Job, Outcome], None, None]:
    """Convert files as they come; yields each with what was made of it, or with one line that says why not.

    When the block around the iteration is left (Ctrl-C, SIGTERM), the workers stop and clean up first.

    Raises:
        ModelError: The model cannot be loaded.
    """
    workers = min(usable_cores(), len(jobs))
    decorrelator = method.build(threads=network_threads() if workers == 1 else 1)
    if workers == 1:
        for job in jobs:
            yield job, attempt(job, decorrelator, options)
        return
    decorrelator.stream(48_000)  # what it warns of, it says here, once
    with closing(as_done(partial(_in_worker, method, options), jobs, workers)) as answers:
        for number, outcome, error in answers:
            job = jobs[number]
            if isinstance(error, WorkerDiedError):
                outcome = f"{job.name}: its process died; the file may be damaged, or memory short"
            elif error:
                raise error
            yield job, outcome


def network_threads() -> int:
    """Of one conversion alone: what else it does keeps a core busy."""
    return max(1, usable_cores() - 1)


def attempt(job: Job, decorrelator: Decorrelator, options: FileOptions) -> Outcome:
    """Convert one file; its faults and the machine's as one line."""
    try:
        return convert_file(job.source, job.target, decorrelator=decorrelator, options=options, name=job.name)
    except (Mono2StereoError, MemoryError, OSError) as error:
        return in_one_line(error, job.name)


_loaded: list[Decorrelator] = []  # once in each worker


def _in_worker(method: Method, options: FileOptions, job: Job) -> Outcome:
    if not _loaded:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # decoders chat; errors are returned
        warnings.simplefilter("ignore", UserWarning)  # the parent has them
        _loaded.append(method.build(threads=1))
    return attempt(job, _loaded[0], options)

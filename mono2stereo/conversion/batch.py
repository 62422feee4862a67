"""Many files, a process per core; what goes wrong with one does not stop the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from types import FrameType

from mono2stereo.conversion.file_conversion import convert_file
from mono2stereo.conversion.method import Method
from mono2stereo.conversion.options import Converted, FileOptions
from mono2stereo.conversion.plan import Job
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.errors import Mono2StereoError, fault
from mono2stereo.parallel import end_with_parent, usable_cores

Outcome = Converted | str
Outcomes = Generator[tuple[Job, Outcome], None, None]


def convert_all(jobs: Sequence[Job], method: Method, options: FileOptions) -> Outcomes:
    """Convert files as they come; yields each with what was made of it, or with one line that says why not.

    When the block around the iteration is left (Ctrl-C, SIGTERM), the workers stop and clean up first.

    Raises:
        ModelError: The model cannot be loaded.
    """
    workers = min(usable_cores(), len(jobs))
    decorrelator = method.build(threads=0 if workers == 1 else 1)
    if workers == 1:
        for job in jobs:
            yield job, attempt(job, decorrelator, options)
        return
    decorrelator.stream(48_000)  # what it warns of, it says here, once
    left = dict.fromkeys(jobs)
    try:
        for job, outcome in _in_processes(jobs, workers, method, options):
            del left[job]
            yield job, outcome
    except BrokenProcessPool:
        # One of the files ended its process. Alone, each can end only its own.
        for job in left:
            try:
                yield from _in_processes([job], 1, method, options)
            except BrokenProcessPool:
                yield job, f"{job.name}: its process died; the file may be damaged, or memory short"


def attempt(job: Job, decorrelator: Decorrelator, options: FileOptions) -> Outcome:
    """Convert one file; its faults and the machine's as one line."""
    try:
        return convert_file(job.source, job.target, decorrelator=decorrelator, options=options, name=job.name)
    except Mono2StereoError as error:
        return str(error)
    except MemoryError:
        return f"{job.name}: more than the memory at hand"
    except OSError as error:
        return fault(error)


def _in_processes(jobs: Sequence[Job], workers: int, method: Method, options: FileOptions) -> Outcomes:
    # spawn: forking a process that holds threads can hang.
    context = multiprocessing.get_context("spawn")
    strangers = multiprocessing.active_children()
    with ProcessPoolExecutor(workers, context, _Worker.start, (method, options)) as pool:
        futures: dict[Future[Outcome], Job] = {pool.submit(_Worker.work, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                if process not in strangers:
                    process.terminate()
            raise


class _Worker:
    """A worker process: it has one decorrelator, loaded once, and stops when it is told to."""

    decorrelator: Decorrelator
    options: FileOptions
    stopped = False

    @classmethod
    def start(cls, method: Method, options: FileOptions) -> None:
        end_with_parent()
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # decoders chat; errors are returned
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells
        signal.signal(signal.SIGTERM, cls._stop)
        warnings.simplefilter("ignore", UserWarning)  # the parent has them
        cls.decorrelator, cls.options = method.build(threads=1), options

    @classmethod
    def work(cls, job: Job) -> Outcome:
        if cls.stopped:
            raise SystemExit(128 + signal.SIGTERM)
        return attempt(job, cls.decorrelator, cls.options)

    @classmethod
    def _stop(cls, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        cls.stopped = True
        raise SystemExit(128 + number)

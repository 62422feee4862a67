"""One function over many tracks, a process per core, results in the order of the tracks.

Not concurrent.futures: its threads wait, at the latest when the interpreter ends, for workers that were
stopped in the middle of a message. Here the calling thread does it all, so whatever interrupts it ends all.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.resource_tracker import ensure_running
from typing import Any, TypeVar

from mono2stereo.errors import DataError, Mono2StereoError, sigterm_exits
from mono2stereo.progress import progress

Job = TypeVar("Job")
Result = TypeVar("Result")
GRACE_SECONDS = 1.0  # in which a worker may take away what it has half written


def map_parallel(function: Callable[[Job], Result], jobs: Sequence[Job], *, label: str) -> list[Result]:
    """Call a module-level `function` on each of `jobs` in worker processes; the first error stops all.

    Raises:
        DataError: a worker died.
    """
    workers = min(usable_cores(), len(jobs))
    if workers <= 1:
        return [function(job) for job in progress(jobs, label=label)]
    with _pool(workers) as pipes:
        results = _in_order(function, jobs, pipes)
        try:
            return list(progress(results, total=len(jobs), label=label))
        except (EOFError, ConnectionError):
            raise DataError(
                f"{label}: a worker process died, perhaps for lack of memory; try again"
            ) from None


@contextmanager
def _pool(workers: int) -> Iterator[list[Connection]]:
    """The ends of pipes to as many processes running `_serve`, which end with the block."""
    context = get_context("spawn")  # forking a process that holds threads (BLAS, TensorFlow) can hang
    pipes: list[Connection] = []
    processes = []
    try:
        ensure_running()  # Python's own process beside workers; its start would let interrupts in again
        # Ctrl-C reaches the whole group, and is ours to act on; workers inherit that.
        with _interrupts(signal.SIG_BLOCK):
            for _ in range(workers):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs,), daemon=True)
                process.start()
                theirs.close()
                pipes.append(ours)
                processes.append(process)
        yield pipes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(GRACE_SECONDS)
            process.kill()


def _in_order(
    function: Callable[[Job], Result], jobs: Sequence[Job], pipes: list[Connection]
) -> Iterator[Result]:
    coming = iter(enumerate(jobs))
    at_work: dict[Connection, int] = {}
    done: dict[int, tuple[Result, Exception | None]] = {}
    for number in range(len(jobs)):
        while number not in done:
            for pipe in wait(pipes):
                assert isinstance(pipe, Connection)
                answer = pipe.recv()
                if pipe in at_work:
                    done[at_work.pop(pipe)] = answer
                if (job := next(coming, None)) is not None:
                    at_work[pipe] = job[0]
                    pipe.send((function, job[1]))
        result, error = done.pop(number)
        if error is not None:
            raise error
        yield result


def _serve(pipe: Connection) -> None:
    """A worker: says that it is ready, then answers each job with its result or its error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    answer: tuple[Any, Exception | None] = None, None
    with _interrupts(signal.SIG_UNBLOCK), sigterm_exits(), suppress(EOFError, ConnectionError):
        while True:
            pipe.send(answer)
            function, job = pipe.recv()
            try:
                answer = function(job), None
            except Exception as error:
                if not isinstance(error, Mono2StereoError):
                    error.add_note(traceback.format_exc())  # a traceback itself does not travel
                answer = None, error


@contextmanager
def _interrupts(how: int) -> Iterator[None]:
    """Within the block SIGINT waits, or no longer does, here and in processes that are started."""
    before = signal.pthread_sigmask(how, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """A worker whose parent was killed would work on, or wait for work for ever."""

    def watch() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def usable_cores() -> int:
    """Cores that this process may use, which a cluster's scheduler can make fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

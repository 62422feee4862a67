"""One function over many tracks, a process per core, results in the order of the tracks.

Not concurrent.futures: its threads wait, at the latest when the interpreter ends, for workers that were
stopped in the middle of a message. Here the calling thread does it all, so whatever interrupts it ends all.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.resource_tracker import ensure_running
from typing import Any, Self, TypeVar

from mono2stereo.errors import DataError, Mono2StereoError, sigterm_exits
from mono2stereo.progress import progress

Job = TypeVar("Job")
Result = TypeVar("Result")
GRACE_SECONDS = 5.0  # in which a worker may take away what it has half written


class WorkerDiedError(Exception):
    """A worker process ended in the middle of a job, or before its first."""


def map_parallel(function: Callable[[Job], Result], jobs: Sequence[Job], *, label: str) -> list[Result]:
    """Call a module-level `function` on each of `jobs` in worker processes; the first error stops all.

    Raises:
        DataError: a worker died.
    """
    workers = min(usable_cores(), len(jobs))
    if workers <= 1:
        return [function(job) for job in progress(jobs, label=label)]
    with closing(as_done(function, jobs, workers)) as answers:
        try:
            return list(progress(_in_order(answers), total=len(jobs), label=label))
        except WorkerDiedError:
            raise DataError(
                f"{label}: a worker process died, perhaps for lack of memory; try again"
            ) from None


def as_done(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int
) -> Generator[tuple[int, Result, Exception | None]]:
    """Call `function` on each of `jobs` in processes; yields number, result and error of each as they come.

    Whoever leaves the iteration stops the workers, which take away first what they have half written. One
    that dies costs its job, and another takes its place.

    Raises:
        WorkerDiedError: before its first job; as an error, of that job.
    """
    coming = iter(enumerate(jobs))
    at_work: dict[Connection, int] = {}
    with _Pool() as pool:
        for _ in range(workers):
            pool.start()
        while pool.pipes:
            for pipe in wait(pool.pipes):
                assert isinstance(pipe, Connection)
                number = at_work.pop(pipe, None)
                try:
                    answer = pipe.recv()
                except (EOFError, ConnectionError):
                    if number is None:
                        raise WorkerDiedError from None
                    answer = None, WorkerDiedError()
                    pool.pipes.remove(pipe)
                    pool.start()
                else:
                    if (job := next(coming, None)) is None:
                        pool.pipes.remove(pipe)
                    else:
                        at_work[pipe] = job[0]
                        with suppress(ConnectionError):  # it died just now, and is met again
                            pipe.send((function, job[1]))
                if number is not None:
                    yield number, *answer


def _in_order(answers: Iterable[tuple[int, Result, Exception | None]]) -> Iterator[Result]:
    done: dict[int, tuple[Result, Exception | None]] = {}
    following = 0
    for number, result, error in answers:
        done[number] = result, error
        while following in done:
            result, error = done.pop(following)
            if error is not None:
                raise error
            yield result
            following += 1


class _Pool:
    """Processes running `_serve`, which end with the block.

    Attributes:
        pipes: our ends of the pipes to those that have work.
    """

    def __init__(self) -> None:
        self.pipes: list[Connection] = []
        self._processes: list[SpawnProcess] = []
        if os.name == "posix":
            ensure_running()  # Python's own process beside workers; its start would let interrupts in again

    def __enter__(self) -> Self:
        return self

    def start(self) -> None:
        """One more."""
        context = get_context("spawn")  # forking a process that holds threads (BLAS, TensorFlow) can hang
        # Ctrl-C reaches the whole group, and is ours to act on; workers inherit that.
        with _interrupts("SIG_BLOCK"):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self._processes.append(process)

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(GRACE_SECONDS)
            process.kill()


def _serve(pipe: Connection) -> None:
    """A worker: says that it is ready, then answers each job with its result or its error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    answer: tuple[Any, Exception | None] = None, None
    with _interrupts("SIG_UNBLOCK"), sigterm_exits(), suppress(EOFError, ConnectionError):
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
def _interrupts(how: str) -> Iterator[None]:
    """Within the block SIGINT waits, or no longer does, here and in processes that are started."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(getattr(signal, how), [signal.SIGINT])
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

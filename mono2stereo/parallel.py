"""One function over many tracks, a process per core, results in the order of the tracks."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

from mono2stereo.errors import DataError
from mono2stereo.progress import progress

Job = TypeVar("Job")
Result = TypeVar("Result")


def map_parallel(function: Callable[[Job], Result], jobs: Sequence[Job], *, label: str) -> list[Result]:
    """Call a module-level `function` on each of `jobs` in worker processes; the first error stops all.

    Raises:
        DataError: a worker died.
    """
    workers = min(usable_cores(), len(jobs))
    if workers <= 1:
        return [function(job) for job in progress(jobs, label=label)]
    # spawn: forking a process that holds threads (BLAS, TensorFlow) can hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        try:
            return list(progress(pool.map(function, jobs), total=len(jobs), label=label))
        except BrokenProcessPool:
            raise DataError(
                f"{label}: a worker process died, perhaps for lack of memory; try again"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""

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

"""What training together costs: one device beside two that share the same batch and the same cores.

Two logical devices of this CPU, and two processes on loopback, compute the same step on the same cores, so
that all they take longer is copying, adding up and waiting: `train.strategy` mirrored and multi_worker.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from benchmarks.compare import Candidate, record, rows, time_in_turn
from benchmarks.gan_step import BASE, CONTEXT_FRAMES, frame_step, make_step

REPLICAS = 2


def step(*, strategy: str, processes: int = 1) -> Callable[[], object]:
    """A step on a constant batch, in one process or as the first of several."""
    if processes == 1:
        return _step(strategy)
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(processes)]
    addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in sockets]
    for server in sockets:
        server.close()
    context, pipes = mp.get_context("spawn"), []
    for index in range(1, processes):
        here, there = context.Pipe()
        context.Process(target=_follow, args=(strategy, addresses, index, there), daemon=True).start()
        pipes.append(here)
    _take_place(addresses, 0)
    first = _step(strategy)

    def together() -> object:
        for pipe in pipes:
            pipe.send(True)
        return first()

    return together


def _follow(strategy: str, addresses: list[str], index: int, pipe: Any) -> None:
    _take_place(addresses, index)
    mine = _step(strategy)
    with suppress(EOFError):  # the chief is done
        while pipe.recv():
            mine()


def _take_place(addresses: list[str], index: int) -> None:
    task = {"type": "worker", "index": index}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[index :: len(addresses)] or cores)


def _step(strategy: str) -> Callable[[], object]:
    import tensorflow as tf

    from mono2stereo.distribution.team import gather
    from mono2stereo.training.hardware import share_cores

    share_cores()
    devices = [tf.config.LogicalDeviceConfiguration()] * (REPLICAS if strategy == "mirrored" else 1)
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    team = gather(strategy, BASE["batch"], str)  # type: ignore[arg-type]
    with team.strategy.scope():
        gan = make_step(**{key: BASE[key] for key in ("width", "crop", "bins")})
    share, crop = len(team.share(BASE["batch"])), BASE["crop"]
    mid = 0.1 * tf.random.normal((share, CONTEXT_FRAMES * frame_step(BASE["bins"]) + crop))
    batch = team.by_replica(mid, 0.05 * tf.random.normal((share, crop)))

    def train() -> object:
        figures = gan.train(*batch)
        team.agree_to_stop()
        return figures

    return train


def main() -> None:
    """Time, print and record."""
    candidates = {
        "ours": Candidate("benchmarks.distribution:step", {"strategy": "single"}),
        "mirrored": Candidate("benchmarks.distribution:step", {"strategy": "mirrored"}),
        "multi_worker": Candidate(
            "benchmarks.distribution:step", {"strategy": "multi_worker", "processes": REPLICAS}
        ),
    }
    record(rows("distribution/quarter", time_in_turn(candidates, rounds=7)))


if __name__ == "__main__":
    main()

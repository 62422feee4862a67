"""All processes of a job meet before TensorFlow connects them: it would wait in silence for who is missing.

Every worker calls at the chief's address, which TensorFlow takes over afterwards, and says what it would
train.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from mono2stereo.errors import TrainingError

PATIENCE_SECONDS = 600.0
GO, OTHER = b"go\n", b"other\n"


def meet(addresses: Sequence[str], index: int, fingerprint: Callable[[], str]) -> None:
    """Return when everyone is here.

    A worker waits for the chief as long as it takes, since the chief may have stages to run before; the chief
    then waits ten minutes for its workers.

    Args:
        addresses: `host:port` of each process, the chief's first.
        index: This process's.
        fingerprint: Of parameters, data and code; called when the chief is there, and so are the data.

    Raises:
        TrainingError: Somebody does not come, ends meanwhile, or would train something else.
    """
    host, _, port = addresses[0].rpartition(":")
    if index:
        _call(host, int(port), index, fingerprint)
    else:
        _receive(int(port), len(addresses), fingerprint())


def _receive(port: int, count: int, fingerprint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    connections: dict[int, socket.socket] = {}
    with ExitStack() as open_sockets:
        server = open_sockets.enter_context(socket.create_server(("", port), backlog=count))
        while len(connections) < count - 1:
            server.settimeout(max(0.0, deadline - time.monotonic()))
            try:
                connection = open_sockets.enter_context(server.accept()[0])
                connection.settimeout(max(1.0, deadline - time.monotonic()))
                index, _, theirs = connection.makefile("r").readline().strip().partition(" ")
            except TimeoutError:
                missing = ", ".join(str(i) for i in range(1, count) if i not in connections)
                raise TrainingError(
                    f"workers {missing} of {count} have not come within {PATIENCE_SECONDS:.0f} s; see their "
                    "output, then start all again"
                ) from None
            if not index.isdigit():
                raise _ended("a worker")
            if theirs != fingerprint:
                connection.sendall(OTHER)
                raise _differs(int(index))
            connections[int(index)] = connection
        if select.select(list(connections.values()), [], [], 0)[0]:  # closed: nobody says more than one line
            raise _ended("a worker")
        for connection in connections.values():
            connection.sendall(GO)


def _call(host: str, port: int, index: int, fingerprint: Callable[[], str]) -> None:
    print(f"worker {index}: waiting for the chief at {host}:{port}", flush=True)
    while True:
        try:
            connection = socket.create_connection((host, port), timeout=5)
            break
        except OSError:
            time.sleep(0.5)
    with connection:
        connection.settimeout(PATIENCE_SECONDS + 60)
        try:
            connection.sendall(f"{index} {fingerprint()}\n".encode())
            answer = connection.makefile("rb").readline()
        except OSError:
            answer = b""
    if answer == OTHER:
        raise _differs(index)
    if answer != GO:
        raise _ended("the chief")


def _ended(who: str) -> TrainingError:
    return TrainingError(f"{who} ended before training began; see its output, then start all again")


def _differs(index: int) -> TrainingError:
    return TrainingError(
        f"worker {index} has other parameters, data or code than the chief; give all the same params.yaml, "
        "data/pairs and version of the package"
    )

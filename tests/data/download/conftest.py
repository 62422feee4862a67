from __future__ import annotations

from collections.abc import Sequence

import pytest
from misbehaving_server import Server


@pytest.fixture
def serve():
    servers = []

    def start(content: Sequence[int] = b"") -> Server:
        servers.append(Server(content))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()

"""Starts the studio's server and ends it: loopback, a token, a private folder."""

from __future__ import annotations

import asyncio
import secrets
import socket
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import uvicorn

from mono2stereo.errors import DataError, UsageError
from mono2stereo.studio.guard import Guard
from mono2stereo.studio.workers import Workers

if TYPE_CHECKING:
    from mono2stereo.studio.server import Studio

GRACE_SECONDS = 0.3  # for answers under way when it ends


class _Server(uvicorn.Server):
    """Tells who started it once it answers; frees all before it waits for those it still answers."""

    def __init__(self, config: uvicorn.Config, studio: Studio, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._studio, self._tell = studio, started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._studio.close()  # then no answer is waited for
        await super().shutdown(sockets)


def serve(named: Sequence[Path], *, port: int = 0, browse: bool = True) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        named: Files to offer.
        port: 0 for any that is free.
        browse: Open the page in the default browser.

    Raises:
        UsageError: The port is taken.
        DataError: A file is not there.
    """
    for path in named:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        raise UsageError(
            f"port {port}: {(error.strerror or 'not to be had').lower()}; name another"
        ) from None
    asyncio.run(_serve(named, listening, browse))


async def _serve(named: Sequence[Path], listening: socket.socket, browse: bool) -> None:
    workers = Workers()
    await workers.warm()
    from mono2stereo.studio.server import MOST_JSON_BYTES, Studio  # a second, in which workers import, too

    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(24)
    address = f"http://127.0.0.1:{port}/{token}/"

    def started() -> None:
        print(f"{address}\nCtrl-C ends it.", flush=True)
        if browse:
            webbrowser.open(address)

    with TemporaryDirectory(prefix="mono2stereo-studio-", ignore_cleanup_errors=True) as folder:
        hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
        studio = Studio(Path(folder), named, workers)
        app = Guard(studio.app(), token, hosts)
        config = uvicorn.Config(
            app,
            ws="wsproto",
            http="h11",
            log_level="error",
            ws_max_size=MOST_JSON_BYTES,
            ws_ping_interval=None,  # a page that sleeps is not gone: the system tells when one is
            timeout_graceful_shutdown=GRACE_SECONDS,  # type: ignore[arg-type]
            server_header=False,
        )
        await _Server(config, studio, started).serve(sockets=[listening])

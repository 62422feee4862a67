"""The studio's server: the page, and what it asks for; bound to loopback, every path behind a token."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from mono2stereo.conversion.widening import Width
from mono2stereo.decorrelators.classical import CLASSICAL
from mono2stereo.dsp.true_peak import PHASES
from mono2stereo.errors import DataError, Mono2StereoError, UsageError, fault
from mono2stereo.studio import voices
from mono2stereo.studio.kept import keep, read_kept
from mono2stereo.studio.passage import WIDTHS
from mono2stereo.studio.responses import responses
from mono2stereo.studio.saving import Batch, file_name, named_path, save
from mono2stereo.studio.settings import arguments, checked, command_line, form
from mono2stereo.studio.tab import SupersededError, Tab
from mono2stereo.studio.workers import Workers
from mono2stereo.web import shared_assets

MOST_TABS = 16
MOST_UPLOAD_BYTES = 32 << 30
TOO_LARGE = "too large to be dropped; name it on the command line"
MOST_JSON_BYTES = 1 << 16
MOST_SAMPLES = 1 << 20  # of one answer
MOST_COLUMNS = 4096
FIXED = [name for name, method in CLASSICAL.items() if method().changes_mid]  # have a width of their own
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}


class Studio:
    """Tabs and what they share.

    Args:
        folder: Private; for all that tabs need on disk.
        named: Files that the command line named.
        workers: What works for tabs.
    """

    def __init__(self, folder: Path, named: Sequence[Path], workers: Workers) -> None:
        self._folder, self._named = folder, [path.absolute() for path in named]
        self._workers = workers
        self._tabs: dict[str, Tab] = {}
        self._batches: dict[Tab, Batch] = {}
        self._assets = {file.name: file.read_bytes() for file in shared_assets()}
        own = files("mono2stereo.studio") / "assets"
        self._assets |= {file.name: file.read_bytes() for file in own.iterdir() if file.is_file()}

    def app(self) -> Starlette:
        """All routes, without the guard."""
        calls: dict[str, Callable[[Tab, dict[str, Any]], Awaitable[Any]]] = {
            "named": self._open_named,
            "again": self._open_again,
            "apply": self._apply,
            "measure": self._measure,
            "save": self._save,
            "download": self._download,
            "batch": self._batch,
            "pause": self._pause,
            "keep": self._keep,
        }
        return Starlette(
            routes=[
                WebSocketRoute("/tab", self._tab),
                Route("/tabs/{tab}/recording", self._upload, methods=["POST"]),
                Route("/tabs/{tab}/samples/{voice}", self._samples),
                Route("/tabs/{tab}/picture/{voice}", self._picture),
                Route("/tabs/{tab}/download/{name}", self._downloaded),
                *[
                    Route(f"/tabs/{{tab}}/{name}", self._call(call), methods=["POST"])
                    for name, call in calls.items()
                ],
                Route("/{name:path}", self._asset),
            ],
            exception_handlers={SupersededError: _superseded, Mono2StereoError: _refused, OSError: _refused},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        yield
        await self.close()

    async def close(self) -> None:
        """Free what all tabs have."""
        await asyncio.gather(*(tab.close() for tab in self._tabs.values()), self._workers.close())

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"] or "index.html"
        if name not in self._assets:
            return Response("no such page\n", 404)
        return Response(self._assets[name], media_type=TYPES[Path(name).suffix])

    async def _tab(self, socket: WebSocket) -> None:
        """A tab lives as long as its socket."""
        await socket.accept()
        if len(self._tabs) >= MOST_TABS:
            await socket.send_json({"event": "refused", "text": f"{MOST_TABS} tabs are open; close one"})
            await socket.close()
            return
        key = secrets.token_urlsafe(12)
        events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        tab = self._tabs[key] = Tab(self._folder / key, self._workers, events.put_nowait)
        named = [path.name for path in self._named]
        facts = {
            "form": form(),
            "named": named,
            "kept": read_kept(),
            "widths": WIDTHS,
            "fixed": FIXED,
            "phases": PHASES.tolist(),
        }
        events.put_nowait({"event": "tab", "tab": key, "hop": voices.HOP, "bands": voices.BANDS, **facts})

        async def send() -> None:
            while True:
                await socket.send_json(await events.get())

        sending = asyncio.create_task(send())
        try:
            while True:
                await socket.receive_text()
        except (WebSocketDisconnect, KeyError):
            pass
        finally:
            sending.cancel()
            del self._tabs[key]
            self._batches.pop(tab, None)
            await asyncio.shield(tab.close())

    def _call(
        self, call: Callable[[Tab, dict[str, Any]], Awaitable[Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            tab = self._of(request)
            body = b""
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_JSON_BYTES:
                    raise UsageError("more than a page has to say")
            try:
                asked = json.loads(body or b"{}")
            except (ValueError, RecursionError):
                raise UsageError("no JSON") from None
            if not isinstance(asked, dict) or not isinstance(asked.get("settings", {}), dict):
                raise UsageError("no settings")
            return JSONResponse(await call(tab, asked) or {})

        return answer

    def _of(self, request: Request) -> Tab:
        tab = self._tabs.get(request.path_params["tab"])
        if tab is None:
            raise DataError("this tab is closed; reload the page")
        return tab

    async def _upload(self, request: Request) -> Response:
        """A recording that was dropped."""
        tab, name = self._of(request), file_name(request.query_params.get("name", ""))
        size = int(request.headers.get("content-length") or 0)
        tab.uploads.mkdir(exist_ok=True)
        if size > MOST_UPLOAD_BYTES or size > shutil.disk_usage(tab.uploads).free:
            raise DataError(f"{name}: {TOO_LARGE}, where it is not copied")
        for former in tab.uploads.iterdir():
            former.unlink()
        file, written = tab.uploads / name, 0
        try:
            with file.open("xb") as opened:
                async for piece in request.stream():
                    written += len(piece)
                    if written > MOST_UPLOAD_BYTES:
                        raise DataError(f"{name}: {TOO_LARGE}")
                    opened.write(piece)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        await tab.open(file, name, {})
        return JSONResponse({})

    async def _open_named(self, tab: Tab, asked: dict[str, Any]) -> None:
        index = asked.get("index")
        if type(index) is not int or not 0 <= index < len(self._named):
            raise UsageError("no such file was named")
        source = self._named[index]
        await tab.open(source, source.name, asked.get("settings", {}))

    async def _open_again(self, tab: Tab, asked: dict[str, Any]) -> None:
        """The same recording, another channel or track of it."""
        tab.require_recording()
        await tab.open(tab.source, tab.name, asked.get("settings", {}))

    async def _apply(self, tab: Tab, asked: dict[str, Any]) -> dict[str, Any]:
        """What the page needs to play these settings, and the command line that they are."""
        settings = asked.get("settings", {})
        options, width, _ = checked(settings)
        side = await tab.side(settings)
        if side.changes_mid and width is not None:
            raise UsageError(f"{options.method} makes left and right itself; leave out the width")
        packed, notices = await asyncio.to_thread(responses, side, width or Width(), tab.sample_rate)
        return {
            "side": side.number,
            "changesMid": side.changes_mid,
            "gain": packed[0],
            "highband": packed[1],
            "db": (width or Width()).db,
            "notices": notices,
            "command": command_line(arguments(settings), tab.name, []),
        }

    async def _measure(self, tab: Tab, asked: dict[str, Any]) -> dict[str, Any]:
        first, last = asked.get("first"), asked.get("last")
        if type(first) is not int or type(last) is not int:
            raise UsageError("a passage goes from one sample to another")
        return await tab.measure(asked.get("settings", {}), first, last, alone=bool(asked.get("alone")))

    async def _save(self, tab: Tab, asked: dict[str, Any]) -> dict[str, Any]:
        tab.require_recording()
        target = named_path(asked.get("target"), "save as")
        return await tab.finished(
            save(tab, asked.get("settings", {}), target, force=asked.get("force") is True)
        )

    async def _download(self, tab: Tab, asked: dict[str, Any]) -> dict[str, Any]:
        """The same file, into the tab's folder, for the browser to fetch."""
        tab.require_recording()
        downloads = tab.folder / "download"
        shutil.rmtree(downloads, ignore_errors=True)
        target = downloads / file_name(asked.get("target"))
        saved = await tab.finished(save(tab, asked.get("settings", {}), target, force=False))
        return {**saved, "name": target.name}

    async def _downloaded(self, request: Request) -> Response:
        tab, name = self._of(request), file_name(request.path_params["name"])
        file = tab.folder / "download" / name
        if not file.is_file():
            raise DataError("nothing to download")
        return FileResponse(file, filename=name, media_type="application/octet-stream")

    async def _batch(self, tab: Tab, asked: dict[str, Any]) -> None:
        if tab in self._batches and not self._batches[tab].ended:
            raise DataError("a folder is being converted already")
        source, target = (named_path(asked.get(each), f"{each} folder") for each in ("source", "target"))
        if not source.is_dir():
            raise DataError(f"{source}: no such folder")
        checked(asked.get("settings", {}))
        batch = self._batches[tab] = Batch(tab, source, target, asked.get("settings", {}))
        tab.work(batch.run())

    async def _pause(self, tab: Tab, asked: dict[str, Any]) -> None:
        if tab in self._batches:
            self._batches[tab].pause(asked.get("paused") is True)

    async def _keep(self, tab: Tab, asked: dict[str, Any]) -> None:
        kept = asked.get("kept")
        if not isinstance(kept, dict):
            raise UsageError("nothing to keep")
        await asyncio.to_thread(keep, kept)

    async def _samples(self, request: Request) -> Response:
        tab = self._of(request)
        first, last = _range(request, MOST_SAMPLES)
        samples = voices.passage(tab.file(request.path_params["voice"]), first, last)
        return Response(samples.tobytes(), media_type="application/octet-stream")

    async def _picture(self, request: Request) -> Response:
        tab = self._of(request)
        first, last = _range(request, 1 << 40)
        columns = min(int(request.query_params.get("columns", 1000)), MOST_COLUMNS)
        file = tab.file(request.path_params["voice"])
        picture = await asyncio.to_thread(voices.picture, file, max(1, columns), first, last)
        return Response(picture, media_type="application/octet-stream")


def _range(request: Request, most: int) -> tuple[int, int]:
    try:
        first, last = (int(request.query_params[name]) for name in ("first", "last"))
    except (KeyError, ValueError):
        raise UsageError("a passage goes from one sample to another") from None
    if not 0 <= first <= last <= first + most or last > 1 << 48:
        raise UsageError("no such passage")
    return first, last


async def _refused(request: Request, error: Exception) -> Response:
    text = fault(error) if isinstance(error, OSError) else str(error)
    return JSONResponse({"error": text}, 400)


async def _superseded(request: Request, error: Exception) -> Response:
    return Response(status_code=204)

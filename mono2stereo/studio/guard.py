"""Who may ask: whoever knows the token, from a page of this server, under this server's own name."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SENT = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Guard:
    """Refuses what does not come from the studio's own page; strips the token from the path.

    A stranger's domain that resolves to loopback is not in `hosts` (DNS rebinding); a stranger's page sends
    its own Origin, and knows no token.

    Args:
        app: What is guarded.
        token: First part of every path.
        hosts: What the Host header may say.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Sequence[str]) -> None:
        self._app, self._prefix, self._hosts = app, f"/{token}/", hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refused})
        elif refused:
            await PlainTextResponse(refused + "\n", 403)(scope, receive, send)
        else:
            path = scope["path"].removeprefix(self._prefix.rstrip("/"))
            await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, _headed(send))

    def _refused(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._hosts:
            return "not under this name; use the address that mono2stereo studio printed"
        if not hmac.compare_digest(scope["path"][: len(self._prefix)].encode(), self._prefix.encode()):
            return "the token is missing or wrong; use the address that mono2stereo studio printed"
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        if (origin is not None or changes) and origin != f"http://{host}":
            return "not from another page"
        return ""


def _headed(send: Send) -> Send:
    async def headed(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(SENT)
        await send(message)

    return headed

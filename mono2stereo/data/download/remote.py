"""A file on a server, read by byte ranges through whatever the connection does."""

from __future__ import annotations

import io
import os
import random
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version

import requests
import urllib3

from mono2stereo.errors import DataError

CHUNK_BYTES = 1 << 18
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_RETRY_AFTER_SECONDS = 900.0


class ChangedError(Exception):
    """The file on the server is no longer the one that the download began with."""


class StoppedError(Exception):
    """Another thread failed, so this one need not go on."""


@dataclass(frozen=True)
class Version:
    """What tells one version of a file from another: its ETag or else its date, and its size in bytes."""

    validator: str
    size: int


class RemoteFile:
    """One version of a file on a server. Its methods may be called from several threads.

    The server's word on ranges (`Accept-Ranges`) is not asked: some that honour them deny it. A fault is
    followed by a pause for all threads, as long as the server asks or else doubling.

    Args:
        url: http or https.
        timeout_seconds: without a byte, after which a connection counts as broken.
        attempts: faults in a row, without a new byte, after which it gives up.
        pause_seconds: after the first fault.

    Raises:
        DataError: no such file, no length, or `attempts` faults in a row.
    """

    def __init__(
        self, url: str, *, timeout_seconds: float = 30.0, attempts: int = 8, pause_seconds: float = 1.0
    ) -> None:
        self.url = url
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts
        self._pause_seconds = pause_seconds
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"mono2stereo/{version('mono2stereo')}"
        self._session.headers["Accept-Encoding"] = "identity"
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._version: Version | None = None
        self.has_ranges = False
        for _ in self.stream(0, 1):  # the first answer says which version it is, and whether ranges work
            break

    @property
    def version(self) -> Version:
        assert self._version is not None, "set by the first answer, which __init__ waits for"
        return self._version

    def stop(self) -> None:
        """Let every `stream` of other threads end with StoppedError."""
        self._stopped.set()

    def stream(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` to before `stop`, going on where a fault cut them off.

        Raises:
            ChangedError: the file is no longer the same.
            StoppedError: after `stop()`.
            DataError: as the class says.
        """
        faults = 0
        while start < stop:
            self._pause()
            retry_after = None
            fault = f"ended before byte {stop}"
            try:
                with self._session.get(
                    self.url, headers=self._range(start, stop), stream=True, timeout=self._timeout_seconds
                ) as response:
                    if response.status_code in (429, 503):
                        retry_after = response.headers.get("Retry-After")
                    for chunk in self._body(response, start):
                        if self._stopped.is_set():
                            raise StoppedError
                        faults = 0
                        yield chunk[: stop - start]
                        start += len(chunk)
                        if start >= stop:
                            return
            except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
                raise DataError(f"{self.url}: {error}; set data.url to an http or https address") from None
            except requests.exceptions.MissingSchema:
                raise DataError(f"{self.url}: no http or https address; correct data.url") from None
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                fault = _plainly(error)
            faults += 1
            self._after(fault, faults, retry_after)

    def _range(self, start: int, stop: int) -> dict[str, str]:
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if self._version and self._version.validator and not self._version.validator.startswith("W/"):
            headers["If-Range"] = self._version.validator
        return headers

    def _body(self, response: requests.Response, start: int) -> Iterator[bytes]:
        status = response.status_code
        if status in TRANSIENT:
            raise requests.HTTPError(f"HTTP {status} {response.reason}")
        if status == 416 and self._version is not None:
            raise ChangedError
        if status not in (200, 206):
            raise DataError(
                f"{self.url}: HTTP {status} {response.reason}; set data.url to where it lies now, "
                "or fetch it by hand and set data.path"
            )
        first, size = 0, response.headers.get("Content-Length", "")
        if status == 206:
            match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", "").strip())
            if match is None:
                raise requests.HTTPError("a partial answer that does not say which part")
            first, size = int(match[1]), match[2]
        if not size.isdigit():
            raise DataError(f"{self.url}: the server states no length; fetch it by hand and set data.path")
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        self._pin(Version(validator, int(size)), has_ranges=status == 206)
        if status == 200 and self.has_ranges:
            raise requests.HTTPError("ignored the range this time")
        if first != start and status == 206:
            raise requests.HTTPError(f"sent bytes from {first}, asked for {start}")
        skip = start - first
        while chunk := response.raw.read1(CHUNK_BYTES):  # what has come: nothing is lost with the connection
            if chunk[skip:]:
                yield chunk[skip:]
            skip = max(0, skip - len(chunk))

    def _pin(self, version: Version, *, has_ranges: bool) -> None:
        if self._version is None:
            self._version, self.has_ranges = version, has_ranges
        elif version != self._version:
            raise ChangedError

    def _pause(self) -> None:
        while (seconds := self._not_before - time.monotonic()) > 0 and not self._stopped.is_set():
            self._stopped.wait(seconds)
        if self._stopped.is_set():
            raise StoppedError

    def _after(self, fault: str, faults: int, retry_after: str | None) -> None:
        if faults >= self._attempts:
            raise DataError(f"{self.url}: {fault}, {faults} times in a row; the same command goes on later")
        backoff = min(self._pause_seconds * 2 ** (faults - 1), LONGEST_PAUSE_SECONDS)
        seconds = backoff * random.uniform(0.5, 1.5)
        if retry_after is not None:
            with suppress(urllib3.exceptions.InvalidHeader):
                seconds = max(seconds, urllib3.Retry().parse_retry_after(retry_after))
        if seconds > LONGEST_RETRY_AFTER_SECONDS:
            raise DataError(
                f"{self.url}: {fault}; asks to wait {seconds:.0f} s: the same command goes on then"
            )
        print(f"download: {fault}; on in {seconds:.1f} s", file=sys.stderr, flush=True)
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)


class RangeReader(io.RawIOBase):
    """A remote file as zipfile reads it: seek, then read exactly what is needed, one request each."""

    def __init__(self, remote: RemoteFile, *, longest_read_bytes: int = 1 << 26) -> None:
        self._remote = remote
        self._longest_read_bytes = longest_read_bytes
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._remote.version.size}[whence]
        if base + offset < 0:
            raise OSError("before the start of the file")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._remote.version.size
        stop = end if size < 0 else min(end, self._position + size)
        if stop - self._position > self._longest_read_bytes:
            raise DataError(
                f"{self._remote.url}: a directory of {stop - self._position} bytes; not a MUSDB archive"
            )
        data = b"".join(self._remote.stream(self._position, stop))
        self._position += len(data)
        return data


def _plainly(error: Exception) -> str:
    """Name a fault in a few words: the libraries' own texts nest objects and addresses."""
    if isinstance(error, requests.HTTPError):
        return str(error)
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "no trusted certificate"
    return "connection failed or broke"

"""The bytes of a file or a pipe, opened once."""

from __future__ import annotations

import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ENDLESS = 1 << 62  # where a pipe ends
COPIED_BYTES = 1 << 16


class Source(io.RawIOBase):
    """A file, or a pipe whose first bytes can be read again for as long as they are kept.

    Args:
        opened: Path, or a descriptor, which stays open and is a pipe whatever the shell leads there: nobody
            says where it stands, or by which path to open it again.

    Attributes:
        size: In bytes; None of a pipe.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, opened: Path | int) -> None:
        by_path = not isinstance(opened, int)
        self._file = io.FileIO(os.fspath(opened) if isinstance(opened, Path) else opened, closefd=by_path)
        status = os.fstat(self._file.fileno())
        self.size = status.st_size if by_path and stat.S_ISREG(status.st_mode) else None
        self._kept, self._keeps = bytearray(), self.size is None
        self._taken = self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.size is not None

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._position, ENDLESS if self.size is None else self.size)[whence]
        self._position = max(base + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self.size is not None:
            self._file.seek(self._position)
            count = self._file.readinto(buffer) or 0
        else:
            data = self._of_pipe(len(buffer))
            buffer[: len(data)] = data
            count = len(data)
        self._position += count
        return count

    def at(self, position: int, count: int) -> bytes:
        """So many bytes from a place on, fewer where it ends."""
        self.seek(position)
        return b"".join(self._pieces(count))

    def forget(self) -> None:
        """Keep no more of a pipe than there is."""
        self._keeps = False

    def close(self) -> None:
        self._file.close()
        super().close()

    def _pieces(self, count: int) -> Iterator[bytes]:
        while count and (piece := self.read(min(count, COPIED_BYTES))):
            count -= len(piece)
            yield piece

    def _of_pipe(self, count: int) -> bytes:
        if self._position < len(self._kept):
            return bytes(self._kept[self._position : self._position + count])
        while (ahead := self._position - self._taken) > 0 and self._take(min(COPIED_BYTES, ahead)):
            pass
        return self._take(count) if self._position == self._taken else b""

    def _take(self, count: int) -> bytes:
        data = self._file.read(count) or b""
        self._taken += len(data)
        if self._keeps:
            self._kept += data
        return data


class Section(io.RawIOBase):
    """Some of a source's bytes as a file of their own.

    Args:
        source: Must not be read by others meanwhile.
        start: The first byte.
        size: How many; None for all there are.
    """

    def __init__(self, source: Source, start: int = 0, size: int | None = None) -> None:
        self._source, self._start, self._position = source, start, 0
        known = ENDLESS if source.size is None else source.size
        self.size = max(min(known - start, ENDLESS if size is None else size), 0)
        self.furthest = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._source.seekable()

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = max((0, self._position, self.size)[whence] + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = max(min(len(buffer), self.size - self._position), 0)
        data = self._source.at(self._start + self._position, wanted) if wanted else b""
        buffer[: len(data)] = data
        self._position += len(data)
        self.furthest = max(self.furthest, self._position)
        return len(data)


@contextmanager
def on_disk(stream: Source, path: Path) -> Iterator[Path]:
    """The file itself, or what a pipe holds in a temporary one: only a file can be read twice.

    Args:
        stream: Its bytes; a pipe is read to its end.
        path: Of a file.
    """
    if stream.size is not None:
        yield path
        return
    with TemporaryDirectory() as folder:
        spooled = Path(folder) / "pipe"
        stream.forget()
        stream.seek(0)
        with spooled.open("wb") as file:
            shutil.copyfileobj(stream, file)
        yield spooled

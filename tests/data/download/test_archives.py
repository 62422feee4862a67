"""Archives that are damaged, hostile, huge or full of surprises: refused in one line, or unpacked rightly."""

from __future__ import annotations

import io
import shutil
import struct
import zipfile
from pathlib import Path

import pytest
from misbehaving_server import audio_below, mixtures_of, noise, wanted, write_zip

from mono2stereo.data.download import extract, fetch, is_complete
from mono2stereo.errors import DataError

GOOD = mixtures_of(2, only="mixture")


@pytest.fixture(params=["ranges", "whole", "on disk"])
def bring(request, serve, tmp_path: Path):
    """Bring an archive's mixtures below tmp_path/raw, in each of the three ways."""

    def run(content: bytes) -> dict[str, bytes]:
        root = tmp_path / "raw"
        if request.param == "on disk":
            (tmp_path / "x.zip").write_bytes(content)
            extract(tmp_path / "x.zip", root, wanted=wanted)
        else:
            server = serve(content)
            server.has_ranges = request.param == "ranges"
            fetch(server.url, root, wanted=wanted, attempts=2, pause_seconds=0.001, timeout_seconds=0.5)
        return audio_below(root)

    return run


def patched(content: bytes, name: str, *, at: int, value: bytes) -> bytes:
    """Overwrite bytes of a member's entry in the central directory."""
    entry = content.index(b"PK\1\2")
    while content[entry + 46 : entry + 46 + len(name.encode())] != name.encode():
        entry = content.index(b"PK\1\2", entry + 1)
    return content[: entry + at] + value + content[entry + at + len(value) :]


CRC, COMPRESSED, SIZE, OFFSET, FLAGS = 16, 20, 24, 42, 8
FIRST, SECOND = GOOD


def with_name(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(FIRST, GOOD[FIRST])
        archive.writestr("train/x/" + "n" * (len(name) - 8), b"evil")
    return buffer.getvalue().replace(b"train/x/" + b"n" * (len(name) - 8), name.encode())


def bomb(declared: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FIRST, bytes(50_000_000))
    return patched(buffer.getvalue(), FIRST, at=SIZE, value=struct.pack("<I", declared))


def good(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in GOOD.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def offset_of(name: str) -> int:
    return zipfile.ZipFile(io.BytesIO(good())).getinfo(name).header_offset


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(FIRST, b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(FIRST, b"two")
    return buffer.getvalue()


HOSTILE = {
    "parent folder": (lambda: with_name("train/../../../evil/mixture.wav"), "leads out of its folder"),
    "absolute": (lambda: with_name("/tmp/evil/train/a/mixture.wav"), "leads out of its folder"),
    "a drive": (lambda: with_name("C:/evil/train/a/mixture.wav"), "leads out of its folder"),
    "backslashes": (lambda: with_name("train\\..\\evil\\a\\mixture.wav"), "leads out of its folder"),
    "line break": (lambda: with_name("train/a\nb/mixture.wav"), "leads out of its folder"),
    "declared bomb": (lambda: bomb(50_000_000), "are no music; the archive is refused as a bomb"),
    "undeclared bomb": (lambda: bomb(20_000), "damaged"),
    "wrong CRC": (lambda: patched(good(), FIRST, at=CRC, value=b"\1\2\3\4"), "mixture.wav: .*damaged"),
    "wrong size": (lambda: patched(good(), FIRST, at=SIZE, value=struct.pack("<I", 19_999)), "damaged"),
    "larger size": (lambda: patched(good(), FIRST, at=SIZE, value=struct.pack("<I", 20_001)), "damaged"),
    "overlap": (
        lambda: patched(good(), SECOND, at=OFFSET, value=struct.pack("<I", 3)),
        "overlap or leave gaps|damaged",
    ),
    "gap": (
        lambda: patched(good(), FIRST, at=COMPRESSED, value=struct.pack("<I", 10)),
        "overlap or leave gaps|bomb|damaged",
    ),
    "offset outside": (lambda: patched(good(), SECOND, at=OFFSET, value=b"\xff\xff\xff\x0f"), "zip|overlap"),
    "twice": (twice, "holds a recording twice"),
    "cut off": (lambda: good()[:-30], "not a zip archive"),
    "head cut off": (lambda: good()[50:], "not a zip archive|damaged|overlap"),
    "no zip": (lambda: b"<html>" * 100, "not a zip archive"),
    "empty zip": (lambda: write_empty(), "holds none of the recordings"),
    "one byte": (lambda: b"P", "not a zip archive"),
}


def write_empty() -> bytes:
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    return buffer.getvalue()


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_and_damaged_archives_end_in_one_line(bring, tmp_path: Path, kind: str) -> None:
    make, line = HOSTILE[kind]
    content = make()
    before = set(tmp_path.iterdir())
    with pytest.raises(DataError, match=line) as error:
        bring(content)
    assert "\n" not in str(error.value)
    found = audio_below(tmp_path / "raw")
    assert found.items() <= GOOD.items(), "a wrong file looks right"
    assert not is_complete(tmp_path / "raw")
    assert {path.name for path in set(tmp_path.iterdir()) - before} <= {"raw", "raw.zip", "x.zip"}
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 500_000


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_methods(bring, method: int) -> None:
    assert bring(good(method)) == GOOD


def test_written_as_a_stream_with_a_comment(bring) -> None:
    """Sizes and CRC32 in data descriptors after the members, zip64 fields in the headers."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"made for a test " * 50
        archive.mkdir("train")
        for name, data in GOOD.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)
    assert bring(bytes(pipe.data)) == GOOD


class Sparse:
    """A file as a server's content: only what is asked for is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return self.path.stat().st_size

    def __getitem__(self, part: slice) -> bytes:
        with self.path.open("rb") as file:
            file.seek(part.start)
            return file.read(part.stop - part.start)


def test_members_beyond_four_gigabytes(serve, tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.seek(5 << 30)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in GOOD.items():
                archive.writestr(name, data)
    server = serve(Sparse(path))
    fetch(server.url, tmp_path / "raw", wanted=wanted)
    assert audio_below(tmp_path / "raw") == GOOD
    assert server.sent < 50_000
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo(FIRST).header_offset == 5 << 30


def test_room_is_checked_first(serve, tmp_path: Path) -> None:
    """An archive that says, with truth, that it unpacks to more than the disk has free."""
    path = tmp_path / "large.zip"
    free = shutil.disk_usage(tmp_path).free
    with path.open("wb") as file:
        archive = zipfile.ZipFile(file, "w")
        archive.writestr(FIRST, GOOD[FIRST])
        info = archive.getinfo(FIRST)
        info.compress_size = free // 40
        info.file_size = 2 * free
        archive.start_dir += info.compress_size - len(GOOD[FIRST])
        file.seek(archive.start_dir)
        archive.close()
    server = serve(Sparse(path))
    with pytest.raises(DataError, match=r"GB needed, .* GB free; make room first"):
        fetch(server.url, tmp_path / "raw", wanted=wanted)
    server.has_ranges = False
    path.open("r+b").truncate(free * 9 // 10)
    with pytest.raises(DataError, match=r"GB needed, .* GB free; make room first"):
        fetch(server.url, tmp_path / "other", wanted=wanted)
    assert server.sent < 10_000_000


def test_a_disk_that_refuses(serve, tmp_path: Path) -> None:
    server = serve(write_zip(tmp_path / "served.zip", {"train/a/mixture.wav": noise(500, 0)}))
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "train").write_text("a file where a folder must be")
    with pytest.raises(DataError, match="raw/train") as error:
        fetch(server.url, tmp_path / "raw", wanted=wanted)
    assert "\n" not in str(error.value)

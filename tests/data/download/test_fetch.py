"""The downloader against a server that misbehaves: a whole verified tree or one clear line, nothing else."""

from __future__ import annotations

import hashlib
import random
import shutil
import threading
import time
import zipfile
from email.utils import formatdate
from pathlib import Path

import pytest
from misbehaving_server import Fault, audio_below, mixtures_of, wanted, write_zip

from mono2stereo.data.download import archive_of, fetch, is_complete
from mono2stereo.errors import DataError

CONTENTS = mixtures_of()
MIXTURES = {name: data for name, data in CONTENTS.items() if name.endswith("mixture.wav")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "musdb18hq"


@pytest.fixture
def server(serve, tmp_path: Path):
    return serve(write_zip(tmp_path / "served.zip", CONTENTS))


def run(server, root: Path, **options) -> None:
    options = {"timeout_seconds": 0.5, "attempts": 6, "pause_seconds": 0.004, **options}
    fetch(server.url, root, wanted=wanted, **options)


def assert_whole(root: Path, mixtures: dict[str, bytes] = MIXTURES) -> None:
    assert audio_below(root) == mixtures
    assert is_complete(root)
    assert not (root / ".parts").exists()


def sometimes(seed: int, share: float, make):
    """A share of the answers, drawn from the seed and the request's number, goes wrong."""

    def fault(number: int):
        chance = random.Random(f"{seed} {number}")
        return make(chance) if chance.random() < share else None

    return fault


def flipped(body: bytes) -> bytes:
    """One bit of a member's data wrong; the archive's directory is shorter."""
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :] if len(body) > 5000 else body


FAULTS = {
    "drops": lambda chance: Fault(drop_after=chance.randrange(9000), reset=chance.random() < 0.5),
    "429 with Retry-After": lambda chance: Fault(status=429, headers={"Retry-After": "0"}),
    "429": lambda chance: Fault(status=429),
    "500": lambda chance: Fault(status=500),
    "503 until a date": lambda chance: Fault(status=503, headers={"Retry-After": formatdate(usegmt=True)}),
    "503 until nonsense": lambda chance: Fault(status=503, headers={"Retry-After": "soon"}),
    "too few bytes": lambda chance: Fault(body=lambda body: body[: chance.randrange(len(body))]),
    "too many bytes": lambda chance: Fault(body=lambda body: body + b"x" * 500),
    "another range": lambda chance: Fault(first=3),
    "ignores a range": lambda chance: Fault(ignore_range=True),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", FAULTS)
def test_faults_that_pass(server, root: Path, capsys, kind: str, seed: int) -> None:
    faulty = sometimes(seed, 0.4, FAULTS[kind])
    server.fault = lambda number: faulty(number) if number else None  # the first answer says: has ranges
    run(server, root, attempts=12)
    assert_whole(root)
    assert "Traceback" not in capsys.readouterr().err


def test_wrong_bytes_are_fetched_again(server, root: Path) -> None:
    asked = set()

    def fault(number: int) -> Fault | None:
        span = server.requests[number][1]["Range"]
        first_time = span not in asked
        asked.add(span)
        return Fault(body=flipped) if first_time else None

    server.fault = fault
    run(server, root)
    assert_whole(root)
    assert server.sent > 1.9 * sum(len(data) * 5 / 8 for data in MIXTURES.values())


def test_a_stalled_connection_is_given_up(server, root: Path) -> None:
    server.fault = lambda number: Fault(drop_after=700, stall=True) if number in (0, 8) else None
    run(server, root)
    assert_whole(root)


def always(fault: Fault, *, after: int = 0):
    return lambda number: fault if number >= after else None


LASTING = {
    "500": (always(Fault(status=500)), "HTTP 500 .*6 times in a row; the same command goes on"),
    "500 later": (
        always(Fault(status=500), after=7),
        "HTTP 500 .*6 times in a row; the same command goes on",
    ),
    "404": (always(Fault(status=404)), "HTTP 404 Not Found; set data.url"),
    "403 later": (always(Fault(status=403), after=7), "HTTP 403 Forbidden; set data.url"),
    "stall": (always(Fault(drop_after=0, stall=True), after=7), "no answer in time, 6 times in a row"),
    "drops": (always(Fault(drop_after=0), after=7), "connection failed or broke, 6 times in a row"),
    "ignores ranges later": (
        always(Fault(ignore_range=True), after=7),
        "ignored the range this time, 6 times",
    ),
    "an hour": (always(Fault(status=429, headers={"Retry-After": "3600"}), after=7), "asks to wait 3600 s"),
    "wrong bytes": (
        always(Fault(body=flipped)),
        "mixture.wav: wrong CRC32 or size 3 times; the archive there is damaged",
    ),
    "204": (always(Fault(status=204)), "HTTP 204"),
    "no length": (always(Fault(ignore_range=True, headers={"Content-Length": ""})), "states no length"),
}


@pytest.mark.parametrize("kind", LASTING)
def test_faults_that_last_end_in_one_line_and_lose_nothing(server, root: Path, kind: str) -> None:
    server.fault, line = LASTING[kind]
    with pytest.raises(DataError, match=line) as error:
        run(server, root, timeout_seconds=0.1)
    assert "\n" not in str(error.value)
    assert audio_below(root).items() <= MIXTURES.items()
    assert not is_complete(root)
    server.fault = lambda number: None
    run(server, root)
    assert_whole(root)


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://127.0.0.1:9/x.zip", "connection failed or broke, 2 times"),
        ("ftp://example.org/x.zip", "data.url"),
        ("example.org/x.zip", "data.url"),
        ("http://", "data.url"),
    ],
)
def test_addresses_that_lead_nowhere(root: Path, url: str, line: str) -> None:
    with pytest.raises(DataError, match=line):
        fetch(url, root, wanted=wanted, attempts=2, pause_seconds=0.001)


def test_waits_as_long_as_the_server_asks_on_every_connection(serve, tmp_path: Path, root: Path) -> None:
    contents = mixtures_of(16, only="mixture")
    server = serve(write_zip(tmp_path / "served.zip", contents))
    server.on_sent = lambda: time.sleep(0.05)  # so that the other three are under way when one is refused
    refused = []

    def fault(number: int) -> Fault | None:
        if number == 9:
            refused.append(server.requests[number][0])
            return Fault(status=429, headers={"Retry-After": "1"})
        return None

    server.fault = fault
    run(server, root)
    assert_whole(root, contents)
    waits = [moment - refused[0] for moment, _ in server.requests[13:]]
    assert len(waits) > 5
    assert min(waits) >= 0.99


def test_is_polite(server, root: Path) -> None:
    server.on_sent = lambda: time.sleep(0.002)
    run(server, root)
    assert 1 < server.most_busy <= 4
    assert all(headers["User-Agent"].startswith("mono2stereo/") for _, headers in server.requests)
    assert all(headers["Accept-Encoding"] == "identity" for _, headers in server.requests)
    assert {headers.get("If-Range") for _, headers in server.requests[1:]} == {'"one"'}


def test_a_musdb_shaped_archive_costs_its_mixtures(serve, tmp_path: Path, root: Path, capsys) -> None:
    contents = mixtures_of(150, size=40_000)
    server = serve(write_zip(tmp_path / "served.zip", contents))
    with zipfile.ZipFile(tmp_path / "served.zip") as archive:
        mixtures = [info for info in archive.infolist() if info.filename.endswith("mixture.wav")]
    run(server, root)
    assert len(mixtures) == 150
    assert len(contents) == 750
    assert server.sent <= 1.02 * sum(info.compress_size for info in mixtures)
    assert len(server.requests) < 160
    assert_whole(root, {name: data for name, data in contents.items() if "mixture" in name})
    requests = len(server.requests)
    run(server, root)
    assert len(server.requests) == requests
    assert "B/s" in capsys.readouterr().err


def test_what_is_there_is_verified_and_only_the_rest_fetched(server, root: Path) -> None:
    run(server, root)
    names = sorted(MIXTURES)
    (root / names[0]).write_bytes(MIXTURES[names[0]][::-1])  # the size is right
    (root / names[1]).write_bytes(MIXTURES[names[1]][:-1])
    (root / names[2]).unlink()
    (root / ".complete").unlink()
    sent, server.sent = server.sent, 0
    run(server, root)
    assert_whole(root)
    assert server.sent < 0.6 * sent


def test_two_processes_share_one_download(server, root: Path) -> None:
    threads = [threading.Thread(target=run, args=(server, root)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_whole(root)
    assert server.sent < 1.1 * sum(len(data) * 5 / 8 for data in MIXTURES.values()) + 10_000


@pytest.mark.parametrize("validators", [{"ETag": '"a"'}, {"ETag": 'W/"a"'}, {"Last-Modified": "a"}, {}])
@pytest.mark.parametrize("has_if_range", [True, False])
@pytest.mark.parametrize("when", ["between requests", "between runs"])
def test_a_file_that_changes_starts_again(
    server, root: Path, tmp_path: Path, capsys, when: str, validators: dict, has_if_range: bool
) -> None:
    new = {**mixtures_of(4, seed=1), **mixtures_of(1)}
    content = write_zip(tmp_path / "new.zip", new)
    after = {name: value.replace("a", "b") for name, value in validators.items()}
    server.validators, server.has_if_range = validators, has_if_range

    def change() -> None:
        server.content, server.validators = content, after

    def fault(number: int):
        if number == 8 and when == "between requests":
            change()
        return Fault(drop_after=4000) if when == "between runs" and number >= 8 else None

    server.fault = fault
    if when == "between runs":
        with pytest.raises(DataError):
            run(server, root, attempts=1)
        server.fault = lambda number: None
        change()
    run(server, root)
    mixtures = {name: data for name, data in new.items() if name.endswith("mixture.wav")}
    found = audio_below(root)
    assert mixtures.items() <= found.items()
    assert all(data == MIXTURES[name] for name, data in found.items() if name not in mixtures)
    assert is_complete(root)
    assert capsys.readouterr().err.count("has changed; starting again") == 1


def test_a_file_that_never_stops_changing(server, root: Path) -> None:
    def fault(number: int) -> None:
        server.validators = {"ETag": f'"{number}"'}

    server.fault = fault
    with pytest.raises(DataError, match="changed on the server 3 times"):
        run(server, root)
    assert audio_below(root).items() <= MIXTURES.items()


class TestWithoutRanges:
    """A server that sends the whole file whatever is asked."""

    @pytest.fixture(autouse=True)
    def _no_ranges(self, server) -> None:
        server.has_ranges = False

    @pytest.mark.parametrize("delete", [True, False])
    def test_the_whole_archive_is_fetched_once(self, server, root: Path, delete: bool) -> None:
        sha256 = hashlib.sha256(server.content).hexdigest()
        run(server, root, sha256=sha256, delete_archive=delete)
        assert_whole(root)
        assert archive_of(root).exists() != delete
        requests = len(server.requests)
        run(server, root, sha256=sha256)
        assert len(server.requests) == requests

    def test_an_archive_that_stayed_is_used_again(self, server, root: Path) -> None:
        run(server, root)
        shutil.rmtree(root)
        requests = len(server.requests)
        run(server, root, delete_archive=True)
        assert_whole(root)
        assert len(server.requests) == requests
        assert not archive_of(root).exists()

    @pytest.mark.parametrize("seed", range(3))
    def test_drops(self, server, root: Path, seed: int) -> None:
        """Each connection breaks somewhere; what an earlier one brought counts."""
        chance = random.Random(seed)
        drops = sorted(chance.sample(range(len(server.content)), 6))
        server.fault = lambda number: Fault(drop_after=drops[number - 1]) if 0 < number <= 6 else None
        run(server, root, sha256=hashlib.sha256(server.content).hexdigest())
        assert_whole(root)

    def test_goes_on_in_another_process_where_ranges_work_again(self, server, root: Path) -> None:
        server.fault = always(Fault(drop_after=60_000), after=1)
        with pytest.raises(DataError, match="3 times in a row"):
            run(server, root, attempts=3)
        server.fault = lambda number: None
        first = len(server.requests)
        run(server, root)
        assert_whole(root)
        assert [h["Range"] for _, h in server.requests[first:]][1].startswith("bytes=60000-")

    def test_a_wrong_sha256_leaves_nothing(self, server, root: Path) -> None:
        with pytest.raises(DataError, match=r"sha256 .*, not 0+; deleted: run again"):
            run(server, root, sha256="0" * 64)
        assert audio_below(root) == {}
        assert not archive_of(root).exists()
        assert not list((root / ".parts").rglob("*.zip"))

    def test_a_page_instead_of_an_archive(self, serve, root: Path) -> None:
        server = serve(b"<html>Please log in</html>")
        server.has_ranges = False
        with pytest.raises(DataError, match="not a zip archive"):
            run(server, root)

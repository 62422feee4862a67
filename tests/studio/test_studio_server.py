"""The studio's server as a page asks it, and as strangers do."""

from __future__ import annotations

import base64
import json
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import websocket
from tabs import PATIENCE_SECONDS, RATE, SUPERSEDED, Studio, Tab, recording

from mono2stereo.cli import main


def wait(condition: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def children(studio: Studio) -> list[str]:
    """Processes at work for the studio: those that wait for work hold no file of a tab."""
    return [pid for pid in processes(studio) if any(str(studio.temporary) in file for file in _files(pid))]


def processes(studio: Studio) -> list[str]:
    found = subprocess.run(["pgrep", "-P", str(studio.process.pid)], capture_output=True, text=True)
    return found.stdout.split()


def _files(pid: str) -> list[str]:
    try:
        return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def tab_folders(studio: Studio) -> list[Path]:
    return [path for top in studio.temporary.iterdir() for path in top.iterdir()]


def test_only_its_own_page_is_answered(studio: Studio, tab: Tab) -> None:
    path, base = f"tabs/{tab.key}/keep", f"http://{studio.host}/"
    assert studio.ask("")[0] == 200
    assert studio.ask("", base=base)[0] == 403
    assert studio.ask("x" * 32 + "/", base=base)[0] == 403
    assert studio.ask("", Host="rebound.example:80")[0] == 403
    assert studio.ask("", Host=f"rebound.example:{studio.host.split(':')[1]}")[0] == 403
    assert studio.ask("", Origin="http://evil.example")[0] == 403
    assert studio.ask(path, b"{}", Origin="null")[0] == 403
    assert studio.ask(path, b"{}", Origin="http://127.0.0.1:1")[0] == 403
    assert studio.ask(path, b'{"kept": {}}')[0] == 200
    for origin, address in [("http://evil.example", studio.address), (f"http://{studio.host}", base)]:
        with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
            websocket.create_connection(address.replace("http:", "ws:") + "tab", origin=origin)
    listening = subprocess.run(["ss", "-ltnp"], capture_output=True, text=True).stdout.splitlines()
    assert {line.split()[3] for line in listening if f"pid={studio.process.pid}," in line} == {studio.host}


@pytest.mark.parametrize(
    "name", ["../pyproject.toml", "%2e%2e/server.py", "/etc/passwd", "tabs/none/samples/mid"]
)
def test_no_other_file_is_served(studio: Studio, name: str) -> None:
    assert studio.ask(name)[0] in (400, 404)


def test_what_is_heard_is_what_convert_makes(tab: Tab, sounds: list[Path], tmp_path: Path) -> None:
    """Side through the filters that the page is given, as floats, beside the file that `convert` writes."""
    assert tab.first["named"] == ["short.wav", "long.wav"]
    settings = {"width": -4.5, "mono-below": 120.0}
    tab.call("named", index=0)
    frames = tab.opened()["frames"]
    applied = tab.call("apply", settings=settings)
    tab.until(lambda e: e.get("voice") == "side-1" and e["event"] == "finished")
    mid, side = tab.samples("mid", frames), tab.samples("side-1", frames)
    gain, highband = (np.frombuffer(base64.b64decode(applied[key]), "<f4") for key in ("gain", "highband"))
    made = np.convolve(side, gain)[:frames] + np.convolve(mid, highband)[:frames]
    made *= 10 ** (applied["db"] / 20)
    main(["convert", str(sounds[0]), "-o", str(tmp_path / "out.wav"), "--width=-4.5", "--mono-below=120"])
    stereo, _ = soundfile.read(tmp_path / "out.wav")
    np.testing.assert_allclose(stereo[:, 0], mid + made, atol=1e-4)
    np.testing.assert_allclose(stereo[:, 1], mid - made, atol=1e-4)


@pytest.mark.parametrize(
    "settings", [{}, {"method": "velvet", "width": 3, "samples": "16"}, {"method": "haas"}]
)
def test_what_is_saved_is_what_convert_writes(
    tab: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict
) -> None:
    """And the command line that the page shows writes it, too."""
    source = recording(tmp_path / "a recording.wav", 1.0, subtype="PCM_24")
    assert tab.drop(source, "a%20recording.wav") == {}
    tab.opened()
    saved = tab.call("save", settings=settings, target=str(tmp_path / "saved.wav"))
    program, command, *arguments = shlex.split(saved["command"])
    assert (program, command) == ("mono2stereo", "convert")
    arguments[arguments.index("-o") + 1] = str(tmp_path / "again.wav")
    monkeypatch.chdir(tmp_path)
    main([command, *arguments])
    assert (tmp_path / "saved.wav").read_bytes() == (tmp_path / "again.wav").read_bytes()
    assert "exists" in tab.call("save", settings=settings, target=str(tmp_path / "saved.wav"))
    downloaded = tab.call("download", settings=settings, target="saved.wav")
    assert tab.get(f"download/{downloaded['name']}") == (tmp_path / "saved.wav").read_bytes()


REFUSED = [
    ({"width": 99}, "width 99.0 dB: a number up to 40"),
    ({"nonsense": 1}, "nonsense: no setting"),
    ({"output": "/etc/passwd"}, "output: no setting"),
    ({"method": "none"}, "argument --method: invalid choice"),
    ({"method": "velvet", "model": "a.onnx"}, "not allowed with argument"),
    ({"width": True}, "width: not of its kind"),
    ({"width": [1]}, "width: not of its kind"),
    ({"model": "a\0b"}, "model: not of its kind"),
    ({"model": "/no/such.onnx"}, "no such model file"),
    ({"method": "haas", "width": 1}, "makes left and right itself"),
]


def test_settings_are_those_of_the_command_line(tab: Tab) -> None:
    tab.call("named", index=0)
    tab.opened()
    for settings, said in REFUSED:
        assert said in tab.call("apply", settings=settings)


def test_what_was_asked_of_the_recording_before_is_no_fault(tab: Tab) -> None:
    for _ in range(20):
        tab.call("named", index=0)
        tab.until(lambda e: e.get("voice") == "mid" and e["event"] == "opened")
        with ThreadPoolExecutor(1) as beside:
            answer = beside.submit(tab.call, "apply", settings={})
            time.sleep(0.05)  # it waits for the network's first samples
            tab.call("named", index=1)
        if answer.result() is SUPERSEDED:
            return
    pytest.fail(answer.result())


def test_measures_are_those_of_the_command(tab: Tab) -> None:
    tab.call("named", index=0)
    tab.opened()
    measured = tab.call("measure", settings={"width": 2.0}, first=0, last=RATE)
    for _ in range(100):
        if isinstance(measured, dict):
            break
        time.sleep(0.1)  # its side is not there yet
        measured = tab.call("measure", settings={"width": 2.0}, first=0, last=RATE)
    assert measured["lufs"]["input"] == pytest.approx(measured["lufs"]["fold_down"])
    widest = measured["lufs"]["stereo"]
    assert measured["gains"][1] == pytest.approx(10 ** ((measured["lufs"]["input"] - widest) / 20))
    assert {row["heading"] for row in measured["measures"]} >= {
        "coherence 1024",
        "log-mel (dB)",
        "loudness (LU)",
    }
    (louder,) = [float(row["value"]) for row in measured["measures"] if row["heading"] == "loudness (LU)"]
    assert louder == pytest.approx(widest - measured["lufs"]["input"], abs=0.5)


def test_a_closed_tab_frees_everything_and_no_other(studio: Studio) -> None:
    one, other = Tab(studio), Tab(studio)
    for tab in (one, other):
        tab.call("named", index=1)
        tab.until(lambda e: e["event"] == "opened")
        assert tab.call("apply", settings={})["side"] == 1
    assert len(tab_folders(studio)) == 2
    wait(lambda: children(studio))
    one.socket.close()
    wait(lambda: len(tab_folders(studio)) == 1)
    other.until(lambda e: e.get("voice") == "side-1" and e["event"] == "finished")
    other.socket.close()
    wait(lambda: not tab_folders(studio) and not children(studio))


def test_ctrl_c_ends_it_within_a_second(own_studio: Studio) -> None:
    studio, tab = own_studio, Tab(own_studio)
    tab.call("named", index=1)
    tab.until(lambda e: e["event"] == "opened")
    tab.call("apply", settings={})
    at_work = processes(studio)
    assert at_work
    assert studio.stop() < 2.0  # one, on a machine that has nothing else to do
    assert not list(studio.temporary.iterdir())
    wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in at_work))


def test_its_workers_end_with_a_killed_studio(own_studio: Studio) -> None:
    studio, tab = own_studio, Tab(own_studio)
    tab.call("named", index=1)
    tab.until(lambda e: e["event"] == "opened")
    found = processes(studio)
    studio.process.send_signal(signal.SIGKILL)
    studio.process.wait()
    wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in found))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.wav", b""),
        ("text.wav", b"no sound at all"),
        ("cut.wav", None),
        ("zip.flac", b"PK\x03\x04" + bytes(1000)),
        ("page.html", b"<script>alert(1)</script>"),
    ],
)
def test_hostile_files_are_refused_in_a_line_and_the_tab_goes_on(
    tab: Tab, tmp_path: Path, name: str, content: bytes | None
) -> None:
    file = tmp_path / name
    whole = recording(tmp_path / "whole.wav", 0.5).read_bytes()
    file.write_bytes(whole[:30] if content is None else content)
    assert tab.drop(file) == {}
    told = tab.opened()
    assert told["event"] == "failed"
    assert told["text"].startswith(name)
    assert "\n" not in told["text"]
    assert tab.drop(tmp_path / "whole.wav") == {}
    assert tab.opened()["event"] == "finished"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("..%2F..%2Fescape.wav", "escape.wav"),
        ("C%3A%5Ctemp%5Cescape.wav", "escape.wav"),
        ("%2Fetc%2Fpasswd", "passwd"),
        ("..", None),
        ("", None),
        ("a%00b%0A.wav", "ab.wav"),
        ("-o.wav", "-o.wav"),
        ("%C3%A4" * 200 + ".wav", "ä" * 88 + ".wav"),
    ],
)
def test_a_dropped_file_stays_in_its_tab(tab: Tab, tmp_path: Path, name: str, kept: str | None) -> None:
    file = recording(tmp_path / "sound.wav", 0.5)
    status, body = tab.studio.ask(f"tabs/{tab.key}/recording?name={name}", file.read_bytes())
    if kept is None:
        assert (status, json.loads(body)["error"]) == (400, "a file has a name")
        return
    told = tab.opened()
    assert (told["event"], told["name"]) == ("finished", kept)
    dropped = [path.name for path in (tab.studio.temporary).rglob(f"{tab.key}/dropped/*")]
    assert dropped == [kept]
    saved = tab.call("save", settings={"method": "haas"}, target=str(tmp_path / "saved.wav"))
    assert (tmp_path / "saved.wav").exists(), saved


def test_sizes_and_numbers_have_limits(studio: Studio) -> None:
    tabs = [Tab(studio) for _ in range(17)]
    assert tabs[15].first["event"] == "tab"
    assert tabs[16].first == {"event": "refused", "text": "16 tabs are open; close one"}
    tab, key = tabs[0], tabs[0].key
    assert tab.call("keep", kept={"a": "x" * 70_000}) == "more than a page has to say"
    assert studio.ask(f"tabs/{key}/keep", b"[" * 60_000)[0] == 400
    status, body = studio.ask(f"tabs/{key}/recording?name=a.wav", b"x", Content_Length=str(1 << 50))
    assert (status, "too large" in str(body)) == (400, True)
    for query in ("first=0&last=9999999", "first=-1&last=2", "first=5&last=2", "first=a&last=b", ""):
        assert studio.ask(f"tabs/{key}/samples/mid?{query}")[0] == 400
    assert "whole path" in tab.call("batch", source="relative", target="/tmp", settings={})
    assert tab.call("save", settings={}, target="/tmp/a.wav") == "no recording is open"
    for tab in tabs:
        tab.socket.close()
    wait(lambda: not tab_folders(studio))


def test_a_folder_is_converted_with_pause_and_a_list_of_failures(tab: Tab, tmp_path: Path) -> None:
    source, target = tmp_path / "songs", tmp_path / "made"
    (source / "below").mkdir(parents=True)
    for name in ("one.wav", "below/two.wav", "three.wav"):
        recording(source / name, 0.5)
    (source / "broken.flac").write_bytes(b"fLaC but no more")
    settings = {"method": "haas", "format": "flac"}
    assert tab.call("batch", source=str(source), target=str(target), settings=settings) == {}
    assert "already" in tab.call("batch", source=str(source), target=str(target), settings=settings)
    assert tab.call("pause", paused=True) == {}
    paused = tab.until(lambda e: e["event"] == "batch" and e["paused"] and not e["current"])
    time.sleep(3)
    assert len(list(target.rglob("*.flac")) if target.exists() else []) <= paused["done"] + 1 < 4
    tab.call("pause", paused=False)
    ended = tab.until(lambda e: e["event"] == "batch" and e["ended"])
    assert (ended["done"], ended["total"]) == (4, 4)
    (failed,) = ended["failed"]
    assert "broken.flac" in failed
    made = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert made == ["below/two.flac", "one.flac", "three.flac"]
    main(["convert", str(source / "one.wav"), "-o", str(tmp_path / "one.flac"), "--method=haas"])
    assert (target / "one.flac").read_bytes() == (tmp_path / "one.flac").read_bytes()


def test_what_is_kept_is_there_after_a_restart(studio: Studio, tab: Tab) -> None:
    tab.call("keep", kept={"last": {"width": -3}})
    assert json.loads(studio.kept.read_text()) == {"last": {"width": -3}}
    again = Tab(studio)
    assert again.first["kept"] == {"last": {"width": -3}}
    studio.kept.unlink()


def test_a_silent_channel_is_left_out_as_convert_does(tab: Tab, tmp_path: Path) -> None:
    stereo = np.zeros((RATE, 2))
    stereo[:, 1] = np.random.default_rng(0).normal(size=RATE) * 0.1
    soundfile.write(tmp_path / "one side.wav", stereo, RATE, subtype="FLOAT")
    tab.drop(tmp_path / "one side.wav", "one%20side.wav")
    told = tab.opened()
    assert "silent" in told["notices"][0]
    np.testing.assert_allclose(tab.samples("mid", RATE), stereo[:, 1], atol=1e-7)
    tab.call("again", settings={"from-left": True})
    tab.opened()
    assert not tab.samples("mid", RATE).any()

"""The page that anybody may open: whose recordings it holds, how large it is, and that browsers play it."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from marionette import Firefox

from mono2stereo.data.pairs import Pair
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.decorrelators.schroeder import Schroeder
from mono2stereo.rendering.listening import public_page
from mono2stereo.rendering.listening.public_page import free_credits, write_public_page

ROOT = Path(__file__).parents[3]
RATE = 22050
TABLE = """
| split | recording | by | licence | source |
|---|---|---|---|---|
| test | a_song.hq.ogg | Ann & Bo | CC BY 3.0 | example.org/a |
| test | b.mp3 | Cy | CC0 | example.org/b |
| test | c.flac | Di | CC BY-SA 3.0 | example.org/c |
| test | d.flac | Di | CC BY-NC 4.0 | example.org/d |
| train | e.flac | Ed | CC0 | example.org/e |
"""


def pair(name: str, seconds: float = 12.0) -> Pair:
    random = np.random.default_rng(len(name))
    mid_side = random.normal(size=(round(seconds * RATE), 2)).astype(np.float32) * np.float32([0.1, 0.03])
    return Pair(name, "test", RATE, mid_side, -10.0, np.ones(80), np.ones(80))


def write(folder: Path) -> str:
    heard = write_public_page(
        [pair(f"test/{name}") for name in ("a_song.hq", "b", "c", "d")],
        free_credits(TABLE, "test"),
        folder,
        step=500,
        model=Lauridsen,
        classical={"schroeder": Schroeder},
        loudness_lufs=-23.0,
    )
    assert [credit.recording for credit in heard] == ["a_song.hq.ogg", "b.mp3"]
    return (folder / "index.html").read_text(encoding="utf-8")


def test_only_what_may_be_passed_on_is_heard_and_it_is_credited(tmp_path: Path) -> None:
    page = write(tmp_path / "listen")
    assert len(page.encode()) < 5_000_000
    credits_ = page[page.index("<footer id='credits'>") : page.index("</footer>")]
    assert (
        "a song, by Ann &amp; Bo: <a href='https://creativecommons.org/licenses/by/3.0/'>CC BY 3.0"
        in credits_
    )
    assert "Cy" in credits_
    assert "Di" not in re.sub(r"<[^>]+>", "", credits_)
    assert '"key": "original"' in page
    assert '"key": "schroeder"' in page
    assert '"key": "step-000500"' in page


def test_a_page_that_would_be_too_large_has_shorter_passages(tmp_path: Path, monkeypatch: Any) -> None:
    whole = len(write(tmp_path / "large").encode())
    monkeypatch.setattr(public_page, "MOST_BYTES", whole * 2 // 3)
    assert whole / 3 < len(write(tmp_path / "small").encode()) <= whole * 2 // 3


def test_the_repositorys_credits_name_test_recordings_that_may_be_passed_on() -> None:
    found = free_credits((ROOT / "docs/recordings.md").read_text(encoding="utf-8"), "test")
    assert len(found) >= 4
    assert not [credit for credit in found.values() if re.search("SA|NC|ND|GPL", credit.licence)]


PLAY = "[data-play]"
POWER = """
    if (!window.meter) return 0;
    const block = new Float32Array(2048);
    window.meter.getFloatTimeDomainData(block);
    return block.reduce((sum, x) => sum + x * x, 0);"""
LISTEN = """
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (to, ...rest) {
      if (this instanceof AudioScheduledSourceNode && to.context instanceof AudioContext) {
        window.meter = window.meter || to.context.createAnalyser();
        connect.call(this, window.meter);
      }
      return connect.call(this, to, ...rest);
    };"""


def plays(browser: Any, page: Path) -> None:
    browser.get(page.as_uri())
    browser.execute_script(LISTEN)
    browser.find_element("css selector", PLAY).click()  # no page may sound before a person has clicked
    ends = time.monotonic() + 120
    while browser.execute_script(POWER) < 1e-3:
        assert time.monotonic() < ends, browser.execute_script("return document.body.innerText")[:500]
        time.sleep(0.5)
    assert not browser.execute_script("return document.getElementById('problem').textContent")
    assert "Ann & Bo" in browser.execute_script("return document.getElementById('credits').innerText")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    write(tmp_path / "listen")
    return tmp_path / "listen/index.html"


@pytest.mark.slow
@pytest.mark.system
def test_chromium_plays_it_from_disk(browser: Any, page: Path) -> None:
    plays(browser, page)


@pytest.mark.slow
@pytest.mark.system
def test_firefox_plays_it_from_disk(tmp_path: Path, page: Path) -> None:
    if not (shutil.which("firefox-esr") or shutil.which("firefox")):
        pytest.skip("no Firefox: apt-get install firefox-esr")
    with Firefox(tmp_path / "profile") as firefox:
        plays(firefox, page)

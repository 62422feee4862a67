"""The studio as a person uses it, in real browsers."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from marionette import Firefox
from numpy.typing import NDArray
from recorder import BASE64, HEARD, RECORDER, place_of, unpacked
from tabs import RATE, Studio, recording

from mono2stereo.cli import main

pytestmark = pytest.mark.system
PATIENCE_SECONDS = 60
QUANTUM = 128  # samples that Web Audio works on at a time
SETTLED = round(0.08 * RATE)  # after which a change of gain is over
LEAD = round(0.03 * RATE)  # from the order to play to the first sample

DROP = """
    const bytes = Uint8Array.from(atob("CONTENT"), (one) => one.charCodeAt(0)), held = new DataTransfer();
    held.items.add(new File([bytes], "NAME"));
    const how = { dataTransfer: held, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent("drop", how));"""
# The engine on a context without loudspeakers: settings as they sound from the start, left and right.
RENDER = (
    BASE64
    + """
    window.rendered = null;
    (async () => {
      const { player } = listening, { engine } = player, samples = engine.samples, rate = engine.rate;
      const offline = new OfflineAudioContext(2, samples + 4096, rate);
      const made = new listening.Engine(offline, player.facts.widths);
      made.ahead = samples / rate + 1;
      const answer = await player.link.call("apply", { settings: SETTINGS });
      const stream = async (voice) => {
        const read = (first, last) => player.link.bytes(`samples/${voice}?first=${first}&last=${last}`);
        const one = new listening.Stream(read, rate);
        one.grow(samples, samples);
        for (let i = 0; i * one.chunkSamples < samples; i++) {
          while (!one.chunk(i)) { await new Promise((resolve) => setTimeout(resolve, 10)); }
        }
        return one;
      };
      const side = `side-${answer.side}`;
      made.load(new Map([["mid", await stream("mid")]]), [{ mid: "mid" }]);
      made.add(side, await stream(side), false);
      const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
      const response = (text) => text && new Float32Array(bytes(text).buffer);
      made.derive("made", [[side, response(answer.gain)], ["mid", response(answer.highband)]]);
      made.select({ mid: "mid", side: "made", gains: [1, 1, 1], width: 10 ** (answer.db / 20) }, 0);
      made.play();
      const sound = await offline.startRendering();
      window.rendered = [0, 1].map((channel) => base64(sound.getChannelData(channel)));
    })();"""
)
RECORD = RECORDER + "const { engine } = listening.player; engine.output.connect(recorded(engine.context));"

SAID = "return ['problem', 'state', 'score', 'saved'].map((id) => document.getElementById(id).textContent)"


class Page:
    """What both browsers do alike."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        browser.get(address)

    def run(self, script: str) -> Any:
        return self.browser.execute_script(script)

    def until(self, script: str) -> Any:
        ends = time.monotonic() + PATIENCE_SECONDS
        while not (found := self.run(script)):
            assert time.monotonic() < ends, [script, *self.run(SAID)]
            time.sleep(0.1)
        return found

    def open(self, file: Path) -> None:
        """Drop it, and wait until its network's side is whole."""
        self.until("return Boolean(listening.player)")
        content = base64.b64encode(file.read_bytes()).decode()
        self.run(DROP.replace("CONTENT", content).replace("NAME", file.name))
        self.until(
            f"const p = listening.player; return p.name === {json.dumps(file.name)} && p.finished.has('mid') "
            "&& [...p.chains.values()].some((chain) => p.finished.has(chain.voice))"
        )

    def text(self, css: str) -> str:
        return str(self.run(f"return document.querySelector({json.dumps(css)}).textContent"))

    def press(self, key: str) -> None:
        how = f"{{ key: {json.dumps(key)}, bubbles: true, cancelable: true }}"
        self.run(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {how}))")

    def click(self, css: str) -> None:
        self.run(f"document.querySelector({json.dumps(css)}).click()")


@pytest.fixture(params=["chromium", "firefox"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A browser, one after the other."""
    if request.param == "chromium":
        yield request.getfixturevalue("browser")
        return
    if not (shutil.which("firefox-esr") or shutil.which("firefox")):
        pytest.skip("no Firefox: apt-get install firefox-esr")
    with Firefox(tmp_path / "profile") as firefox:
        yield firefox


@pytest.fixture
def short(tmp_path: Path) -> Path:
    return recording(tmp_path / "a song.wav", 2.0)


def converted(source: Path, *options: str) -> NDArray:
    target = source.with_name("converted.wav")
    main(["convert", str(source), "-o", str(target), "--force", *options])
    stereo, _ = soundfile.read(target, dtype="float32")
    return np.asarray(stereo)


def in_the_wrong(page: Page, expected: NDArray) -> float:
    """Play from the start; how much of what was heard is not the expected sample at its place."""
    for _ in range(5):  # on a busy machine most may be lost
        page.run("heard.length = 0; listening.player.engine.seek(0); listening.player.engine.play()")
        page.until(f"return heardSamples() > {len(expected) + RATE}")
        heard = unpacked(page.run(HEARD))
        page.run("listening.player.engine.pause()")
        place = place_of(expected, heard)
        part = heard[place + SETTLED : place + len(expected)]
        known = np.isfinite(part[:, 0])
        if known.mean() > 0.5:
            break
    else:
        raise AssertionError("nothing to judge by was recorded")
    errors = np.abs(part - expected[SETTLED : SETTLED + len(part)]).max(axis=1)
    return float((errors[known] > 1e-4).mean())


def level_db(signal: NDArray) -> float:
    return float(10 * np.log10(np.mean(np.square(signal))))


def test_dropped_played_and_heard_as_convert_writes_it(opened: Any, studio: Studio, short: Path) -> None:
    """What the loudspeakers get is the converted file, sample by sample in step; so is what is rendered."""
    page = Page(opened, studio.address)
    page.open(short)
    expected = converted(short)
    page.run("listening.player.setEqual(false)")
    opened.find_element("css selector", "#name").click()  # no page may sound before a person has clicked
    page.run("const { engine } = listening.player; engine.context.resume().then(() => engine.play())")
    page.until("return listening.player.engine.playing")
    page.run("listening.player.engine.context.suspend()")  # as a browser may
    page.until("return listening.player.engine.context.state === 'suspended'")
    page.click("#play")
    page.until("return !listening.player.engine.playing")
    page.run("listening.player.engine.context.resume()")
    page.run(RECORD)
    assert in_the_wrong(page, expected) == 0

    levels = []
    for settings in ({}, {"width": -6}, {"width": 3.5, "width-curve": "100:-30,1000:-6", "mono-below": 150}):
        page.run(RENDER.replace("SETTINGS", json.dumps(settings)))
        page.until("return Boolean(window.rendered)")
        rendered = unpacked(page.run("return window.rendered"))[LEAD:][: len(expected)]
        options = [f"--{name}={value}" for name, value in settings.items()]
        wanted = converted(short, *options)
        assert len(rendered) > len(wanted) - QUANTUM
        difference = rendered[SETTLED:] - wanted[SETTLED : len(rendered)]
        assert np.abs(difference).max() < 2e-4
        assert level_db(difference) < level_db(wanted) - 69
        levels.append(level_db(rendered[:, 0] - rendered[:, 1]))
    assert levels[0] - levels[1] == pytest.approx(6, abs=0.01)


def unnamed(browser: Any, within: str) -> list[str]:
    """What can be touched, and says nothing to a screen reader."""
    css = "button, input, select, textarea, summary, [role=meter], [role=slider]"
    found = browser.find_element("css selector", within).find_elements("css selector", css)
    return [
        one.get_attribute("outerHTML")[:80] for one in found if one.is_displayed() and not one.accessible_name
    ]


def test_methods_switch_in_step_and_width_is_live(browser: Any, studio: Studio, short: Path) -> None:
    """Everything by keys; what is set is undone; nothing is converted again for a width."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": False},
    )
    page = Page(browser, studio.address)
    page.open(short)
    page.until("return document.querySelector('#loudness').textContent")
    assert page.run("return document.documentElement.scrollHeight") <= 720
    page.press("]")
    page.press("]")
    assert page.run("return listening.state.settings") == {"width": 1}
    assert page.run("return listening.player.engine.width") == pytest.approx(10 ** (1 / 20))
    page.press("2")
    page.until("return listening.player.chains.size === 2")
    voices = page.run("return [...listening.player.chains.values()].map((chain) => chain.voice)")
    page.until(f"return listening.player.engine.stimulus.side.startsWith({json.dumps(voices[1])})")
    assert page.run(f"return listening.player.engine.voices.has({json.dumps(voices[0])})")
    page.press("u")
    page.press("u")
    assert page.run("return listening.state.settings") == {}
    page.press("U")
    assert page.run("return listening.state.settings") == {"width": 1}
    page.press("p")
    assert page.run("return listening.player.engine.stimulus.side") is None
    page.press("p")
    for key, name in [("m", "mono"), ("s", "side"), (",", "left"), (".", "right"), ("t", "stereo")]:
        page.press(key)
        assert page.run("return document.querySelector('input[name=monitor]:checked').value") == name
    page.run("listening.player.engine.seek(44100)")
    page.press("e")
    page.until("return document.querySelector('#loudness').textContent.startsWith('Passage of 1.0 s')")
    assert not unnamed(browser, "body")
    page.press("?")
    assert page.run("return document.querySelector('#keys').open")
    for dialog in ("keys", "save", "batch", "preset"):
        page.run(
            f"document.querySelector('dialog[open]').close(); document.querySelector('#{dialog}').showModal()"
        )
        assert not unnamed(browser, f"#{dialog}")
    errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not errors


def test_a_finger_loops_a_passage_and_draws_a_curve(browser: Any, studio: Studio, short: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    page = Page(browser, studio.address)
    page.open(short)

    def draw(css: str, *way: tuple[float, float]) -> None:
        """One finger along places, in shares of the element's width and height."""
        page.run(f"document.querySelector('{css}').scrollIntoView()")
        left, top, width, height = page.run(
            f"const box = document.querySelector('{css}').getBoundingClientRect();"
            "return [box.left, box.top, box.width, box.height]"
        )
        kinds = ["touchStart", *["touchMove"] * (len(way) - 1), "touchEnd"]
        for kind, at in zip(kinds, [*way, None], strict=True):
            points = [{"x": left + at[0] * width, "y": top + at[1] * height}] if at else []
            browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    draw("#timeline", (0.25, 0.5), (0.5, 0.5), (0.75, 0.5))
    loop = page.until("const { engine } = listening.player; return engine.loops() && engine.loop")
    assert loop == pytest.approx([0.25 * 2 * RATE, 0.75 * 2 * RATE], abs=0.01 * RATE)
    page.click("input[name=curve][value=own]")
    before = page.until("return document.querySelector('#points').value")
    draw("#curve-canvas", (0.3, 0.2), (0.3, 0.5))
    drawn = f"const now = document.querySelector('#points').value; return now !== {json.dumps(before)} && now"
    assert len(page.until(drawn).split(",")) == len(before.split(",")) + 1


def test_a_blind_test_counts_and_shows_nothing(opened: Any, studio: Studio, short: Path) -> None:
    page = Page(opened, studio.address)
    page.open(short)
    page.click("#blind")
    page.until("return document.querySelector('#score').textContent.includes('the same')")
    page.press("b")
    page.press("3")
    page.until("return listening.player.chains.size === 2")
    page.click("#blind")
    page.until("return document.body.classList.contains('blinded')")
    for wanted in ("A", "B", "A", "B"):
        page.press(wanted.lower())
        page.press("x")
        page.click(f"#is-{wanted}")
    score = page.text("#score")
    right = int(score.split()[0])
    chances = {0: "1.0", 1: "0.94", 2: "0.69", 3: "0.31", 4: "0.063"}
    assert score == f"{right} of 4 right, p = {chances[right]}"
    shown = page.run("return document.body.innerHTML")
    page.press("a")
    page.press("x")
    assert page.run("return document.body.innerHTML").count('aria-pressed="true"') == shown.count(
        'aria-pressed="true"'
    )


def test_saved_from_the_page(opened: Any, studio: Studio, tmp_path: Path) -> None:
    source = recording(tmp_path / "a song.wav", 1.0, subtype="PCM_24")
    page = Page(opened, studio.address)
    page.open(source)
    page.press("[")
    page.press("w")
    page.run(
        "const input = document.querySelector('#option-samples'); input.value = '16';"
        "input.dispatchEvent(new Event('change'));"
        f"document.querySelector('#target').value = {json.dumps(str(tmp_path / 'saved.wav'))};"
    )
    page.until("return listening.player.command.includes('--samples=16')")
    page.click("#save-here")
    page.until("return document.querySelector('#saved').textContent.includes('g = ')")
    main(["convert", str(source), "-o", str(tmp_path / "again.wav"), "--width=-0.5", "--samples=16"])
    assert (tmp_path / "saved.wav").read_bytes() == (tmp_path / "again.wav").read_bytes()
    assert page.run("return document.querySelector('#command').value").endswith("--samples=16 --width=-0.5")


def test_two_tabs_a_wrong_token_and_a_killed_studio(
    opened: Any, own_studio: Studio, short: Path, tmp_path: Path
) -> None:
    page = Page(opened, own_studio.address)
    page.open(short)
    first = opened.current_window_handle
    opened.switch_to.new_window("tab")
    other = Page(opened, own_studio.address)
    other.open(recording(tmp_path / "another.wav", 1.0))
    folders: Callable[[], int] = lambda: len(list(own_studio.temporary.glob("*/*")))  # noqa: E731
    assert folders() == 2
    assert other.text("#name") == "another.wav"
    opened.close()
    opened.switch_to.window(first)
    page.until("return true")
    ends = time.monotonic() + PATIENCE_SECONDS
    while folders() > 1 and time.monotonic() < ends:
        time.sleep(0.1)
    assert folders() == 1
    assert page.text("#name") == "a song.wav"
    own_studio.process.kill()
    page.until("return document.querySelector('#problem').textContent.startsWith('The studio has ended')")


def test_an_address_without_the_token_shows_nothing(opened: Any, studio: Studio) -> None:
    opened.get(f"http://{studio.host}/")
    assert "the token is missing or wrong" in opened.page_source
    assert "listening" not in opened.page_source

"""The listening page as a person uses it: from disk, in a real Chromium."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from opened_page import RECORD, address, evaluate, find, open_page, press, wait
from recorder import HEARD, place_of, unpacked
from small_page import RATE, decoded, handed_over, played, write_small_page

pytestmark = pytest.mark.system
QUANTUM = 128  # samples that Web Audio works on at a time
SETTLED = round(0.08 * RATE)  # after which a change of gain is over, to 16 bits


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listening") / "listen"
    write_small_page(folder)
    return folder


def recording(browser: Any, samples: int) -> NDArray:
    """At least so many samples of what the loudspeakers got so far, (samples, 2)."""
    wait(browser, lambda page: page.execute_script("return heardSamples()") >= samples)
    return unpacked(browser.execute_script(HEARD))


def versions(page: Path, *, width: float = 1.0) -> dict[str, NDArray]:
    """Every version of the first excerpt as it should be heard, (samples, 2)."""
    (data,) = handed_over((page / "data.js").read_text(encoding="utf-8"))
    one = data["excerpts"][0]
    signals = decoded(page, one["key"])
    made = {}
    for key, stimulus in one["stimuli"].items():
        if "reason" not in stimulus:
            made[key] = played(one, signals, key, width)
    return made


def test_switching_while_it_plays_is_in_step_and_without_a_gap(browser: Any, page: Path) -> None:
    """Every block that is heard, but for crossfades, is one of the versions at the one place in time."""
    open_page(browser, address(page), record=RECORD)
    order = ["step-000500", "original", "delayed", "mono"]
    find(browser, "#compare [data-play]").click()
    recorded = 0
    for key in order:
        find(browser, f"tr[data-key='{key}'] label").click()
        recorded = browser.execute_script("return heardSamples()") + 3 * RATE // 4
        wait(browser, lambda page, until=recorded: page.execute_script("return heardSamples()") >= until)
    heard = recording(browser, recorded)
    expected = versions(page)
    start = place_of(expected[order[0]][:RATE], heard)
    after_the_start = heard[start + SETTLED :]
    place = (np.arange(len(after_the_start)) + SETTLED) % len(expected["mono"])
    blocks = len(after_the_start) // QUANTUM
    found = []
    for block in range(blocks):
        inside = slice(block * QUANTUM, (block + 1) * QUANTUM)
        if np.isnan(after_the_start[inside]).any():  # lost by the recorder
            continue
        errors = {
            key: np.abs(after_the_start[inside] - sound[place[inside]]).max()
            for key, sound in expected.items()
        }
        best = min(errors, key=lambda key: errors[key])
        found.append(best if errors[best] < 1e-4 else None)
    changes = [key for i, key in enumerate(found) if key and key not in found[max(0, i - 1) : i]]
    order_heard = [key for i, key in enumerate(changes) if i == 0 or key != changes[i - 1]]
    assert order_heard == order
    assert sum(key is None for key in found) * QUANTUM <= (len(order) + 1) * SETTLED


def test_what_is_asked_for_takes_effect_within_a_block(browser: Any, page: Path) -> None:
    """The page's own engine on a clock of its own: version, width and fold-down change at once, in step."""
    open_page(browser, address(page))
    script = """(async () => {
        const context = new OfflineAudioContext(2, 4 * RATE, RATE);
        const engine = new listening.Engine(context, listening.data.widths);
        const { stimuli } = listening.data.excerpts[0];
        engine.load(await listening.signals(listening.data.excerpts[0]), Object.values(stimuli));
        engine.select(stimuli.original);
        engine.play();
        engine.select(stimuli.delayed, 1);
        engine.setWidth(1.6, 2);
        engine.setFoldedDown(true, 3);
        const rendered = await context.startRendering();
        done([engine.began, ...[0, 1].map((channel) => base64(rendered.getChannelData(channel)))]);
    })();"""
    began, *packed = evaluate(browser, script.replace("RATE", str(RATE)))
    heard = unpacked(packed)
    start = round(began * RATE)
    assert not heard[:start].any()
    heard = heard[start:]
    place = np.arange(len(heard)) % (2 * RATE)
    expected = [
        versions(page)["original"], versions(page)["delayed"],
        versions(page, width=1.6)["delayed"], versions(page, width=0.0)["delayed"],
    ]  # fmt: skip
    for second, sound in enumerate(expected):
        begins = max(0, second * RATE - start)
        settled = slice(begins + SETTLED, (second + 1) * RATE - start)
        np.testing.assert_allclose(heard[settled], sound[place[settled]], atol=1e-5)
        if second:
            at_once = slice(begins, begins + QUANTUM)
            assert np.abs(heard[at_once] - expected[second - 1][place[at_once]]).max() > 1e-3
    np.testing.assert_allclose(heard[settled, 0], heard[settled, 1], atol=1e-6)


def test_keys_do_what_they_say(browser: Any, page: Path) -> None:
    open_page(browser, address(page))
    chosen = lambda: find(browser, "input[name=version]:checked").get_attribute("value")  # noqa: E731
    seconds = lambda: float(find(browser, "#compare [data-time]").text.split()[0])  # noqa: E731
    playing = lambda page: page.execute_script("return document.body.classList.contains('playing')")  # noqa: E731
    assert chosen() == "step-000500"
    press(browser, " ")
    wait(browser, playing)
    wait(browser, lambda _: seconds() > 0.2)
    press(browser, " ")
    wait(browser, lambda page: not playing(page))
    for key, version in [
        ("m", "mono"),
        ("o", "original"),
        ("x", "mono"),
        ("1", "step-000050"),
        ("4", "delayed"),
    ]:
        press(browser, key)
        assert chosen() == version
    assert find(browser, "#status").get_property("textContent") == "delayed"  # what a screen reader says
    press(browser, "\ue015")  # arrow down: past the method that fails, to the first
    assert chosen() == "mono"
    press(browser, ".")
    wait(browser, lambda page: find(page, "#excerpt").get_property("selectedIndex") == 1)
    press(browser, "d")
    assert find(browser, "#fold-down").get_attribute("aria-pressed") == "true"
    press(browser, "]]")
    assert find(browser, "#width-value").text == "110 %"
    press(browser, "=")
    assert find(browser, "#width").get_attribute("aria-valuetext") == "100 %"
    press(browser, "?")
    assert find(browser, "#keys").is_displayed()
    find(browser, "#keys-on").click()
    find(browser, "#keys-close").click()
    press(browser, "o")
    assert chosen() != "original"
    reason = find(browser, "tr[data-key=failing]")
    assert "needs 44100 Hz" in reason.text
    assert not reason.find_element("css selector", "input").is_enabled()


def test_dragging_loops_and_the_place_is_a_slider(browser: Any, page: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    open_page(browser, address(page))
    timeline = find(browser, "#timeline")
    width = timeline.size["width"]
    ActionChains(browser).move_to_element_with_offset(
        timeline, -width // 4, 0
    ).click_and_hold().move_by_offset(width // 4, 0).release().perform()
    ends = find(browser, "#loop-name").text.removeprefix("Loop ").removesuffix(" s").split("–")
    assert [float(end) for end in ends] == pytest.approx([0.5, 1.0], abs=0.02)
    find(browser, "#compare [data-play]").click()
    time = lambda _: float(find(browser, "#compare [data-time]").text.split()[0])  # noqa: E731
    places = [time(browser) for _ in range(60)]
    assert all(0.4 < place < 1.1 for place in places)
    find(browser, "#loop-clear").click()
    assert not find(browser, "#loop").is_displayed()
    press(browser, " ")
    timeline.send_keys("\ue011")  # Home
    assert timeline.get_attribute("aria-valuenow") == "0.0"
    timeline.send_keys("\ue014")  # arrow right
    assert timeline.get_attribute("aria-valuetext") == "0.5 seconds"


def test_nothing_is_fetched_from_outside_and_nothing_goes_wrong(browser: Any, page: Path) -> None:
    open_page(browser, address(page))
    find(browser, "#compare [data-play]").click()
    press(browser, ".")
    wait(browser, lambda page: find(page, "#excerpt").get_property("selectedIndex") == 1)
    browser.execute_script("fetch('http://127.0.0.1:9/').catch(() => 0)")
    wait(browser, lambda page: find(page, "#spectrogram").get_property("width") > 100)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    here = [one for one in requests if one["documentURL"].startswith(page.as_uri())]  # not the empty tab
    asked = [one["request"]["url"] for one in here]
    assert len(asked) > 10
    assert all(url.startswith((page.as_uri(), "data:")) for url in asked), asked
    complaints = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    # About the request above, which the page's own policy stopped before it was sent.
    assert complaints
    assert all("127.0.0.1:9" in one and "Content Security Policy" in one for one in complaints), complaints


def test_a_part_that_is_missing_is_named_and_the_rest_plays(browser: Any, page: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    shutil.copytree(page, part)
    (part / "audio" / "02_A-träck.js").unlink()
    open_page(browser, address(part))
    press(browser, ".")
    wait(browser, lambda page: "02_A-träck.js is missing" in find(page, "#problem").text)
    assert find(browser, "#excerpt").get_property("selectedIndex") == 0
    find(browser, "#compare [data-play]").click()
    wait(browser, lambda page: float(find(page, "#compare [data-time]").text.split()[0]) > 0.2)

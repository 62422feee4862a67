"""The listening page as a person uses it: from disk, in a real Chromium."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from recorder import BASE64, HEARD, RECORDER, place_of, unpacked
from small_page import RATE, decoded, handed_over, played, write_small_page

from mono2stereo.rendering.listening.page import single_file

pytestmark = pytest.mark.system
PATIENCE_SECONDS = 60
QUANTUM = 128  # samples that Web Audio works on at a time
SETTLED = round(0.08 * RATE)  # after which a change of gain is over, to 16 bits

# What goes to the loudspeakers is recorded.
RECORD = (
    RECORDER
    + """
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (to, ...rest) {
      const heardThere = to instanceof AudioDestinationNode && to.context instanceof AudioContext;
      if (heardThere && !(this instanceof ScriptProcessorNode)) {
        connect.call(this, to.context.recorded ??= recorded(to.context));
      }
      return connect.call(this, to, ...rest);
    };"""
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listening") / "listen"
    write_small_page(folder)
    return folder


def wait(browser: Any, condition: Callable[[Any], Any]) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, PATIENCE_SECONDS).until(condition)


def find(browser: Any, css: str) -> Any:
    return browser.find_element("css selector", css)


def press(browser: Any, keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(keys).perform()


def open_page(browser: Any, address: str, *, record: str = "") -> None:
    """Open it and wait until its first excerpt can be played."""
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": record})
    browser.get(address)
    wait(browser, lambda page: page.execute_script("return Boolean(listening.data)"))
    if "#blind" not in address:
        wait(browser, lambda page: find(page, "#compare [data-time]").text.endswith("2.0 s"))


def evaluate(browser: Any, script: str) -> Any:
    return browser.execute_async_script(f"const done = arguments[arguments.length - 1]; {BASE64} {script}")


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


def address(page: Path) -> str:
    return (page / "index.html").as_uri()


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


def hear_a_side(browser: Any) -> str:
    """Which channel the check's noise was on, as the loudspeakers had it."""
    powers = "return heard.map((block) => block.map((one) => one.reduce((sum, x) => sum + x * x, 0)))"
    if browser.execute_script("const before = heard.length; heard.length = 0; return before"):
        wait(browser, lambda page: [0, 0] in page.execute_script(powers))  # what was heard before is over
    browser.execute_script("heard.length = 0")
    find(browser, "#check-play").click()
    wait(browser, lambda page: sum(map(sum, page.execute_script(powers))) > 1)
    left, right = np.sum(browser.execute_script(powers), axis=0)
    assert min(left, right) == 0
    return "left" if left else "right"


def pass_the_check(browser: Any) -> None:
    for _ in range(4):
        press(browser, hear_a_side(browser)[0])  # l or r


def rate_everything(browser: Any) -> None:
    """Hear all versions of a passage and rate the n-th 10 n for quality, 5 n for width."""
    rows = browser.find_elements("css selector", "#ratings .version")
    for number, row in enumerate(rows):
        row.find_element("css selector", ".letter").click()
        for scale, value in (("quality", 10 * number), ("width", 5 * number)):
            browser.execute_script(
                "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))",
                row.find_element("css selector", f".{scale} input"), value,
            )  # fmt: skip


def test_a_blind_test_from_the_check_to_the_saved_files(browser: Any, page: Path, tmp_path: Path) -> None:
    open_page(browser, address(page) + "#blind", record=RECORD)
    find(browser, "#listener").send_keys('L07, "new"')
    find(browser, "#begin").click()
    for _ in range(4):  # all wrong: refused
        side = hear_a_side(browser)
        find(browser, f"[data-answer={'right' if side == 'left' else 'left'}]").click()
    assert "swapped" in find(browser, "#check-verdict").text
    pass_the_check(browser)
    names = ("step", "mono", "original", "schroeder", "delayed")
    for passage in (1, 2):
        wait(browser, lambda page, n=passage: f"Passage {n} of 2" in find(page, "#trial-name").text)
        shown = find(browser, "#blind").text.lower()
        assert not any(name in shown for name in names)
        find(browser, "#trial-next").click()
        assert "Not rated on both scales yet: A, B, C, D, E" in find(browser, "#trial-remark").text
        rate_everything(browser)
        press(browser, "b")
        pressed = find(browser, "#ratings .letter[aria-pressed=true]")
        assert pressed.text == "B"
        find(browser, "#trial-next").click()
    wait(browser, lambda page: find(page, "#save-json").is_displayed())
    find(browser, "#remarks").send_keys('fine, "thanks"')
    find(browser, "#save-json").click()
    find(browser, "#save-csv").click()
    downloads = tmp_path / "downloads"
    for suffix in ("json", "csv"):
        wait(browser, lambda _, ending=suffix: list(downloads.glob(f"listening-L07-new-*.{ending}")))
    (saved,) = downloads.glob("*.json")
    result = json.loads(saved.read_text(encoding="utf-8"))
    (data,) = handed_over((page / "data.js").read_text(encoding="utf-8"))
    assert (result["page"], result["listener"], result["check_attempts"]) == (data["id"], 'L07, "new"', 2)
    assert len(result["ratings"]) == 10
    for passage in (1, 2):
        rated = [one for one in result["ratings"] if one["passage"] == passage]
        assert {one["stimulus"] for one in rated} == {
            "mono",
            "original",
            "step-000500",
            "schroeder",
            "delayed",
        }
        assert [one["quality"] for one in rated] == [0, 10, 20, 30, 40]
        assert [one["width"] for one in rated] == [0, 5, 10, 15, 20]
    assert {one["excerpt"] for one in result["ratings"]} == {"01_A-träck", "02_A-träck"}
    assert json.loads(find(browser, "#results").get_property("value")) == result
    (table,) = downloads.glob("*.csv")
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [(row["stimulus"], int(row["quality"])) for row in rows] == [
        (one["stimulus"], one["quality"]) for one in result["ratings"]
    ]
    assert rows[0]["remarks"] == 'fine, "thanks"'


def test_the_single_file_works_in_a_sandbox(browser: Any, page: Path, tmp_path: Path) -> None:
    """As MLflow shows artifacts: a frame of the page as a blob, which may run scripts and nothing else."""
    recorded = single_file(page).replace("<head>", f"<head><script>{RECORD}</script>")
    whole = json.dumps(recorded).replace("</", "<\\/")
    outer = tmp_path / "outer.html"
    outer.write_text(
        f"""<!doctype html><meta charset="utf-8">
        <iframe sandbox="allow-scripts" width=1300 height=800></iframe>
        <script>document.querySelector("iframe").src =
          URL.createObjectURL(new Blob([{whole}], {{ type: "text/html" }}));</script>""",
        encoding="utf-8",
    )
    browser.get(outer.as_uri())
    browser.switch_to.frame(find(browser, "iframe"))
    wait(browser, lambda page: find(page, "#compare [data-time]").text.endswith("2.0 s"))
    find(browser, "#compare [data-play]").click()
    wait(browser, lambda page: float(find(page, "#compare [data-time]").text.split()[0]) > 0.3)
    wait(
        browser,
        lambda page: page.execute_script("return heard.some((block) => Math.max(...block[0]) > 0.01)"),
    )
    find(browser, "nav a[href='#blind']").click()
    wait(browser, lambda page: find(page, "#setup").is_displayed())
    find(browser, "#begin").click()
    pass_the_check(browser)
    for passage in (1, 2):
        wait(browser, lambda page, n=passage: f"Passage {n} of 2" in find(page, "#trial-name").text)
        rate_everything(browser)
        find(browser, "#trial-next").click()
    find(browser, "#copy").click()
    wait(browser, lambda page: find(page, "#saved").text)
    assert len(json.loads(find(browser, "#results").get_property("value"))["ratings"]) == 10

"""The listening page's blind test as a listener takes it, in a real Chromium."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opened_page import RECORD, address, find, open_page, press, wait
from small_page import handed_over, write_small_page

from mono2stereo.rendering.listening.page import single_file

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listening") / "listen"
    write_small_page(folder)
    return folder


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

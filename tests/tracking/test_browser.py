"""The runs as a person sees them: MLflow's own pages in a real Chromium."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from conftest import Server

from mono2stereo.tracking import as_table, pages, start_run

pytestmark = [pytest.mark.system, pytest.mark.slow]
SECONDS, RATE = 1.5, 22050
PATIENCE_SECONDS = 60


@pytest.fixture
def runs(server: Server, root: Path) -> list[str]:
    """Two small runs with curves and a WAV."""
    time = np.arange(int(SECONDS * RATE)) / RATE
    tone = 0.2 * np.stack([np.sin(2 * math.pi * 440 * time), np.sin(2 * math.pi * 443 * time)], axis=1)
    soundfile.write(root / "tone_stereo.wav", tone, RATE)
    made = []
    for coherence in (1.0, 2.5):
        name = f"coherence-{coherence:g}"
        with start_run("train", {"profile": name, "loss.coherence": coherence}, {}, root / "run.json") as run:
            for step in range(1, 11):
                run.log_metrics({"train/mel": coherence / step, "valid/coherence": 1 / step}, step)
            run.log_artifact(root / "tone_stereo.wav", "audio/step-000010")
            run.log_metrics({"evaluate/coherence_4096": 0.434})
            run.describe("Figures", as_table(["", "model", "recordings"], {"coherence 4096": [0.434, 0.532]}))
        made.append(run.run_id)
    return made


def wait(browser: Any, condition: Callable[[Any], Any]) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, PATIENCE_SECONDS).until(condition)


def shows(*words: str) -> Callable[[Any], bool]:
    return lambda browser: all(word in browser.find_element("tag name", "body").text for word in words)


# The player of the waveform is never put into the page: note each audio element as it is made.
NOTE_PLAYERS = """
    window.players = [];
    const note = made => { if (made.tagName === "AUDIO") window.players.push(made); return made; };
    const element = document.createElement.bind(document);
    document.createElement = (...given) => note(element(...given));
    window.Audio = new Proxy(window.Audio, {construct: (audio, given) => note(new audio(...given))});"""


def press(browser: Any, place: str) -> None:
    """Click what an XPath finds, as soon as it can be clicked."""
    from selenium.webdriver.support import expected_conditions

    wait(browser, expected_conditions.element_to_be_clickable(("xpath", place))).click()


def shoot(browser: Any, name: str, tmp_path: Path) -> None:
    """Keep a screenshot, in docs/screenshots where a person asks for it."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    browser.save_screenshot(str(folder / f"{name}.png"))


def test_list_compare_and_listen(
    browser: Any, server: Server, root: Path, runs: list[str], tmp_path: Path
) -> None:
    """What the README promises of the UI, by clicks where a person clicks."""
    from mlflow import MlflowClient

    experiment = MlflowClient(server.uri).get_experiment_by_name("mono2stereo").experiment_id
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NOTE_PLAYERS})

    address, runs_page = pages(root)
    assert address == server.uri
    browser.get(f"{address}/{runs_page}")
    wait(browser, shows("coherence-1", "coherence-2.5", "coherence_4096", "0.434"))
    press(browser, "//button[@aria-label='Close']")  # the assistant
    shoot(browser, "runs", tmp_path)

    for row in (1, 2):
        press(browser, f"(//input[contains(@aria-label, 'toggle row selection')])[{row}]/..")
    press(browser, "//button[.//text()='Compare']")
    wait(browser, shows("Comparing 2 Runs", "loss.coherence"))
    shoot(browser, "compare", tmp_path)

    browser.get(f"{server.uri}/#/experiments/{experiment}/runs/{runs[0]}")
    wait(browser, shows("Description", "recordings", "0.532"))
    browser.get(
        f"{server.uri}/#/experiments/{experiment}/runs/{runs[0]}/artifacts/audio/step-000010/tone_stereo.wav"
    )
    wait(browser, shows("tone_stereo.wav"))
    duration = wait(
        browser, lambda page: page.execute_script("return players.map(one => one.duration).find(isFinite)")
    )
    shoot(browser, "audio", tmp_path)
    assert duration == pytest.approx(SECONDS, abs=0.01)


def test_the_listening_page_plays_among_the_artifacts(browser: Any, server: Server, root: Path) -> None:
    """MLflow shows HTML in a frame that may run scripts and nothing else."""
    from mono2stereo.data.excerpts import Excerpt
    from mono2stereo.decorrelators.lauridsen import Lauridsen
    from mono2stereo.rendering.listening.page import single_file, write_excerpt, write_page
    from mono2stereo.rendering.listening.stimuli import make_stimuli

    mid, side = (0.1 * np.random.default_rng(0).normal(size=(2, 2 * RATE))).astype(np.float32)
    excerpt = Excerpt("01_noise", "noise", 0.0, mid[:0], mid, side, RATE)
    stimuli = list(make_stimuli(excerpt, {10: Lauridsen}, {}))
    described = [write_excerpt(excerpt, stimuli, root / "listen", loudness_lufs=-23.0)]
    write_page(root / "listen", described, stimuli, loudness_lufs=-23.0)
    (root / "listening_page.html").write_text(single_file(root / "listen"), encoding="utf-8")
    with start_run("render", {"profile": "ci"}, {}, root / "run.json") as run:
        run.log_artifact(root / "listening_page.html")

    from mlflow import MlflowClient

    experiment = MlflowClient(server.uri).get_experiment_by_name("mono2stereo").experiment_id
    browser.get(f"{server.uri}/#/experiments/{experiment}/runs/{run.run_id}/artifacts/listening_page.html")
    wait(browser, lambda page: page.find_elements("css selector", "iframe.mlflow-html-iframe"))
    browser.switch_to.frame(browser.find_element("css selector", "iframe.mlflow-html-iframe"))
    wait(browser, shows("Step 10", "Original"))
    press(browser, "//section[@aria-label='Playback']//button[@data-play]")
    wait(browser, lambda page: float(page.find_element("css selector", "[data-time]").text.split()[0]) > 0.3)

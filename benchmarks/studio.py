"""How soon the studio sounds, and what it costs while it plays: its processes and a headless Chromium's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.compare import RESULTS, size

SAMPLE_RATE = 44100
SECONDS, PLAYED_SECONDS, ROUNDS = size((180, 20, 5), (10, 2, 1))
PATIENCE_SECONDS = 300
WATCH = """
    window.sounded = {};
    document.getElementById("file").addEventListener("change", () => {
      const start = performance.now(), { player } = listening;
      (function look() {
        let both = 0, difference = 0;
        for (const { left, right, cross } of player.levels.octaves) {
          both += left + right;
          difference += left + right - 2 * cross;
        }
        if (!window.sounded.mid && both > 1e-6) { window.sounded.mid = performance.now() - start; }
        if (difference > 1e-3 * both && both > 1e-6) { window.sounded.wide = performance.now() - start; }
        if (!window.sounded.wide) { requestAnimationFrame(look); }
      })();
    }, { capture: true });"""


def main() -> None:
    """Open a recording again and again, then let it play."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "three minutes.wav"
        noise = 0.1 * np.random.default_rng(0).standard_normal(SECONDS * SAMPLE_RATE)
        soundfile.write(file, noise, SAMPLE_RATE, subtype="PCM_16")
        program = Path(sys.executable).with_name("mono2stereo")
        studio = subprocess.Popen(
            [program, "studio", "--no-browser"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "MONO2STEREO_STUDIO": f"{folder}/kept.json"},
        )
        browser = open_browser(Path(folder))
        try:
            assert studio.stdout
            address = studio.stdout.readline().strip()
            found = measured(browser, address, file, studio.pid)
        finally:
            browser.quit()
            start = time.monotonic()
            studio.send_signal(signal.SIGINT)
            studio.wait()
        found["seconds_to_end"] = round(time.monotonic() - start, 2)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.with_name("studio.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def open_browser(folder: Path) -> Any:
    """Headless Chromium that may sound without a click."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.add_argument("--autoplay-policy=no-user-gesture-required")
    options.add_argument(f"--user-data-dir={folder / 'chromium'}")
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


def measured(browser: Any, address: str, file: Path, studio: int) -> dict[str, Any]:
    """Seconds from the choice of a file to its sound and to its side; processor time of playing."""
    to_sound: list[float] = []
    to_stereo: list[float] = []
    for _ in range(ROUNDS):
        browser.get(address)
        until(browser, "return Boolean(listening.player)")
        browser.execute_script(WATCH)
        browser.find_element("css selector", "#file").send_keys(str(file))
        until(browser, "return Boolean(window.sounded.wide)")
        sounded = browser.execute_script("return window.sounded")
        to_sound.append(sounded["mid"] / 1000)
        to_stereo.append(sounded["wide"] / 1000)
    until(browser, "return Boolean(listening.player.measured)")
    trees = {"studio": studio, "chromium": browser.service.process.pid}
    before = {name: processor_seconds(pid) for name, pid in trees.items()}
    time.sleep(PLAYED_SECONDS)
    costs = {name: (processor_seconds(pid) - before[name]) / PLAYED_SECONDS for name, pid in trees.items()}
    return {
        "recording_seconds": SECONDS,
        "seconds_to_sound": [round(each, 2) for each in sorted(to_sound)],
        "seconds_to_stereo": [round(each, 2) for each in sorted(to_stereo)],
        "processor_seconds_per_second": {name: round(cost, 3) for name, cost in costs.items()},
    }


def until(browser: Any, script: str) -> None:
    """Wait for what a script returns."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not browser.execute_script(script):
        if time.monotonic() > ends:
            raise TimeoutError(script)
        time.sleep(0.05)


def processor_seconds(root: int) -> float:
    """Of a process and all below it, those that have ended included."""
    import psutil

    top = psutil.Process(root)
    tree = [top, *top.children(recursive=True)]
    return float(sum(sum(process.cpu_times()[:2]) for process in tree))


if __name__ == "__main__":
    main()

"""The listening page in a browser: opened, found its way about in, its sound recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from recorder import BASE64, RECORDER

PATIENCE_SECONDS = 60

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


def address(page: Path) -> str:
    return (page / "index.html").as_uri()


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

"""Firefox without a driver program: a few commands of its own protocol, Marionette."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any


class Firefox:
    """Headless, with a fresh profile; pages may play sound at once."""

    def __init__(self, profile: Path, *, patience_seconds: float = 120.0) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        profile.mkdir()
        settings = {"marionette.port": port, "media.autoplay.default": 0}
        lines = [f"user_pref({json.dumps(name)}, {value});\n" for name, value in settings.items()]
        (profile / "user.js").write_text("".join(lines))
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        assert program
        sound, self._loudspeaker = dict(os.environ), None
        if shutil.which("pulseaudio"):  # without a sound card Web Audio stands still
            server = f"unix:{profile / 'pulse'}"
            modules = [f"module-native-protocol-unix socket={profile / 'pulse'}", "module-null-sink"]
            call = [
                "pulseaudio",
                "-n",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
                *(f"-L{one}" for one in modules),
            ]
            self._loudspeaker = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            sound["PULSE_SERVER"] = server
        command = [program, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=sound
        )
        self._number = 0
        ends = time.monotonic() + patience_seconds
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=patience_seconds)
                break
            except OSError:
                if time.monotonic() > ends or self._process.poll() is not None:
                    raise
                time.sleep(0.5)
        self._read()  # its greeting
        self.ask("WebDriver:NewSession", {"capabilities": {}})

    def __enter__(self) -> Firefox:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(60)
        if self._loudspeaker:
            self._loudspeaker.terminate()
            self._loudspeaker.wait(60)

    def ask(self, command: str, arguments: dict[str, Any]) -> Any:
        """A command's answer."""
        self._number += 1
        text = json.dumps([0, self._number, command, arguments]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, number, error, answer = self._read()
        assert (number, error) == (self._number, None)
        return answer

    def get(self, address: str) -> None:
        self.ask("WebDriver:Navigate", {"url": address})

    def execute_script(self, script: str) -> Any:
        return self.ask("WebDriver:ExecuteScript", {"script": script, "args": []})["value"]

    def find_element(self, by: str, value: str) -> Element:
        found = self.ask("WebDriver:FindElement", {"using": by, "value": value})["value"]
        return Element(self, next(iter(found.values())))

    @property
    def page_source(self) -> str:
        return str(self.ask("WebDriver:GetPageSource", {})["value"])

    @property
    def current_window_handle(self) -> str:
        return str(self.ask("WebDriver:GetWindowHandle", {})["value"])

    @property
    def switch_to(self) -> Firefox:
        """Selenium has the next two behind this."""
        return self

    def new_window(self, kind: str) -> None:
        self.window(self.ask("WebDriver:NewWindow", {"type": kind})["handle"])

    def window(self, handle: str) -> None:
        self.ask("WebDriver:SwitchToWindow", {"handle": handle})

    def close(self) -> None:
        """The tab."""
        self.ask("WebDriver:CloseWindow", {})

    def _read(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._socket.recv(1)
        text = b""
        while len(text) < int(length[:-1]):
            text += self._socket.recv(65536)
        return json.loads(text)


@dataclass
class Element:
    """One of a page, as Selenium has it."""

    browser: Firefox
    reference: str

    def click(self) -> None:
        """As a person does: it scrolls there, and the page may sound from then on."""
        self.browser.ask("WebDriver:ElementClick", {"id": self.reference})

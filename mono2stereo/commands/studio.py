"""`mono2stereo studio`: hear, set and save a conversion in the browser."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from mono2stereo.errors import UsageError

NEEDED = ("starlette", "uvicorn", "wsproto")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="recordings to offer on the page")
    parser.add_argument(
        "--port", type=int, default=0, help="of the page on loopback (default: any that is free)"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address, open nothing")


def run(options: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(f"studio needs {', '.join(missing)}; pip install 'mono2stereo[studio]'")
    if not 0 <= options.port < 1 << 16:
        raise UsageError(f"--port {options.port}: from 0 to 65535")
    from mono2stereo.studio.serving import serve

    serve(options.files, port=options.port, browse=not options.no_browser)

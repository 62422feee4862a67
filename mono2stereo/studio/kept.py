"""What the studio remembers between starts: presets and the last settings, in one file of the person's."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from mono2stereo.files import atomic_path

MOST_BYTES = 1 << 16


def kept_file() -> Path:
    """Where; MONO2STEREO_STUDIO names another place."""
    if named := os.environ.get("MONO2STEREO_STUDIO"):
        return Path(named)
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return base / "mono2stereo" / "studio.json"


def read_kept() -> dict[str, Any]:
    """Empty where nothing was kept, or what was is damaged."""
    try:
        kept = json.loads(kept_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def keep(kept: dict[str, Any]) -> None:
    """Replace what was kept."""
    with atomic_path(kept_file()) as partial_path:
        partial_path.write_text(json.dumps(kept, indent=1), encoding="utf-8")

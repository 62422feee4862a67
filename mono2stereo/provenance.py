"""What a result was made from: settings, data and code by their hashes, and the state of the git checkout."""

from __future__ import annotations

import csv
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mono2stereo.hashes import code_hash, settings_hash, short_hash

MANIFEST = Path("data/manifest.csv")


def commit() -> str:
    """The checked-out git revision, empty outside a repository."""
    return _git("rev-parse", "HEAD")


def committed(file: str) -> str:
    """What a file of this folder holds in the revision that an experiment started from; empty without git."""
    return _git("show", f"{os.environ.get('DVC_EXP_BASELINE_REV') or 'HEAD'}:./{file}")


def describe(params: Mapping[str, Any]) -> dict[str, str]:
    """Tags that tell one run from another; empty ones are left out.

    Args:
        params: all settings with dotted keys, `profile` and `data.source` among them.
    """
    # `dvc exp run -S` edits params.yaml and dvc.lock itself, and the other hashes cover both.
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!params.yaml", ":!dvc.lock")
    tags = {
        "experiment": os.environ.get("DVC_EXP_NAME", ""),
        "baseline": os.environ.get("DVC_EXP_BASELINE_REV", "") or commit(),
        "dirty": str(bool(changed)).lower() if commit() else "",
        "params": settings_hash(params),
        "data": short_hash(MANIFEST.read_bytes()) if MANIFEST.is_file() else "",
        "code": code_hash(),
        "profile": str(params.get("profile", "")),
        "source": str(params.get("data.source", "")),
        "host": platform.node(),
    }
    return {key: value for key, value in tags.items() if value}


def dataset(params: Mapping[str, Any]) -> dict[str, Any]:
    """The recordings in use: name, digest, where they come from, how many; empty where there is no manifest.

    Args:
        params: all settings with dotted keys, `data.source` and `data.path` among them.
    """
    if not MANIFEST.is_file():
        return {}
    with MANIFEST.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("status") == "ok"]
    splits = Counter(row["split"] for row in rows)
    return {
        "name": str(params.get("data.source", "")) or "recordings",
        "digest": short_hash(MANIFEST.read_bytes()),
        "source": str(params.get("data.path", "")),
        "profile": {
            "num_rows": len(rows),
            **{f"{split}_tracks": count for split, count in sorted(splits.items())},
            "seconds": round(sum(float(row["seconds"]) for row in rows), 1),
        },
    }


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

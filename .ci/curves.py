"""Training curves as Mermaid charts: pictures that a job summary shows though no server holds them.

Usage: `python curves.py [BASE]`, in a repository whose pipeline has run; BASE: a revision to draw beside it.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import dvc.api
from dvc.exceptions import DvcException

CURVES = {
    "reports/train/train.csv": ["coherence", "mel", "adversarial"],
    "reports/render/checkpoints.csv": ["log_mel_db"],
}
MAX_POINTS = 40
OURS, OTHER = "#1f6feb", "#9a6700"  # blue, brown: readable on GitHub's light and dark pages


def _columns(text: str) -> dict[str, list[float]]:
    rows = list(csv.DictReader(io.StringIO(text)))
    rows = rows[:: -(-len(rows) // MAX_POINTS) or 1]
    measured = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
    return {name: [float(row[name] or "nan") for row in rows] for name in measured}


def _at(revision: str, path: str) -> dict[str, list[float]]:
    try:
        return _columns(dvc.api.read(path, rev=revision))
    except (DvcException, OSError):  # it had no such curve yet
        return {}


def _chart(title: str, steps: list[float], lines: dict[str, list[float]]) -> str:
    """Lines by their colours; later ones cover earlier ones."""
    palette = '{"xyChart": {"plotColorPalette": "' + ", ".join(lines) + '"}}'
    return "\n".join(
        [
            "```mermaid",
            '%%{init: {"themeVariables": ' + palette + "}}%%",
            "xychart-beta",
            f'  title "{title}"',
            f'  x-axis "step" [{", ".join(f"{step:g}" for step in steps)}]',
            *(f"  line [{', '.join(f'{value:.6g}' for value in line)}]" for line in lines.values()),
            "```\n",
        ]
    )


def main(base: str | None) -> None:
    """Print a chart per curve."""
    if base:
        print("Blue: this revision. Brown: the other, covered where they are the same.\n")
    for path, names in CURVES.items():
        ours = _columns(Path(path).read_text())
        other = _at(base, path) if base else {}
        for name in names:
            if name not in ours:
                continue
            lines = {OURS: ours[name]}
            if other.get("step") == ours["step"] and name in other:
                lines = {OTHER: other[name], **lines}
            print(_chart(f"{name}, {Path(path).stem}", ours["step"], lines))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)

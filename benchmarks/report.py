"""results.json as a person reads it: reports/bench/report.md and ratios.png."""

from __future__ import annotations

import json
import platform
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.compare import RESULTS, THREADS

HEADLINES = ("gan_step/full/torch", "gan_step/full/keras", "gan_step/quarter/torch", "preprocess/bare_loop")


def markdown(rows: list[dict[str, Any]]) -> str:
    """One table, the headline rows first."""
    ordered = sorted(rows, key=lambda row: (row["name"] not in HEADLINES, row["name"]))
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench`, {platform.machine()}, {THREADS} cores. Each row times ours and a peer in",
        "interleaved rounds of one run: the median of the rounds' ratios peer / ours (above 1: ours is",
        "faster), the lowest and highest of them, the median times, and, where operations are counted, our",
        "rate and its share of a float32 matrix product measured in the same rounds.",
        "",
        "| question / setting / peer | ratio | lowest | highest | ours (s) | peer (s) | GFLOP/s | of peak |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in ordered:
        rate = f"{row['gflops']:.0f}" if row["gflops"] else "–"
        share = f"{row['share_of_peak']:.0%}" if row["share_of_peak"] else "–"
        lines.append(
            f"| {row['name']} | {row['ratio']:.2f} | {row['ratio_low']:.2f} | {row['ratio_high']:.2f} | "
            f"{row['ours_seconds']:.4g} | {row['peer_seconds']:.4g} | {rate} | {share} |"
        )
    memory = RESULTS.with_name("memory.json")
    if memory.exists():
        found = json.loads(memory.read_text())
        lines += [
            "",
            f"Resident memory from step {found['early_step']} to step {found['late_step']}: "
            f"{found['growth']:+.2%}.",
        ]
    return "\n".join(lines) + "\n\n![Ratios](ratios.png)\n"


def draw(rows: list[dict[str, Any]]) -> None:
    """Ratios with their spread, on a logarithmic axis."""
    with matplotlib.rc_context({"font.size": 9, "axes.spines.right": False, "axes.spines.top": False}):
        figure = Figure(figsize=(9, 0.32 * len(rows) + 1.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for place, row in enumerate(sorted(rows, key=lambda row: row["name"], reverse=True)):
            color = "#EE7733" if row["name"] in HEADLINES else "#332288"
            axes.plot(
                [row["ratio_low"], row["ratio_high"]], [place, place], color=color, linewidth=3, alpha=0.4
            )
            axes.plot(row["ratio"], place, "o", color=color)
        axes.set_yticks(range(len(rows)), sorted((row["name"] for row in rows), reverse=True))
        axes.axvline(1, color="#767676", linewidth=1)
        axes.set_xscale("log")
        axes.set(xlabel="peer's time / our time (right of 1: ours is faster); bars: lowest to highest round")
        figure.savefig(RESULTS.with_name("ratios.png"), dpi=110)


def main() -> None:
    """Write both files from results.json."""
    rows = json.loads(RESULTS.read_text())
    RESULTS.with_name("report.md").write_text(markdown(rows), encoding="utf-8")
    draw(rows)


if __name__ == "__main__":
    main()

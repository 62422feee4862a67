"""results.json as a person reads it: reports/bench/report.md and ratios.png."""

from __future__ import annotations

import json
import platform
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.compare import RESULTS, THREADS
from benchmarks.gan_step import BASE

GROWTH = "gan_step_growth/"
HEADLINES = (
    "gan_step/full/torch",
    "gan_step/full/keras",
    "gan_step/quarter/torch",
    "preprocess/bare_loop",
    "convert/120_s/network",
)


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
    lines += conversion_lines()
    lines += ["", "`distribution/…`: one device beside two, or two processes, on the same cores and batch."]
    lines += ["What the ratio is above 1 is the price of training together."]
    lines += ["", "![Ratios](ratios.png)", "", "![Growth of a step's time](growth.png)", ""]
    lines += ["Which formulation of a convolution is quickest where: [formulations.md](formulations.md)."]
    return "\n".join(lines) + "\n"


def conversion_lines() -> list[str]:
    """What was found of conversions, live streams and the width that is met, where it was measured."""
    lines = []
    streaming, width = RESULTS.with_name("streaming.json"), RESULTS.with_name("width.json")
    profile = RESULTS.with_name("convert.json")
    if profile.exists():
        parts = json.loads(profile.read_text())
        whole = sum(parts.values())
        lines += [
            "",
            "Where a conversion's processor time goes (`python -m benchmarks.convert`), in ms per",
            "second of sound at 44 100 Hz:",
            "",
            "| part | ms | share |",
            "|---|--:|--:|",
        ]
        lines += [f"| {part} | {spent:.2f} | {spent / whole:.0%} |" for part, spent in parts.items()]
        lines += [f"| together | {whole:.2f} | |"]
    if streaming.exists():
        found = json.loads(streaming.read_text())
        rate, late = found["sample_rate"], found["latency_samples"]
        lines += [
            "",
            f"A live stream at {rate} Hz on one core (`python -m benchmarks.streaming`), {late} samples,",
            f"or {1e3 * late / rate:.1f} ms, late; in brackets a loop that only looks at the clock, and one",
            "whose work is always the same:",
            "",
            "| block | lasts (ms) | median (ms) | 99.9 % (ms) | worst (ms) | late blocks | load |",
            "|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for row in found["blocks"]:
            most, worst, late = (
                f"{row[key]:.4g} ({row[f'idle_{key}']:.4g}, {row[f'same_{key}']:.4g})"
                for key in ("most_ms", "worst_ms", "late_blocks")
            )
            lines.append(
                f"| {row['block_samples']} | {row['duration_ms']:.2f} | {row['median_ms']:.2f} | "
                f"{most} | {worst} | {late} of {row['blocks']} | {row['load']:.0%} |"
            )
    if width.exists():
        found = json.loads(width.read_text())
        lines += [
            "",
            f"Natural width on {found['recordings']} new recordings (`python -m benchmarks.width DIR`): the "
            f"band furthest off, {found['at_hz']:.0f} Hz, by {found['worst_db']:+.2f} dB.",
        ]
    return lines


def draw_growth(rows: list[dict[str, Any]]) -> None:
    """How a step's time grows with each size, beside growth in proportion."""
    grown: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["name"].startswith(GROWTH):
            key, _, value = row["name"].removeprefix(GROWTH).partition("=")
            grown.setdefault(key, [(1.0, 1.0)]).append((float(value) / BASE[key], row["ratio"]))
    with matplotlib.rc_context({"font.size": 9, "axes.spines.right": False, "axes.spines.top": False}):
        figure = Figure(figsize=(9, 2.6), layout="constrained")
        FigureCanvasAgg(figure)
        for axes, (key, points) in zip(
            figure.subplots(1, len(grown), sharey=True), grown.items(), strict=True
        ):
            sizes, times = zip(*sorted(points), strict=True)
            axes.plot(sizes, sizes, color="#767676", linewidth=1, label="in proportion")
            axes.plot(sizes, times, "o-", color="#EE7733", label="measured")
            axes.set(xscale="log", yscale="log", xlabel=key)
            axes.set_xticks(sizes, [f"{size * BASE[key]:g}" for size in sizes])
            axes.minorticks_off()
        figure.axes[0].set(ylabel="step time, relative")
        figure.axes[0].set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
        figure.axes[0].legend(frameon=False)
        figure.savefig(RESULTS.with_name("growth.png"), dpi=110)


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
    draw([row for row in rows if not row["name"].startswith(GROWTH)])
    draw_growth(rows)


if __name__ == "__main__":
    main()

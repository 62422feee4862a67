"""ViSQOL as a second opinion on the graded degradations of `benchmarks.degradations`.

`python -m benchmarks.visqol` writes reports/benchmark/visqol.md, from degradations.csv beside it and ViSQOL
(M. Chinen et al., "ViSQOL v3", QoMEX 2020). That compares one channel with a reference; folded down, whatever
keeps the mid is perfect. So it is asked about the left channel and the side alone, the degraded side at the
level of the undegraded one.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pandas as pd
from visqol import VisqolApi

from benchmarks.compare import size
from benchmarks.degradations import DEGRADATIONS, RATE, REPORT, song
from mono2stereo.decorrelators.random_phase import RandomPhase
from mono2stereo.dsp.resampling import resample
from mono2stereo.files import atomic_path

ITS_RATE = 48000
TITLES = ("degradation", "amount", "left (MOS-LQO)", "side alone (MOS-LQO)", "its own measure", "value")


def opinions(kind: str) -> list[tuple[float, float, float]]:
    """Amount, and what ViSQOL says of left and of side, 1 to 5."""
    judge = VisqolApi()
    judge.create(mode="audio")
    degrade, amounts, _, _ = DEGRADATIONS[kind]
    mid = song(0)
    side, rows = RandomPhase(0.05).side(mid, RATE), []
    for amount in size(amounts, amounts[-1:]):
        degraded = degrade(mid, side, amount).astype(np.float32)
        degraded *= np.std(side) / np.std(degraded)
        heard = []
        for before, after in ((mid + side, mid + degraded), (side, degraded)):
            pair = (resample(x, RATE, ITS_RATE).astype(np.float64) for x in (before, after))
            heard.append(judge.measure_from_arrays(*pair, ITS_RATE).moslqo)
        rows.append((amount, heard[0], heard[1]))
    return rows


def main() -> None:
    """Ask about every degradation and write the table."""
    measured = pd.read_csv(REPORT / "degradations.csv", index_col=["degradation", "amount"])
    lines = [
        "# What ViSQOL says to graded degradations",
        "",
        f"`python -m benchmarks.visqol`, visqol-python {version('visqol-python')}, audio mode.",
        "Of what is equal it says 4.73. Beside it, the measure that must tell the degradation.",
        "",
        f"| {' | '.join(TITLES)} |",
        "| --- | ---: | ---: | ---: | --- | ---: |",
    ]
    for kind, (_, _, own, _) in DEGRADATIONS.items():
        values = measured.loc[kind, own]
        for amount, left, side in opinions(kind):
            lines.append(
                f"| {kind} | {amount:g} | {left:.2f} | {side:.2f} | `{own}` | {values[amount]:.3f} |"
            )
            print(lines[-1], flush=True)
    with atomic_path(REPORT / "visqol.md") as beside:
        beside.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

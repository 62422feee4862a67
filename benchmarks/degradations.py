"""What each measure says to graded degradations of a side: its own, and those of the others.

`python -m benchmarks.degradations` draws reports/benchmark/degradations.png and writes the numbers beside it.
The side begins as the mid through a filter of random phase, 50 ms long, which has no haze and does not move.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import scipy.signal

from benchmarks.compare import SMALL
from mono2stereo.decorrelators.random_phase import RandomPhase
from mono2stereo.decorrelators.turned_phases import TurnedPhases
from mono2stereo.files import atomic_path
from mono2stereo.measures import COMPARED, MEASURES, OWN, take_measures
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis
from mono2stereo.pictures import STYLE, new_figure

RATE = 22050
SECONDS = 10.0
SHOWN = [name for name in COMPARED if MEASURES[name].needs != OWN]
REPORT = Path("build" if SMALL else "reports") / "benchmark"

Degradation = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def song(seed: int) -> np.ndarray:
    """Plucked chords, two a second, and a hiss: (samples,) float32."""
    random = np.random.default_rng(seed)
    t = np.arange(round(SECONDS * RATE)) / RATE
    x = 0.003 * random.standard_normal(len(t))
    for start in np.arange(0, SECONDS, 0.5):
        late = np.maximum(t - start, 0)
        for hz in random.choice([110, 147, 165, 196, 220, 262, 330, 392], 3, replace=False):
            for k in range(1, 12):
                x += (t >= start) * np.sin(2 * np.pi * k * hz * late) * np.exp(-(2 + k) * late) / k / 12
    return x.astype(np.float32)


def echo(mid: np.ndarray, side: np.ndarray, amount: float) -> np.ndarray:
    """The mid, 30 ms later, at so many times the side's level."""
    late = round(0.03 * RATE)
    return side + amount * _at_level(np.concatenate([np.zeros(late), mid[:-late]]), side)


def haze(mid: np.ndarray, side: np.ndarray, amount: float) -> np.ndarray:
    """Noise as loud as the mid at every moment, at so many times the side's level."""
    loudness = np.sqrt(scipy.signal.sosfiltfilt(_lowpass(5.0), mid.astype(np.float64) ** 2).clip(1e-12))
    return side + amount * _at_level(loudness * np.random.default_rng(1).standard_normal(len(mid)), side)


def smear(mid: np.ndarray, side: np.ndarray, amount: float) -> np.ndarray:
    """A tail of noise that falls by 60 dB in so many seconds, in place of every moment."""
    if not amount:
        return side
    t = np.arange(round(amount * RATE)) / RATE
    tail = np.random.default_rng(2).standard_normal(len(t)) * 10 ** (-3 * t / amount)
    return scipy.signal.fftconvolve(side, tail)[: len(side)]


def colour(mid: np.ndarray, side: np.ndarray, amount: float) -> np.ndarray:
    """A tilt of so many dB an octave about 1 kHz."""
    spectrum, hz = np.fft.rfft(side), np.fft.rfftfreq(len(side), 1 / RATE)
    return np.fft.irfft(spectrum * 10 ** (amount * np.log2(np.maximum(hz, 20) / 1000) / 20), len(side))


def chorus(mid: np.ndarray, side: np.ndarray, amount: float) -> np.ndarray:
    """The side and, at so many times its level, itself at a delay that swings by 2 ms twice a second."""
    n = np.arange(len(side))
    delay = (3 + 2 * np.sin(2 * np.pi * 2 * n / RATE)) * 1e-3 * RATE
    return side + amount * np.interp(n - delay, n, side, left=0)


def phasiness(mid: np.ndarray, side: np.ndarray, amount: float) -> np.ndarray:
    """Phases of critical bands that wander by so many radians, about once a second."""
    return TurnedPhases(amount).side(side.astype(np.float32), RATE) if amount else side


# Each with its amounts, and the measure that must tell it; whether that must rise. An echo below the side's
# own largest correlation hides behind it; phases that wander by more than 2 rad are as independent as can be.
DEGRADATIONS: dict[str, tuple[Degradation, tuple[float, ...], str, bool]] = {
    "echo": (echo, (0, 1, 2, 4), "largest_correlation", True),
    "haze": (haze, (0, 0.03, 0.1, 0.3, 1), "haze_db", True),
    "smear": (smear, (0, 0.1, 0.3, 1, 3), "onset_correlation", False),
    "colour": (colour, (0, 1, 2, 3, 6), "colour_db", True),
    "chorus": (chorus, (0, 0.1, 0.2, 0.4, 0.8), "level_difference_change_db", True),
    "phasiness": (phasiness, (0, 0.25, 0.5, 1, 2), "level_difference_db", True),
}


def measured(kind: str) -> pd.DataFrame:
    """A row per amount, a column per measure."""
    degrade, amounts, _, _ = DEGRADATIONS[kind]
    mid, rows = song(0), []
    side, source = RandomPhase(0.05).side(mid, RATE), SignalAnalysis(mid, RATE)
    for amount in amounts:
        degraded = SignalAnalysis(degrade(mid, side, amount).astype(np.float32), RATE)
        values = take_measures(SideAnalysis(source, degraded), SHOWN).values
        rows.append(pd.Series(values, name=amount))
    return pd.DataFrame(rows).rename_axis("amount")


def draw(changes: pd.DataFrame, file: Path) -> None:
    """What the strongest degradation changes, by measure beside the largest change that any of them makes."""
    shares = changes / changes.abs().max()
    with matplotlib.rc_context(STYLE), atomic_path(file) as beside:
        figure = new_figure(12.5, 5.2)
        axes = figure.subplots()
        axes.imshow(shares, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        axes.grid(visible=False)
        axes.set_xticks(
            range(len(SHOWN)), [MEASURES[name].heading for name in SHOWN], rotation=40, ha="right"
        )
        axes.set_yticks(range(len(changes)), changes.index)
        for row, kind in enumerate(changes.index):
            own = DEGRADATIONS[kind][2]
            for column, name in enumerate(SHOWN):
                axes.text(
                    column, row, f"{changes.at[kind, name]:+.2f}", ha="center", va="center", fontsize=8,
                    color="white" if abs(shares.at[kind, name]) > 0.6 else "black",
                    weight="bold" if name == own else "normal",
                )  # fmt: skip
        axes.set_title(
            "What each measure says to the strongest of each degradation (bold: what must tell it); "
            "colour: re the largest change in its column"
        )
        figure.savefig(beside, dpi=110)


def _at_level(x: np.ndarray, of: np.ndarray) -> np.ndarray:
    return x * np.sqrt(np.mean(np.square(of, dtype=np.float64)) / np.mean(np.square(x, dtype=np.float64)))


def _lowpass(hz: float) -> np.ndarray:
    return scipy.signal.butter(2, hz, fs=RATE, output="sos")


def main() -> None:
    """Measure, write and draw."""
    tables = {kind: measured(kind) for kind in DEGRADATIONS}
    every = pd.concat(tables, names=["degradation"]).round(4)
    with atomic_path(REPORT / "degradations.csv") as beside:
        every.to_csv(beside)
    changes = pd.DataFrame({kind: table.iloc[-1] - table.iloc[0] for kind, table in tables.items()}).T
    draw(changes[SHOWN], REPORT / "degradations.png")
    print(changes[SHOWN].round(2).T.to_string())


if __name__ == "__main__":
    main()

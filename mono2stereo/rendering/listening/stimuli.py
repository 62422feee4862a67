"""What can be heard of an excerpt: its mono, every checkpoint, every classical method, the recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.decorrelators import Decorrelator
from mono2stereo.decorrelators.base import SideMaker
from mono2stereo.decorrelators.neural import DEFAULT_MODEL
from mono2stereo.errors import AudioError, Mono2StereoError
from mono2stereo.measures import Readings, take_measures
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis

MONO, ORIGINAL = "mono", "original"
SHOWN = ("log_mel_db", "coherence_1024", "coherence_4096", "level_db")  # of each stimulus
Group = Literal["input", "recording", "network", "default", "classical", "tool"]
Makers = Mapping[str, Callable[[], SideMaker]]


@dataclass(frozen=True)
class Stimulus:
    """One stereo version of an excerpt.

    Attributes:
        key: `mono`, `original`, `step-000500`, `default model` or the classical method's name; unique in an
            excerpt.
        group: what kind of version it is.
        mid: (samples,); the excerpt's own unless the method changes it.
        side: (samples,).
        readings: of the measures in SHOWN; none for mono, which has no side.
    """

    key: str
    group: Group
    mid: NDArray
    side: NDArray
    readings: Readings


@dataclass(frozen=True)
class LeftOut:
    """A method that cannot be heard on an excerpt, and why."""

    key: str
    reason: str


def step_key(step: int) -> str:
    """Key of a checkpoint's stimuli, and its folder's name."""
    return f"step-{step:06d}"


def make_stimuli(
    excerpt: Excerpt, checkpoints: Mapping[int, Callable[[], Decorrelator]], others: Makers
) -> Iterator[Stimulus | LeftOut]:
    """Yield mono, the recording's own stereo, checkpoints ascending by step, then the others.

    Args:
        excerpt: what is made stereo.
        checkpoints: by step, what loads the decorrelator; loaded anew for each excerpt, none is kept.
        others: by name: classical methods, and the package's model as `DEFAULT_MODEL`.

    Raises:
        AudioError: a checkpoint's side is not finite.
    """
    mid, rate = excerpt.mid, excerpt.sample_rate
    source = SignalAnalysis(mid, rate)

    def stimulus(key: str, group: Group, side: NDArray, own_mid: NDArray = mid) -> Stimulus:
        analysis = SideAnalysis(
            source if own_mid is mid else SignalAnalysis(own_mid, rate),
            SignalAnalysis(side, rate),
            source=source,
        )
        return Stimulus(key, group, own_mid, side, take_measures(analysis, SHOWN))

    yield Stimulus(MONO, "input", mid, np.zeros_like(mid), Readings())
    yield stimulus(ORIGINAL, "recording", excerpt.side)
    for step in sorted(checkpoints):
        side = _made(excerpt, checkpoints[step]().side, f"step {step}: the side; train again, more slowly")
        yield stimulus(step_key(step), "network", side)
    for name, make in others.items():
        try:
            decorrelator = make()
            side = _made(excerpt, decorrelator.side, f"{name}: the side")
            changed = decorrelator.changes_mid
            own_mid = _made(excerpt, decorrelator.fold_down, f"{name}: the mid") if changed else mid
            yield stimulus(name, "default" if name == DEFAULT_MODEL else "classical", side, own_mid)
        except Mono2StereoError as error:
            yield LeftOut(name, str(error))


def _made(excerpt: Excerpt, make: Callable[[NDArray, int], NDArray], what: str) -> NDArray:
    heard = np.concatenate([excerpt.run_in, excerpt.mid])
    signal = make(heard, excerpt.sample_rate)[len(excerpt.run_in) :]
    if not np.isfinite(signal).all():
        name, _, advice = what.partition(";")
        raise AudioError(f"{excerpt.name}, {name} is not finite{f';{advice}' if advice else ''}")
    return signal

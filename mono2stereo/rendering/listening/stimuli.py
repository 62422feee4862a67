"""What can be heard of an excerpt: its mono, every checkpoint, every classical method, the recording."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.decorrelators import Decorrelator
from mono2stereo.dsp.coherence import mean_coherence
from mono2stereo.dsp.mel import log_mel_distance_db
from mono2stereo.errors import AudioError, Mono2StereoError

MONO, ORIGINAL = "mono", "original"
Group = Literal["input", "recording", "network", "classical"]
Makers = Mapping[str, Callable[[], Decorrelator]]


@dataclass(frozen=True)
class SideMeasures:
    """How a side relates to its mid over one excerpt; NaN for what so short or silent a one does not tell.

    Attributes:
        log_mel_db: mean log-mel difference, the side at the mid's level.
        coherence_1024: mean over mel bands, frames of 1024 samples.
        coherence_4096: the same, frames of 4096 samples.
        side_to_mid_db: level of the side against the mid, at least -120.
    """

    log_mel_db: float
    coherence_1024: float
    coherence_4096: float
    side_to_mid_db: float

    @classmethod
    def of(cls, mid: NDArray, side: NDArray, sample_rate: int) -> SideMeasures:
        """Measure the side (samples,) of a mid (samples,)."""
        power_ratio = np.mean(np.square(side, dtype=np.float64)) / np.mean(np.square(mid, dtype=np.float64))
        return cls(
            log_mel_distance_db(estimate=side, reference=mid, sample_rate=sample_rate),
            _coherence(mid, side, sample_rate, 1024),
            _coherence(mid, side, sample_rate, 4096),
            float(10 * np.log10(max(power_ratio, 1e-12))),
        )


def _coherence(mid: NDArray, side: NDArray, sample_rate: int, frame_length: int) -> float:
    try:
        return mean_coherence(mid, side, sample_rate, frame_length)
    except AudioError:  # too few frames for the estimator
        return math.nan


@dataclass(frozen=True)
class Stimulus:
    """One stereo version of an excerpt.

    Attributes:
        key: `mono`, `original`, `step-000500` or the classical method's name; unique in an excerpt.
        group: what kind of version it is.
        mid: (samples,); the excerpt's own unless the method changes it.
        side: (samples,).
        measures: None for mono, which has no side.
    """

    key: str
    group: Group
    mid: NDArray
    side: NDArray
    measures: SideMeasures | None


@dataclass(frozen=True)
class LeftOut:
    """A classical method that cannot be heard on an excerpt, and why."""

    key: str
    reason: str


def step_key(step: int) -> str:
    """Key of a checkpoint's stimuli, and its folder's name."""
    return f"step-{step:06d}"


def make_stimuli(
    excerpt: Excerpt, checkpoints: Mapping[int, Callable[[], Decorrelator]], classical: Makers
) -> Iterator[Stimulus | LeftOut]:
    """Yield mono, the recording's own stereo, checkpoints ascending by step, then classical methods.

    Args:
        excerpt: what is made stereo.
        checkpoints: by step, what loads the decorrelator; loaded anew for each excerpt, none is kept.
        classical: by name.

    Raises:
        AudioError: a checkpoint's side is not finite.
    """
    mid, rate = excerpt.mid, excerpt.sample_rate
    yield Stimulus(MONO, "input", mid, np.zeros_like(mid), None)
    yield Stimulus(ORIGINAL, "recording", mid, excerpt.side, SideMeasures.of(mid, excerpt.side, rate))
    for step in sorted(checkpoints):
        side = _made(excerpt, checkpoints[step]().side, f"step {step}: the side; train again, more slowly")
        yield Stimulus(step_key(step), "network", mid, side, SideMeasures.of(mid, side, rate))
    for name, make in classical.items():
        try:
            decorrelator = make()
            side = _made(excerpt, decorrelator.side, f"{name}: the side")
            own_mid = _made(excerpt, decorrelator.fold_down, f"{name}: the mid")
            yield Stimulus(name, "classical", own_mid, side, SideMeasures.of(own_mid, side, rate))
        except Mono2StereoError as error:
            yield LeftOut(name, str(error))


def _made(excerpt: Excerpt, make: Callable[[NDArray, int], NDArray], what: str) -> NDArray:
    heard = np.concatenate([excerpt.run_in, excerpt.mid])
    made = make(heard, excerpt.sample_rate)[len(excerpt.run_in) :]
    if not np.isfinite(made).all():
        name, _, advice = what.partition(";")
        raise AudioError(f"{excerpt.name}, {name} is not finite{f';{advice}' if advice else ''}")
    return made

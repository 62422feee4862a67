"""Training and validation clips, drawn from (seed, step, place) alone.

So a resumed run sees the same ones, and so do several workers that share a batch as one that has all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mono2stereo.data.pairs import Pair
from mono2stereo.dsp.mel import mel_centres_hz
from mono2stereo.dsp.resampling import resample
from mono2stereo.errors import DataError

LEVEL_TAPS = 513
MAX_LEVEL_DB = 24.0
SILENCE = 1e-3  # rms; a clip below it teaches nothing and is drawn again
REDRAWS = 8


@dataclass(frozen=True)
class ClipDrawer:
    """Draws `(mid, real)` clips from preprocessed tracks.

    Args:
        pairs: Tracks of one split.
        sample_rate: In Hz.
        clip_samples: Length of the mid, context included.
        real_span: The samples of a clip that a generated side stands for; `real` has just these.
        real: "side", the recording's own, or "mid".
        real_level: How a side is levelled to its mid over the track: "none", "broadband" or "bands"
            (per mel band, so that the discriminators do not ask for an equalisation the mel loss forbids).
        max_speed: Training clips are played up to so many times faster or slower, as if on tape, so that
            every pitch is heard; 1: as they are.
    """

    pairs: Sequence[Pair]
    sample_rate: int
    clip_samples: int
    real_span: slice
    real: str = "side"
    real_level: str = "bands"
    max_speed: float = 1.0

    def __post_init__(self) -> None:
        short = [pair.name for pair in self.pairs if len(pair.mid_side) < self.clip_samples]
        if len(short) == len(self.pairs):
            longest = max(len(pair.mid_side) for pair in self.pairs)
            raise DataError(
                f"a clip of {self.clip_samples} samples, context included, is longer than every track "
                f"({longest} samples at most); shorten train.crop_samples"
            )
        usable = [pair for pair in self.pairs if len(pair.mid_side) >= self.clip_samples]
        object.__setattr__(self, "pairs", usable)
        object.__setattr__(self, "_taps", [self._level_taps(pair) for pair in usable])

    def batch(self, seed: int, step: int, places: range) -> tuple[np.ndarray, np.ndarray]:
        """Clips of one step's batch: mid `(places, clip_samples)` and real `(places, span)`, float32.

        A clip depends on its own place alone, so that who computes some reads nothing of the others.
        Tracks are drawn with probability proportional to their lengths, starts uniformly.

        Args:
            seed: Of all draws.
            step: Which batch.
            places: Which of its clips.
        """
        lengths = np.array([len(pair.mid_side) for pair in self.pairs], float)
        probabilities = lengths / lengths.sum()
        clips = []
        for place in places:
            generator = np.random.default_rng([seed, step, place])
            for _ in range(REDRAWS):
                index = generator.choice(len(self.pairs), p=probabilities)
                length = len(self.pairs[index].mid_side)
                samples = min(self._samples(generator), length)
                start = int(generator.integers(length - samples + 1))
                if np.sqrt(np.mean(np.square(self._mid(index, start, samples)))) > SILENCE:
                    break
            clips.append(self.clip(index, start, samples))
        mids, reals = zip(*clips, strict=True)
        return np.stack(mids), np.stack(reals)

    def fixed(self, n_clips: int) -> tuple[np.ndarray, np.ndarray]:
        """`n_clips` clips spread evenly over the tracks and within them, the same at every call."""
        clips = []
        for number in range(n_clips):
            index = number % len(self.pairs)
            rounds = -(-(n_clips - index) // len(self.pairs))
            share = (number // len(self.pairs) + 0.5) / rounds
            clips.append(self.clip(index, int(share * (len(self.pairs[index].mid_side) - self.clip_samples))))
        mids, reals = zip(*clips, strict=True)
        return np.stack(mids), np.stack(reals)

    def clip(self, index: int, start: int, samples: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """One clip: mid `(clip_samples,)` from sample `start` of a track, and its real `(span,)`.

        Args:
            index: Which track.
            start: In samples.
            samples: How many of the track become a clip; by default as many as it has.
        """
        samples = samples or self.clip_samples
        mid = real = resample(self._mid(index, start, samples), samples, self.clip_samples)
        if self.real == "side":
            real = resample(self._levelled_side(index, start, samples), samples, self.clip_samples)
        return mid, real[self.real_span]

    def _samples(self, generator: np.random.Generator) -> int:
        if self.max_speed == 1:
            return self.clip_samples
        return round(self.clip_samples * self.max_speed ** generator.uniform(-1, 1))

    def _mid(self, index: int, start: int, samples: int) -> np.ndarray:
        return np.array(self.pairs[index].mid_side[start : start + samples, 0])

    def _levelled_side(self, index: int, start: int, samples: int) -> np.ndarray:
        track = self.pairs[index].mid_side
        taps = self._taps[index]  # type: ignore[attr-defined]
        margin = len(taps) // 2
        first, last = start - margin, start + samples + margin
        inside = track[max(first, 0) : min(last, len(track)), 1]
        side = np.pad(inside, (max(-first, 0), max(last - len(track), 0)))
        return np.convolve(side, taps, "valid")

    def _level_taps(self, pair: Pair) -> np.ndarray:
        """Linear-phase FIR that brings a track's side to the level of its mid."""
        if self.real_level == "none":
            return np.ones(1, np.float32)
        mid, side = np.asarray(pair.mid_level_bands), np.asarray(pair.side_level_bands)
        if self.real_level == "broadband":
            return np.array([10 ** (-pair.side_to_mid_db / 20)], np.float32)
        limit = 10 ** (MAX_LEVEL_DB / 20)
        gain = np.clip(mid / np.maximum(side, 1e-12), 1 / limit, limit)
        # As SciPy's firwin2, whose import would make every training wait.
        bins_hz = np.linspace(0, self.sample_rate / 2, 2 * LEVEL_TAPS)
        response = np.fft.irfft(np.interp(bins_hz, mel_centres_hz(self.sample_rate, len(gain)), gain))
        taps = np.roll(response, LEVEL_TAPS // 2)[:LEVEL_TAPS] * np.hamming(LEVEL_TAPS)
        return taps.astype(np.float32)

"""The network at work on one signal: rate, frames, network with its states, and all the way back."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import NamedTuple

import numpy as np

from mono2stereo.decorrelators.base import Staged
from mono2stereo.dsp.filters import SosFilter, dc_blocker_sos, highpass_sos
from mono2stereo.dsp.signals import Signal
from mono2stereo.dsp.streaming_resampler import StreamResampler
from mono2stereo.dsp.windows import times, windows
from mono2stereo.model_card import ModelCard

States = dict[str, np.ndarray]
Network = Callable[[Signal, States], tuple[Signal, States]]
PROMPT_FRAMES = 16  # blocks up to here are for ears that wait
AT_ONCE_FRAMES = 640  # of short blocks that are there at once; with more the network loses what a cache holds


class _Block(NamedTuple):
    """Of a block of the mid: its length and dtype, and the frames that it completes."""

    samples: int
    dtype: np.dtype[np.floating]
    frames: list[Signal]


class NeuralStream(Staged):
    """Side of one mid, block by block; made by `NeuralDecorrelator.stream`.

    The network runs as soon as `block_frames` frames are complete, counted from the signal's start, wherever
    the blocks that come in are cut; a frame's result does not depend on how many go with it.

    Args:
        network: (mid frames, states) → (side frames, next states), frames float32 (frames, 2·bins), real and
            imaginary parts in turn.
        states: of a network that has heard silence.
        card: what the network was made for.
        sample_rate: of mid and side, Hz.
        block_frames: how many frames the network waits for.
    """

    def __init__(
        self, network: Network, states: States, card: ModelCard, *, sample_rate: int, block_frames: int
    ) -> None:
        self._network, self._states = network, states
        self._down = self._up = None
        self._analysis = _Analysis(card, block_frames)
        self._synthesis = _Synthesis(card)
        delay = float(block_frames * card.frame_step - 1 + self._synthesis.delay_samples)
        if sample_rate != card.sample_rate:
            prompt = block_frames <= PROMPT_FRAMES
            band = crossover_hz(card.sample_rate, sample_rate)
            pass_hz, stop_hz = input_band_hz(card.sample_rate, sample_rate)
            self._down = StreamResampler(
                sample_rate, card.sample_rate, pass_hz=pass_hz, stop_hz=stop_hz, prompt=prompt
            )
            self._up = StreamResampler(
                card.sample_rate, sample_rate, pass_hz=band[0], stop_hz=band[1], prompt=prompt
            )
            delay = (delay + self._up.delay_samples) * sample_rate / card.sample_rate
            delay += self._down.delay_samples
        self.latency_samples = ceil(delay)
        self._ready = np.zeros(self.latency_samples, np.float32)
        self.stages = (self._to_frames, self._through_network, self._to_side)

    def _to_frames(self, mid: Signal) -> _Block:
        at_model_rate = self._down.process(mid) if self._down else mid.astype(np.float32, copy=False)
        return _Block(len(mid), mid.dtype, self._analysis.process(at_model_rate))

    def _through_network(self, block: _Block) -> _Block:
        spectra = []
        for frames in block.frames:
            spectrum, self._states = self._network(frames, self._states)
            spectra.append(spectrum)
        return block._replace(frames=spectra)

    def _to_side(self, block: _Block) -> Signal:
        sides = [self._synthesis.process(frames) for frames in block.frames]
        if self._up:
            sides = [self._up.process(side) for side in sides]
        ready = np.concatenate([self._ready, *sides])
        self._ready = ready[block.samples :].copy()
        return ready[: block.samples].astype(block.dtype, copy=False)


def crossover_hz(model_rate: int, sample_rate: int) -> tuple[float, float]:
    """Where the network's side ends at another rate: flat up to the first frequency, gone at the second.

    Recordings resampled for training fall off from 0.91 of the network's Nyquist frequency on; this
    stays below.
    """
    nyquist = min(model_rate, sample_rate) / 2
    return 0.86 * nyquist, 0.97 * nyquist


def input_band_hz(model_rate: int, sample_rate: int) -> tuple[float, float]:
    """What of the mid reaches the network: all that `crossover_hz` lets out, none of it folded."""
    nyquist = min(model_rate, sample_rate) / 2
    return (0.91 * nyquist, 1.03 * nyquist) if sample_rate > model_rate else (0.91 * nyquist, nyquist)


class _Analysis:
    """At the network's rate: samples to frames, a whole block of them at a time."""

    def __init__(self, card: ModelCard, block_frames: int) -> None:
        self._length, self._step, self._block = card.frame_length, card.frame_step, block_frames
        self._matrix, _ = card.stft.matrices
        self._held = np.zeros(self._length - self._step, np.float32)
        self._blocker = SosFilter(dc_blocker_sos(card.sample_rate))

    def process(self, mid: Signal) -> list[Signal]:
        """Take the next samples, float32, and return what frames are complete, in pieces for the network."""
        held = np.concatenate([self._held, self._blocker.process(mid)])
        frames = windows(held, self._length, self._step)
        frames = frames[: len(frames) // self._block * self._block]
        self._held = held[len(frames) * self._step :].copy()
        size = max(self._block, AT_ONCE_FRAMES)
        return [times(frames[first : first + size], self._matrix) for first in range(0, len(frames), size)]


class _Synthesis:
    """At the network's rate: its frames to samples, inverse STFT and high-pass."""

    def __init__(self, card: ModelCard) -> None:
        self._stft, self._step = card.stft, card.frame_step
        _, self._matrix = card.stft.matrices
        self._edge = card.frame_length - card.frame_step
        self._skip_frames = card.lookahead_frames
        self.delay_samples = self._skip = card.lookahead_frames * card.frame_step + self._edge
        self._tail = np.zeros(self._edge, np.float32)
        self._highpass = SosFilter(highpass_sos(card.highpass_hz, card.sample_rate))

    def process(self, spectrum: Signal) -> Signal:
        """Take the next frames and return the samples that they complete, float32."""
        frames = times(spectrum, self._matrix)
        if self._skip_frames:  # they stand for frames before the signal began
            frames[: self._skip_frames] = 0
            self._skip_frames = max(0, self._skip_frames - len(frames))
        side = self._stft.overlap_add(frames)
        side[: self._edge] += self._tail
        done = len(frames) * self._step
        self._tail = side[done:]
        side = side[min(self._skip, done) : done]
        self._skip -= min(self._skip, done)
        return self._highpass.process(side)

"""The short-time Fourier transform and its exact inverse."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mono2stereo.dsp.signals import Signal, require_mono
from mono2stereo.dsp.windows import windows
from mono2stereo.errors import AudioError

MOST_BETA = 20.0  # there a window's ends are 150 dB down


@dataclass(frozen=True)
class Stft:
    """Analysis under a periodic window, and the synthesis window that inverts it at any overlap.

    Frames start at whole multiples of `frame_step`, without padding; a frame is zero-padded at its end to
    `fft_length`. The synthesis window is the analysis window over the sum of its squares at all
    frame shifts (Griffin & Lim 1984, eq. 6). float32 stays float32.

    Args:
        frame_length: samples under the window.
        frame_step: samples from frame to frame.
        fft_length: samples of the transform, at least `frame_length`.
        kaiser_beta: of a Kaiser window; 0 for a Hann window.

    Raises:
        AudioError: the lengths admit no inverse, or beta is out of range.

    >>> stft = Stft(frame_length=116, frame_step=58, fft_length=128)
    >>> stft.n_bins, stft.analyse(np.ones(1000)).shape, stft.round_trip(np.ones(1000)).shape
    (65, (16, 65), (1000,))
    """

    frame_length: int
    frame_step: int
    fft_length: int
    kaiser_beta: float = 0.0

    def __post_init__(self) -> None:
        if not 2 <= self.frame_length <= self.fft_length:
            raise AudioError(
                f"frame_length = {self.frame_length}: from 2 to fft_length, which is {self.fft_length}"
            )
        if not 1 <= self.frame_step < self.frame_length:
            raise AudioError(
                f"frame_step = {self.frame_step}: from 1 to frame_length - 1, which is "
                f"{self.frame_length - 1}; a Hann window starts at zero"
            )
        if not 0 <= self.kaiser_beta <= MOST_BETA:
            raise AudioError(
                f"kaiser_beta = {self.kaiser_beta}: from 0, which is a Hann window, to {MOST_BETA:g}"
            )

    @property
    def n_bins(self) -> int:
        """Frequency bins from DC to Nyquist."""
        return self.fft_length // 2 + 1

    @property
    def window(self) -> Signal:
        """Analysis window, (frame_length,) float64."""
        return _windows(self)[0]

    @property
    def synthesis_window(self) -> Signal:
        """Dual of the analysis window, (frame_length,) float64."""
        return _windows(self)[1]

    def analyse(self, x: Signal) -> Signal:
        """Transform (samples,) to complex (frames, n_bins), frames = 1 + (samples-frame_length)//step.

        Raises:
            AudioError: shorter than one frame, or not a floating-point waveform.
        """
        require_mono(x, "x", samples=self.frame_length)
        import scipy.fft  # here, since a conversion does without

        frames = windows(x, self.frame_length, self.frame_step)
        return scipy.fft.rfft(frames * self.window.astype(x.dtype), self.fft_length)

    def synthesise(self, spectrum: Signal) -> Signal:
        """Overlap-add complex (frames, n_bins) to (samples,), samples = (frames-1)*step + frame_length.

        Exact only where all the windows overlap: pad before analysing and crop, as `round_trip` does.

        Raises:
            AudioError: another shape.
        """
        if spectrum.ndim != 2 or spectrum.shape[1] != self.n_bins or not spectrum.shape[0]:
            raise AudioError(f"spectrum has shape {spectrum.shape}: (frames, {self.n_bins}) is needed")
        import scipy.fft

        frames = scipy.fft.irfft(spectrum, self.fft_length)[:, : self.frame_length]
        return self.overlap_add(frames * self.synthesis_window.astype(frames.dtype))

    def overlap_add(self, frames: Signal) -> Signal:
        """Sum frames (frames, frame_length), each `frame_step` after the one before."""
        n_frames, step = frames.shape[0], self.frame_step
        pieces = -(-self.frame_length // step)
        blocks = np.zeros((n_frames + pieces - 1, step), frames.dtype)
        for piece in range(pieces):
            part = frames[:, piece * step : (piece + 1) * step]
            blocks[piece : piece + n_frames, : part.shape[1]] += part
        return blocks.reshape(-1)[: (n_frames - 1) * step + self.frame_length]

    @property
    def matrices(self) -> tuple[Signal, Signal]:
        """The same as products, as fast as transforms where frames are short, float32.

        Returns:
            Analysis, (frame_length, 2·n_bins), real and imaginary parts in turn, and synthesis, back.
        """
        return _matrices(self)

    @property
    def pad_before_samples(self) -> int:
        """Zeros that `pad` puts before the signal."""
        return self.frame_length - self.frame_step

    def pad(self, x: Signal) -> Signal:
        """Pad (samples,) with zeros so that all windows cover every sample and the frames come out whole."""
        require_mono(x, "x", samples=1)
        frames = -(-(self.pad_before_samples + x.shape[0]) // self.frame_step)
        total = (frames - 1) * self.frame_step + self.frame_length
        return np.pad(x, (self.pad_before_samples, total - self.pad_before_samples - x.shape[0]))

    def round_trip(self, x: Signal) -> Signal:
        """Analyse and synthesise (samples,), edges included; equals `x` but for rounding."""
        start = self.pad_before_samples
        return self.synthesise(self.analyse(self.pad(x)))[start : start + x.shape[0]]


@lru_cache
def _windows(stft: Stft) -> tuple[Signal, Signal]:
    n, step = stft.frame_length, stft.frame_step
    if stft.kaiser_beta:
        window = np.kaiser(n + 1, stft.kaiser_beta)[:-1]
    else:
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    squares = np.pad(window**2, (0, -n % step)).reshape(-1, step).sum(axis=0)
    dual = window / np.resize(squares, n)
    for array in (window, dual):
        array.flags.writeable = False
    return window, dual


@lru_cache
def _matrices(stft: Stft) -> tuple[Signal, Signal]:
    analysis = np.fft.rfft(np.diag(stft.window), stft.fft_length).view(np.float64)
    bins = np.eye(stft.n_bins)[:, np.newaxis] * np.array([[1], [1j]])
    frames = np.fft.irfft(bins.reshape(2 * stft.n_bins, -1), stft.fft_length)[:, : stft.frame_length]
    return analysis.astype(np.float32), (frames * stft.synthesis_window).astype(np.float32)

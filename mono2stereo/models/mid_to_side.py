"""Waveform to waveform: STFT, generator, inverse STFT, high-pass. What is trained, and what is exported."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mono2stereo.dsp.filters import highpass_sos, impulse_response
from mono2stereo.dsp.stft import Stft
from mono2stereo.models.generators import Generator
from mono2stereo.models.receptive_field import filtered_frames

REST_IMPULSES = 3
RINGING_FRAMES = 160  # of the high-pass, after the generator's own filters


class MidToSide(keras.Model):
    """The side signal a generator makes for a mid signal.

    Args:
        generator: Spectrum → spectrum network.
        stft: Analysis and synthesis frames.
        sample_rate: In Hz.
        lookahead_frames: How many of the frames the generator sees lie after the one it makes.
        highpass_hz: Cut-off of the 4th-order Butterworth high-pass on the side.
    """

    def __init__(
        self,
        generator: Generator,
        *,
        stft: Stft,
        sample_rate: int,
        lookahead_frames: int = 0,
        highpass_hz: float = 50.0,
    ) -> None:
        super().__init__(name="mid_to_side")
        self.generator = generator
        self.stft = stft
        self.sample_rate = sample_rate
        self.lookahead_frames = lookahead_frames
        self.highpass_hz = highpass_hz
        taps = impulse_response(highpass_sos(highpass_hz, sample_rate))
        self._highpass_taps = tf.constant(taps, keras.backend.floatx())
        generator.build((None, None, 2 * stft.n_bins))

    def span(self, n_samples: int) -> slice:
        """Which samples of an input of `n_samples` the output stands for: all that whole frames cover."""
        stft = self.stft
        frames = 1 + (n_samples - stft.frame_length) // stft.frame_step
        first = self.generator.receptive_frames - self.lookahead_frames
        start = first * stft.frame_step + stft.frame_length - stft.frame_step
        return slice(start, (frames - self.lookahead_frames) * stft.frame_step)

    def highpass(self, x: tf.Tensor) -> tf.Tensor:
        """High-pass `(batch, samples)` by FFT convolution with the filter's impulse response."""
        n = x.shape[-1]
        size = 1 << int(n + self._highpass_taps.shape[0] - 1).bit_length()
        spectrum = tf.signal.rfft(x, [size]) * tf.signal.rfft(self._highpass_taps, [size])
        return tf.signal.irfft(spectrum, [size])[:, :n]

    def call(self, mid: tf.Tensor) -> tf.Tensor:
        """Mid `(batch, samples)` → side `(batch, samples of span)`; samples must be static."""
        return self._side(mid, self.generator)

    def response_at_rest(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Sides of impulses with the generator `at_rest`, and an impulse high-passed.

        The impulses come at `REST_IMPULSES` places of a frame step, and responses differ where bins do: their
        mean is what a held tone goes through, what differs makes its images, a frame rate or several away.

        Returns:
            `(REST_IMPULSES, samples)`, each from as long before its impulse, and `(1, samples)`.
        """
        stft, generator = self.stft, self.generator
        frames = filtered_frames(generator.kind, generator.kernel_frames) + RINGING_FRAMES
        samples = stft.frame_length + (generator.receptive_frames + frames) * stft.frame_step
        span = self.span(samples)
        places = [round(n * stft.frame_step / REST_IMPULSES) for n in range(REST_IMPULSES)]
        first = span.start + stft.frame_length
        impulses = tf.one_hot([first + place for place in places], samples, dtype=keras.backend.floatx())
        sides = self._side(impulses, generator.at_rest)
        length = sides.shape[1] - stft.frame_step
        aligned = [
            side[place : place + length] for side, place in zip(tf.unstack(sides), places, strict=True)
        ]
        return tf.stack(aligned), self.highpass(impulses[:1, span])[:, :length]

    def _side(self, mid: tf.Tensor, generate: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
        stft = self.stft
        lengths = stft.frame_length, stft.frame_step, stft.fft_length
        spectrum = tf.signal.stft(mid, *lengths, window_fn=lambda _, dtype: tf.constant(stft.window, dtype))
        spectrum = generate(complex_to_real(spectrum))
        side = tf.signal.inverse_stft(
            real_to_complex(spectrum),
            *lengths,
            window_fn=lambda _, dtype: tf.constant(stft.synthesis_window, dtype),
        )
        edge = stft.frame_length - stft.frame_step
        span = self.span(mid.shape[-1])
        return self.highpass(side[:, edge : edge + span.stop - span.start])


def complex_to_real(spectrum: tf.Tensor) -> tf.Tensor:
    """Complex `(…, bins)` → real `(…, 2·bins)`, real and imaginary parts interleaved."""
    pairs = tf.stack([tf.math.real(spectrum), tf.math.imag(spectrum)], axis=-1)
    return tf.reshape(pairs, tf.concat([tf.shape(spectrum)[:-1], [2 * spectrum.shape[-1]]], axis=0))


def real_to_complex(spectrum: tf.Tensor) -> tf.Tensor:
    """Inverse of `complex_to_real`; real at DC and Nyquist, as real signals are.

    What a network puts into the imaginary parts there a CPU's inverse transform ignores; a GPU's takes it for
    signal, and moves the bass of the DC bin to Nyquist.
    """
    bins = spectrum.shape[-1] // 2
    pairs = tf.reshape(spectrum, tf.concat([tf.shape(spectrum)[:-1], [bins, 2]], axis=0))
    inner = np.pad(np.ones(bins - 2), 1)
    return tf.complex(pairs[..., 0], pairs[..., 1] * tf.constant(inner, spectrum.dtype))


def n_parameters(model: keras.Model) -> int:
    """Trainable numbers in `model`, the gains of weight normalisation not counted."""
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights if w.name != "gain")

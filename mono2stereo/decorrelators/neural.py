"""The trained network as a decorrelator: an exported ONNX file, NumPy around it, no TensorFlow."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import sosfilt

from mono2stereo.dsp.filters import highpass_sos
from mono2stereo.dsp.resampling import resample
from mono2stereo.errors import AudioError, ModelError
from mono2stereo.model_card import METADATA_KEY, ModelCard, broken_seal

BLOCK_FRAMES = 1024


class NeuralDecorrelator:
    """Mono → side by a trained generator. Make one with `load`."""

    name = "neural"

    def __init__(self, session: Any, card: ModelCard) -> None:
        self._session = session
        self.card = card

    @classmethod
    def load(cls, path: Path | str | None = None) -> NeuralDecorrelator:
        """Open an exported generator; without `path` the one that comes with the package.

        Raises:
            ModelError: No such file, not an exported generator, or of another format version.
        """
        if path is None:
            with as_file(files("mono2stereo") / "weights" / "default.onnx") as default:
                return cls.load(default)
        path = Path(path)
        if not path.is_file():
            raise ModelError(f"{path}: no such model file; give one that training exported (*.onnx)")
        data = path.read_bytes()
        if broken_seal(data):
            raise ModelError(f"{path}: damaged, its checksum is another; export or copy it again")
        import onnxruntime  # here, so that `import mono2stereo` stays quick

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            # From bytes: a model that refers to other files of the machine is refused.
            session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own errors share no base class
            raise ModelError(f"{path}: no readable ONNX file ({str(error).splitlines()[0]})") from None
        card = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if card is None:
            raise ModelError(f"{path}: an ONNX file, but not one that mono2stereo exported")
        try:
            model = cls(session, ModelCard.loads(card))
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from None
        try:
            _ = model._silent_states
        except Exception:  # of a stranger's file anything may be wrong
            raise ModelError(f"{path}: its graph does not fit its model card; export it again") from None
        return model

    @property
    def sample_rate(self) -> int:
        """The rate in Hz at which the network works."""
        return self.card.sample_rate

    @cached_property
    def _silent_states(self) -> dict[str, np.ndarray]:
        """States after endless silence: zeros, unless the network has biases."""
        states = {value.name: np.zeros(value.shape, np.float32) for value in self._session.get_inputs()[1:]}
        silence = np.zeros((self.card.receptive_frames, self.card.stft.n_bins), np.complex64)
        return self._run(silence, states)[1]

    def _run(
        self, spectrum: np.ndarray, states: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Mid frames `(frames, bins)` complex64 → side frames of the same shape, and the next states."""
        frames, bins = spectrum.shape
        channels = spectrum.view(np.float32).reshape(1, frames, 2 * bins).transpose(0, 2, 1)
        side, *following = self._session.run(None, {"mid": channels, **states})
        pairs = np.ascontiguousarray(side[0].T)
        return pairs.view(np.complex64), dict(zip(states, following, strict=True))

    def side(self, mid: np.ndarray, sample_rate: int) -> np.ndarray:
        """Side `(samples,)` for mid `(samples,)`, at the mid's own rate, length and dtype.

        The network works at `self.sample_rate`; above its Nyquist frequency the side is empty.

        Raises:
            AudioError: `mid` is not one-dimensional.
        """
        mid = np.asarray(mid)
        if mid.ndim != 1:
            raise AudioError(f"mid has shape {mid.shape}; give one channel, (samples,)")
        if not mid.size:
            return np.zeros_like(mid)
        at_model_rate = resample(mid.astype(np.float32), sample_rate, self.sample_rate)
        side = resample(self._side_at_model_rate(at_model_rate), self.sample_rate, sample_rate)
        fitted = np.zeros(mid.shape, mid.dtype)
        n = min(mid.size, side.size)
        fitted[:n] = side[:n]
        return fitted

    def _side_at_model_rate(self, mid: np.ndarray) -> np.ndarray:
        card, stft = self.card, self.card.stft
        edge = card.frame_length - card.frame_step
        frames = -(-(mid.size + edge) // card.frame_step) + card.lookahead_frames
        padded = np.zeros(frames * card.frame_step + edge, np.float32)
        padded[edge : edge + mid.size] = mid
        states, blocks = self._silent_states, []
        for first in range(0, frames, BLOCK_FRAMES):
            count = min(BLOCK_FRAMES, frames - first)
            start = first * card.frame_step
            block = padded[start : start + (count - 1) * card.frame_step + card.frame_length]
            spectrum, states = self._run(stft.analyse(block), states)
            blocks.append(spectrum)
        side = stft.synthesise(np.concatenate(blocks)[card.lookahead_frames :])
        side = sosfilt(highpass_sos(card.highpass_hz, card.sample_rate), side[edge : edge + mid.size])
        return side.astype(np.float32)

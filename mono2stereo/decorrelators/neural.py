"""The trained network as a decorrelator: an exported ONNX file, NumPy around it, no TensorFlow."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path

import numpy as np

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.neural_stream import NeuralStream, States
from mono2stereo.decorrelators.session import NetworkSession
from mono2stereo.dsp.signals import require_sample_rate
from mono2stereo.errors import AudioError, ModelError
from mono2stereo.model_card import METADATA_KEY, ModelCard, broken_seal

DEFAULT_MODEL = "default model"  # what the package's own is called beside others
DEFAULT_WEIGHTS = Path(__file__).parents[1] / "weights" / "default.onnx"
FILE_BLOCK_FRAMES = 64
LIVE_BLOCK_FRAMES = 1
MOST_BYTES = 1 << 29  # of a file, and of its states


class NeuralDecorrelator(Streaming):
    """Mono → side by a trained generator. Make one with `load`."""

    name = "neural"
    card: ModelCard

    def __init__(
        self, session: NetworkSession, card: ModelCard, block_frames: int = FILE_BLOCK_FRAMES
    ) -> None:
        self._session = session
        self._block_frames = block_frames
        self.card = card

    @classmethod
    def load(
        cls, path: Path | str | None = None, *, block_frames: int = FILE_BLOCK_FRAMES, threads: int = 0
    ) -> NeuralDecorrelator:
        """Open an exported generator; without `path` the one that comes with the package.

        Args:
            path: `*.onnx`.
            block_frames: how many frames the network waits for: `FILE_BLOCK_FRAMES` for throughput,
                `LIVE_BLOCK_FRAMES` for a short latency, or what lies between.
            threads: of the network; 0 for one per core. One is best for short blocks, and where several
                recordings are converted at once.

        Raises:
            ModelError: No such file, not an exported generator, or of another format version.
            AudioError: No frames, or fewer than no threads.
        """
        if block_frames < 1 or threads < 0:
            raise AudioError(f"block_frames = {block_frames}, threads = {threads}: from 1 and from 0 up")
        if path is None:
            path = DEFAULT_WEIGHTS
        path = Path(path)
        if not path.is_file():
            raise ModelError(f"{path}: no such model file; give one that training exported (*.onnx)")
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"{path}: larger than any model that mono2stereo exports; give another file")
        data = path.read_bytes()
        if broken_seal(data):
            raise ModelError(f"{path}: damaged, its checksum is another; export or copy it again")
        session = NetworkSession(data, threads)
        try:
            card = session.opened().get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        except Exception as error:  # onnxruntime's own errors share no base class
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(f"{path}: no readable ONNX file ({reason})") from None
        if card is None:
            raise ModelError(f"{path}: an ONNX file, but not one that mono2stereo exported")
        try:
            model = cls(session, ModelCard.loads(card), block_frames)
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
    def _silent_states(self) -> States:
        """States after endless silence: zeros, unless the network has biases."""
        shapes = {value.name: value.shape for value in self._session.opened().get_inputs()[1:]}
        if sum(4 * math.prod(shape) for shape in shapes.values()) > MOST_BYTES:
            raise ModelError("states beyond any that mono2stereo exports")
        states = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        silence = np.zeros((self.card.receptive_frames, 2 * self.card.stft.n_bins), np.float32)
        return self._run(silence, states)[1]

    def _run(self, frames: np.ndarray, states: States) -> tuple[np.ndarray, States]:
        """Mid frames `(frames, 2·bins)` float32 → side frames of the same shape, and the next states."""
        mid = np.ascontiguousarray(frames.T[np.newaxis])
        side, *following = self._session.opened().run(None, {"mid": mid, **states})
        return side[0].T, dict(zip(states, following, strict=True))

    def stream(self, sample_rate: int) -> NeuralStream:
        """Start on a signal of `sample_rate` Hz.

        The network works at a rate of its own; above its Nyquist frequency the side is empty.

        Raises:
            AudioError: not a whole rate from 8000 to 384 000 Hz.
        """
        return NeuralStream(
            self._run,
            self._silent_states,
            self.card,
            sample_rate=require_sample_rate(sample_rate),
            block_frames=self._block_frames,
        )

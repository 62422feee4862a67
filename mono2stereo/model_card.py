"""What an exported model says about itself: written by the export, read wherever a model is used."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from mono2stereo.dsp.signals import HIGHEST_SAMPLE_RATE, LOWEST_SAMPLE_RATE
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import AudioError, ModelError
from mono2stereo.hashes import sha256
from mono2stereo.versions import MODEL_FORMAT, MODEL_FORMATS_READ

MOST_FRAME_SAMPLES, MOST_FRAMES = 1 << 16, 1 << 14
IN_MLFLOW = re.compile("[0-9a-f]{32}|models:/.+")  # how a model that MLflow has is named
METADATA_KEY = "mono2stereo"  # of the ONNX file's metadata
# The last metadata entry of a sealed file, up to its value, as protobuf writes it.
SEAL_KEY = b"sha256"
SEAL_DIGITS = 64
SEAL = (
    b"\x72" + bytes([4 + len(SEAL_KEY) + SEAL_DIGITS]) + b"\n" + bytes([len(SEAL_KEY)]) + SEAL_KEY + b"\x12@"
)


def sealed(model: bytes) -> bytes:
    """A serialised ONNX model with its SHA-256 as the last metadata entry; reads like any ONNX file."""
    return model + SEAL + sha256(model).encode()


def broken_seal(model: bytes) -> bool:
    """Whether the bytes of a sealed model have changed since; False for one that was never sealed."""
    body, seal, digest = (
        model[: -SEAL_DIGITS - len(SEAL)],
        model[-SEAL_DIGITS - len(SEAL) :],
        model[-SEAL_DIGITS:],
    )
    return seal.startswith(SEAL) and sha256(body).encode() != digest


@dataclass(frozen=True)
class ModelCard:
    """All that inference needs beside the weights.

    Attributes:
        generator: Which network it is.
        sample_rate: Hz.
        frame_length: Of the STFT, samples.
        frame_step: Samples.
        fft_length: Samples.
        receptive_frames: How many frames beside its own each output frame depends on.
        lookahead_frames: How many of them lie in the future.
        highpass_hz: Cut-off of the side's 4th-order Butterworth high-pass.
        training: Facts about the run, for people.
        natural_width: How wide the training recordings were: equally long lists `frequency_hz` and
            `side_to_mid_db`; None in files that know no width.
        own_width: How wide the network makes those recordings by itself, of the same form.
        kaiser_beta: Of the STFT's window; 0 for Hann, which format 1 knew alone.
    """

    generator: str
    sample_rate: int
    frame_length: int
    frame_step: int
    fft_length: int
    receptive_frames: int
    lookahead_frames: int
    highpass_hz: float
    training: dict[str, Any]
    natural_width: dict[str, list[float]] | None = None
    own_width: dict[str, list[float]] | None = None
    kaiser_beta: float = 0.0

    @property
    def stft(self) -> Stft:
        """The frames the network works on."""
        return Stft(self.frame_length, self.frame_step, self.fft_length, self.kaiser_beta)

    def dumps(self) -> str:
        """As JSON, format version included."""
        return json.dumps({"format_version": MODEL_FORMAT, **asdict(self)})

    @classmethod
    def loads(cls, text: str) -> ModelCard:
        """The inverse of `dumps`.

        Raises:
            ModelError: Of another format version, or damaged.
        """
        try:
            facts = json.loads(text)
            version = facts.pop("format_version", None)
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise ModelError("its model card is damaged; export it again") from None
        if version not in MODEL_FORMATS_READ:
            read = " and ".join(map(str, MODEL_FORMATS_READ))
            raise ModelError(f"model format {version}, this version reads {read}; export it again")
        try:
            card = cls(**facts)
            fits = card._is_sane()
        except (TypeError, ValueError, KeyError, OverflowError, AudioError):
            fits = False
        if not fits:
            raise ModelError("its model card is damaged; export it again")
        return card

    def _is_sane(self) -> bool:
        """Whether what inference computes from it can be: of a stranger's file anything may be wrong."""
        counts = (self.sample_rate, self.fft_length, self.receptive_frames, self.lookahead_frames)
        if not all(type(count) is int for count in (*counts, self.frame_length, self.frame_step)):
            return False
        for width in (self.natural_width, self.own_width):
            if width is not None:
                hz, db = width["frequency_hz"], width["side_to_mid_db"]
                if not (len(hz) == len(db) > 0 and all(map(math.isfinite, [*hz, *db]))):
                    return False
        return (
            isinstance(self.generator, str)
            and isinstance(self.training, dict)
            and LOWEST_SAMPLE_RATE <= self.sample_rate <= HIGHEST_SAMPLE_RATE
            and 2 * self.highpass_hz < self.sample_rate
            and self.highpass_hz >= 0
            and self.stft.fft_length <= MOST_FRAME_SAMPLES
            and 0 <= self.lookahead_frames <= self.receptive_frames <= MOST_FRAMES
        )

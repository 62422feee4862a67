"""Trained generator → one ONNX file that holds all that inference needs; no TensorFlow to read it.

The graph maps frames to frames, `(1, 2·n_bins, frames)`, and takes and returns each convolution's last
`kernel_frames - 1` input frames, so that a stream of any block size gives the same output as the whole file.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx
from onnx import helper

from mono2stereo.files import atomic_path
from mono2stereo.model_card import METADATA_KEY, ModelCard, sealed
from mono2stereo.models.graphs import GRAPHS
from mono2stereo.models.mid_to_side import MidToSide

OPSET = 17


def export_onnx(
    model: MidToSide,
    path: Path,
    *,
    training: dict[str, Any] | None = None,
    natural_width: dict[str, list[float]] | None = None,
    own_width: dict[str, list[float]] | None = None,
) -> None:
    """Write `model` to `path`, whole or not at all.

    Args:
        model: The trained waveform model.
        path: Target, `*.onnx`.
        training: Facts about the run, kept in the file for people to read.
        natural_width: How wide the training recordings were, see `ModelCard`.
        own_width: How wide `model` makes them, see `ModelCard`.
    """
    graph = GRAPHS[model.generator.kind](model.generator)
    proto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="mono2stereo",
        ir_version=9,
    )
    generator, stft = model.generator, model.stft
    card = ModelCard(
        generator=generator.kind,
        sample_rate=model.sample_rate,
        **asdict(stft),
        receptive_frames=generator.receptive_frames,
        lookahead_frames=model.lookahead_frames,
        highpass_hz=model.highpass_hz,
        training=training or {},
        natural_width=natural_width,
        own_width=own_width,
    )
    helper.set_model_props(proto, {METADATA_KEY: card.dumps()})
    onnx.checker.check_model(proto)
    with atomic_path(Path(path)) as partial_path:
        partial_path.write_bytes(sealed(proto.SerializeToString()))

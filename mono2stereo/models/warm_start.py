"""The weights of an exported model, back into a generator that is trained further."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
from onnx import numpy_helper

from mono2stereo.errors import ModelError
from mono2stereo.model_card import METADATA_KEY, ModelCard, broken_seal
from mono2stereo.models.graphs import take_weights
from mono2stereo.models.mid_to_side import MidToSide


def start_from_model(model: MidToSide, path: Path) -> None:
    """Give `model` the weights of an exported one of the same kind and sizes.

    Raises:
        ModelError: No exported model, or of another kind or size; says which.
    """
    try:
        data = path.read_bytes()
        proto = onnx.load_from_string(data)
    except OSError:
        raise ModelError(
            f"{path}: no such model file; generator.start: random, copy, default, a model's file, a run's id"
        ) from None
    except Exception:  # of a stranger's file anything may be wrong
        raise ModelError(f"{path}: no readable ONNX file") from None
    card_text = {entry.key: entry.value for entry in proto.metadata_props}.get(METADATA_KEY)
    if card_text is None or broken_seal(data):
        raise ModelError(f"{path}: damaged, or not exported by mono2stereo; export or copy it again")
    try:
        card = ModelCard.loads(card_text)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    window = {name: getattr(model.stft, name) for name in ("frame_length", "kaiser_beta")}  # any will do
    for setting, theirs, ours in (
        ("generator.kind", card.generator, model.generator.kind),
        ("sample_rate", card.sample_rate, model.sample_rate),
        ("stft", replace(card.stft, **window), model.stft),
        ("generator.lookahead_frames", card.lookahead_frames, model.lookahead_frames),
        ("receptive field in frames", card.receptive_frames, model.generator.receptive_frames),
    ):
        if theirs != ours:
            raise ModelError(f"{path}: its {setting} is {theirs}, here it is {ours}; set the same")
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    try:
        take_weights(model.generator, stored)
    except (KeyError, ValueError):
        raise ModelError(
            f"{path}: its layers have other sizes; set generator.filters_per_bin and use_bias as it had them"
        ) from None

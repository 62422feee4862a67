"""Model files that somebody damaged or made to do harm: one line each, whatever they hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mono2stereo.cli import main
from mono2stereo.conversion.model_trial import try_model
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.errors import ModelError
from mono2stereo.model_card import METADATA_KEY, SEAL, SEAL_DIGITS, ModelCard

CARD = ModelCard(
    generator="tiny",
    sample_rate=8000,
    frame_length=8,
    frame_step=4,
    fft_length=8,
    receptive_frames=2,
    lookahead_frames=0,
    highpass_hz=50.0,
    training={},
)
CHANNELS = 2 * CARD.stft.n_bins


def write(path: Path, nodes: list[onnx.NodeProto], *, card: dict[str, object] | str = "", **graph) -> Path:
    """An ONNX file with a card: `mid` → `side`, and a state that stays what it is."""
    facts = {**json.loads(CARD.dumps()), **card} if isinstance(card, dict) else {}
    shape = [1, CHANNELS, "frames"]
    state = graph.pop("state", [1, CHANNELS, 2])
    made = helper.make_graph(
        [*nodes, helper.make_node("Identity", ["state_0"], ["next_0"])],
        "hostile",
        [
            helper.make_tensor_value_info("mid", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("state_0", TensorProto.FLOAT, state),
        ],
        [
            helper.make_tensor_value_info("side", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("next_0", TensorProto.FLOAT, None),
        ],
        **graph,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: json.dumps(facts) if isinstance(card, dict) else card})
    path.write_bytes(model.SerializeToString())
    return path


COPY = [helper.make_node("Identity", ["mid"], ["side"])]


def test_a_harmless_one_is_loaded(tmp_path):
    path = write(tmp_path / "model.onnx", COPY, card={})
    try_model(path)
    assert NeuralDecorrelator.load(path).side(np.ones(100, np.float32), 8000).shape == (100,)


@pytest.mark.parametrize(
    "card",
    [
        "",
        "no JSON",
        "[]",
        "[" * 100_000,
        {"format_version": 99},
        {"format_version": "1"},
        {"sample_rate": 0},
        {"sample_rate": 10**12},
        {"sample_rate": 8000.5},
        {"sample_rate": "8000"},
        {"frame_length": 10**9, "fft_length": 10**9},
        {"frame_length": -8},
        {"frame_step": 0},
        {"frame_step": 8},
        {"receptive_frames": 10**9},
        {"receptive_frames": -1},
        {"lookahead_frames": 10**9},
        {"lookahead_frames": True},
        {"highpass_hz": float("nan")},
        {"highpass_hz": 4000},
        {"highpass_hz": None},
        {"natural_width": {"frequency_hz": [1.0]}},
        {"natural_width": {"frequency_hz": [1.0, 2.0], "side_to_mid_db": [float("inf"), 0.0]}},
        {"own_width": 5},
        {"training": []},
        {"extra": 1},
        {"fft_length": 16},  # other bins than the graph has
    ],
)
def test_cards_out_of_range(card, tmp_path):
    path = write(tmp_path / "model.onnx", COPY, card=card)
    with pytest.raises(ModelError) as error:
        NeuralDecorrelator.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def constant(name: str, value: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(value, name)


def loop_without_end() -> list[onnx.NodeProto]:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["still"]),
            helper.make_node("Identity", ["value"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    return [helper.make_node("Loop", ["", "yes", "mid"], ["side"], body=body)]


HUGE = np.array([1 << 40], np.int64)
GRAPHS = {
    "gigabytes from one number": {
        "nodes": [
            helper.make_node("ConstantOfShape", ["huge"], ["filled"]),
            helper.make_node("ReduceMax", ["filled"], ["most"], keepdims=0),
            helper.make_node("Add", ["mid", "most"], ["side"]),
        ],
        "initializer": [constant("huge", HUGE)],
    },
    "padding without end": {
        "nodes": [helper.make_node("Conv", ["mid", "kernel"], ["side"], pads=[1 << 33, 1 << 33])],
        "initializer": [constant("kernel", np.ones((CHANNELS, CHANNELS, 1), np.float32))],
    },
    "huge states": {"nodes": COPY, "state": [1, CHANNELS, 1 << 40]},
    "states of no size": {"nodes": COPY, "state": [1, "any", "any"]},
    "fewer channels": {
        "nodes": [helper.make_node("Slice", ["mid", "from", "to", "axis"], ["side"])],
        "initializer": [
            constant(name, np.array([value], np.int64))
            for name, value in (("from", 0), ("to", 3), ("axis", 1))
        ],
    },
    "no numbers": {
        "nodes": [
            helper.make_node("Div", ["mid", "zero"], ["inf"]),
            helper.make_node("Sub", ["inf", "inf"], ["side"]),
        ],
        "initializer": [constant("zero", np.zeros(1, np.float32))],
    },
    "an operation nobody knows": {"nodes": [helper.make_node("Explode", ["mid"], ["side"])]},
    "a file of the machine": {
        "nodes": [helper.make_node("Add", ["mid", "secret"], ["side"])],
        "initializer": [
            TensorProto(
                name="secret",
                dims=[1],
                data_type=TensorProto.FLOAT,
                data_location=TensorProto.EXTERNAL,
                external_data=[onnx.StringStringEntryProto(key="location", value="/etc/passwd")],
            )
        ],
    },
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_that_do_harm_are_tried_elsewhere_and_refused(name, tmp_path, capsys):
    path = write(tmp_path / "model.onnx", card={}, **GRAPHS[name])
    with pytest.raises(SystemExit) as stop:
        main(["info", str(path)])
    assert stop.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {path}: ")


def test_a_graph_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("mono2stereo.conversion.model_trial.SECONDS", 5)
    path = write(
        tmp_path / "model.onnx", loop_without_end(), card={}, initializer=[constant("yes", np.array(True))]
    )
    with pytest.raises(ModelError, match="takes more than 5 s"):
        try_model(path)


def test_truncated_and_damaged_files(tmp_path):
    """As fuzz_files.py does for recordings; the seal that would catch them all is taken off."""
    fuzz(tmp_path, 0, 60)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_damaged_files(tmp_path):
    fuzz(tmp_path, 60, 3000)


def fuzz(folder: Path, first: int, last: int) -> None:
    script = Path(__file__).with_name("fuzz_models.py")
    write(folder / "tiny.onnx", COPY, card={})
    command = [sys.executable, str(script), str(folder / "tiny.onnx"), str(first), str(last)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, f"seed {done.stdout.splitlines()[-1:]}: {done.stderr[-2000:]}"
    assert len(done.stdout.splitlines()) == last - first


def test_a_seal_finds_a_single_changed_bit(tmp_path):
    from importlib.resources import files

    data = bytearray((files("mono2stereo") / "weights" / "default.onnx").read_bytes())
    assert data[-SEAL_DIGITS - len(SEAL) :].startswith(SEAL)
    data[len(data) // 2] ^= 1
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        NeuralDecorrelator.load(tmp_path / "model.onnx")

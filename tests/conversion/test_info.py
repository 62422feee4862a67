from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_hostile_models import COPY, write

from mono2stereo.cli import UNREAD, main

TRAINING = {
    "step": 7,
    "run_id": "0123456789abcdef0123456789abcdef",
    "data": {"source": "folder", "training_recordings": 55, "training_hours": 3.21987},
    "parameters": {"loss.coherence": 4.0, "train.steps": 5000},
    "measures": {"mel": 0.512345},
}
WIDTH = {"frequency_hz": [100.0, 1000.0, 8000.0, 9000.0], "side_to_mid_db": [-20.0, -9.5, -7.0, -6.0]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(tmp_path / "model.onnx", COPY, card={"training": TRAINING, "natural_width": WIDTH})


def test_the_card_for_people(model, capsys):
    main(["info", str(model)])
    said = capsys.readouterr().out
    for line in (
        f"model: {model}",
        "run_id: 0123456789abcdef0123456789abcdef",
        "  training_hours: 3.22",
        "  mel: 0.5123",
        "  loss.coherence: 4",
        "natural width (dB, side against mid): -20.0 at 100 Hz, -6.0 at 9000 Hz",
        "own width (dB, side against mid): not in this file",
    ):
        assert line in said.splitlines()


def test_the_card_for_programs(model, capsys):
    main(["info", str(model), "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert facts["training"] == TRAINING
    assert facts["natural_width"] == WIDTH


def test_the_default_model_says_where_it_comes_from(capsys):
    main(["info", "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert len(facts["training"]["run_id"]) == 32
    assert facts["sample_rate"] == 22050


def test_a_reader_that_has_seen_enough_is_no_error():
    command = [Path(sys.executable).with_name("mono2stereo"), "info", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == UNREAD

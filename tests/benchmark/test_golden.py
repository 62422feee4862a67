"""A changed number forces a changed version."""

from __future__ import annotations

import json

import pytest
from golden import FILE, METHODS, SECONDS, measured, versions

MET_DB = -120.0  # errors of rounding differ from machine to machine


def test_numbers_are_those_of_their_version():
    golden = json.loads(FILE.read_text())
    advice = "raise versions.BENCHMARK_PROTOCOL, then python tests/benchmark/golden.py"
    assert {key: golden[key] for key in versions()} == versions(), advice
    now = measured()
    assert len(now) == len(METHODS) * len(SECONDS) == 20
    assert now.keys() == golden["numbers"].keys()
    for name, values in golden["numbers"].items():
        assert values.keys() == now[name].keys(), f"{name}: {advice}"
        for measure, value in values.items():
            if value > MET_DB:
                assert now[name][measure] == pytest.approx(value, abs=2e-3, rel=2e-3), (
                    f"{name}, {measure}: {advice}"
                )

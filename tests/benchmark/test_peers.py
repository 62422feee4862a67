"""The peers run here, and what they do to a mid is what is known of them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.tools import every, missing
from mono2stereo.benchmark.program import Program
from mono2stereo.dsp.bands import level_db

RATE = 44100
# What PyPI has for those who ask for it; of Debian's packages none may be missing.
ABSENT = {name for name in ("pedalboard", "vndecorrelate") if name in " ".join(missing()).lower()}
PEERS = [
    (name, command)
    for name, command in {name.partition(":")[0]: command for name, command in reversed([*every()])}.items()
    if name.partition("-")[0] not in ABSENT
]
# VNDecorrelate levels both channels alone, by hardly more than nothing for noise: −60.2 dB.
KEEP_THE_MID = {"ffmpeg-adecorrelate", "caps-wider", "mda-stereo", "vndecorrelate"}
NO_SIDE = {"ffmpeg-stereowiden"}  # it widens a difference, and a mono recording has none


@pytest.mark.system
@pytest.mark.parametrize(("name", "command"), PEERS, ids=[name for name, _ in PEERS])
def test_every_peer_makes_stereo_or_says_why_not(name: str, command: str):
    program = Program(name, command, 300.0)
    if program.missing:
        pytest.skip(program.missing)
    mid = (0.1 * np.random.default_rng(0).standard_normal(2 * RATE)).astype(np.float32)
    (made, side), usage = program.run(mid, RATE)
    assert (level_db(made - mid) - level_db(mid) < -60) == (name in KEEP_THE_MID)
    assert (level_db(side) - level_db(mid) > -40) == (name not in NO_SIDE)
    assert usage.peak_bytes > 1e6

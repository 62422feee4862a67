"""A measure reads the same of the same sound, whoever asks: stages, the page, the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from mono2stereo.cli import main
from mono2stereo.data.excerpts import cut_excerpt
from mono2stereo.data.own_side import measure_own_side
from mono2stereo.data.pairs import Pair
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.dsp.mid_side import decode
from mono2stereo.dsp.signals import mean_defined
from mono2stereo.evaluation.evaluate import evaluate
from mono2stereo.evaluation.points import OWN_SIDE, points_to_measure
from mono2stereo.measures.recordings import COMMON_RATE
from mono2stereo.rendering.listening.page import write_excerpt
from mono2stereo.rendering.listening.stimuli import ORIGINAL, SHOWN, Stimulus, make_stimuli
from mono2stereo.rendering.render import own_means, render

SECONDS = 10


def test_the_same_noise_reads_the_same_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mid, side = 0.1 * np.random.default_rng(0).standard_normal((2, SECONDS * COMMON_RATE)).astype(np.float32)
    side[1:] += 0.4 * mid[:-1]
    bands = np.ones(80, np.float32)
    pair = Pair("noise", "test", COMMON_RATE, np.stack([mid, side], axis=1), 0.0, bands, bands)
    soundfile.write(tmp_path / "noise.wav", decode(mid, side), COMMON_RATE, subtype="FLOAT")
    excerpt = cut_excerpt(pair, 0, len(mid), name="noise")

    stimuli = [made for made in make_stimuli(excerpt, {}, {}) if isinstance(made, Stimulus)]
    rendered = render(excerpt, {made.key: made for made in stimuli}, [], tmp_path, loudness_lufs=-23.0)
    page = write_excerpt(excerpt, stimuli, tmp_path, loudness_lufs=-23.0)["stimuli"][ORIGINAL]["measures"]
    tracks = evaluate(
        [pair],
        points_to_measure({0: Lauridsen()}, {}, {}),
        stretches_per_track=1,
        stretch_seconds=SECONDS,
        seed=0,
    ).tracks
    main(["measure", "--json", str(tmp_path / "noise.wav")])
    measured = json.loads(capsys.readouterr().out)["files"][0]["measures"]

    read = (
        pd.DataFrame(
            {
                "render": own_means([rendered]),
                "page": page,
                "evaluate": tracks.set_index("method").loc[OWN_SIDE],
                "measure": measured,
            }
        )
        .loc[list(SHOWN)]
        .astype(float)
    )
    assert read["render"].notna().all()
    # What preprocess calls natural stands at other places of a track, in stretches as long.
    natural = mean_defined(measure_own_side(pair.mid_side, COMMON_RATE).coherence[1024])
    assert natural == pytest.approx(read.at["coherence_1024", "render"], rel=0.03)
    for asked in read:
        np.testing.assert_allclose(read[asked], read["render"], rtol=1e-4, atol=1e-4, err_msg=asked)

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mono2stereo.data.pairs import Pair
from mono2stereo.decorrelators import CLASSICAL
from mono2stereo.decorrelators.random_phase import RandomPhase
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError, ModelError
from mono2stereo.evaluation import tables
from mono2stereo.evaluation.evaluate import evaluate
from mono2stereo.evaluation.measures import Measures
from mono2stereo.evaluation.methods import MODEL, OWN_SIDE, measure_all, points_to_measure
from mono2stereo.evaluation.report import ABOUT, Evaluation, markdown, write_report
from mono2stereo.evaluation.stretches import choose_stretches

RATE = 8000


class Silent:
    name = "silent"

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        return np.zeros_like(mid)


class Broken(Silent):
    def side(self, mid: Signal, sample_rate: int) -> Signal:
        return np.full_like(mid, np.nan)


def song(number: int, seconds: float = 9.0) -> Pair:
    """Decaying chords with a side that shares half of its power with the mid."""
    random = np.random.default_rng(number)
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hz * time) for hz in random.uniform(100, 2000, 5))
    mid = (tones * np.exp(-4 * (time % 0.5)) + random.standard_normal(len(time))) / 20
    side = 0.5 * mid + 0.5 * random.standard_normal(len(time)) / 20
    mid_side = np.stack([mid, side], axis=1).astype(np.float32)
    return Pair(f"song {number}", "test", RATE, mid_side, -3.0, np.ones(80), np.ones(80))


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    checkpoints = {100: RandomPhase(0.005, seed=5), 200: RandomPhase(0.015, seed=5)}
    return evaluate(
        [song(number) for number in range(3)],
        checkpoints,
        stretches_per_track=2,
        stretch_seconds=4.0,
        coherence_seconds=3.0,
        seed=0,
    )


@pytest.fixture(scope="module")
def report(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "evaluate"
    write_report(evaluation, folder)
    return folder


def test_every_method_is_measured_on_every_track(evaluation: Evaluation) -> None:
    methods = [MODEL, OWN_SIDE, *CLASSICAL]
    assert list(evaluation.methods.index) == methods
    assert len(evaluation.tracks) == 3 * len(methods)
    assert set(evaluation.tracks["stretches"]) == {2}
    assert evaluation.methods[list(ABOUT)].notna().all(axis=None)
    assert (evaluation.tracks["fold_down_error_db"] < -120).all()


def test_means_and_intervals_are_those_of_the_tracks(evaluation: Evaluation) -> None:
    for method, values in evaluation.tracks.groupby("method"):
        for measure in ABOUT:
            row = evaluation.methods.loc[method]
            assert row[measure] == pytest.approx(values[measure].mean())
            assert row[f"{measure}_low"] <= row[measure] + 1e-9
            assert row[f"{measure}_high"] >= row[measure] - 1e-9


def test_reports_numbers_are_the_csvs(report: Path) -> None:
    methods = pd.read_csv(report / "methods.csv", index_col="method")
    similarity, checks, *_ = _tables((report / "report.md").read_text(encoding="utf-8"))
    assert similarity.index[-1] == "*independent signals*"
    written = similarity.iloc[:-1].join(checks)
    assert list(written.index) == list(methods.index)
    for measure, about in ABOUT.items():
        shown = written[about["heading"]].str.split(" ").str[0].astype(float)
        np.testing.assert_allclose(shown, methods[measure], atol=0.51 * 10 ** -about["decimals"])


def test_metrics_are_the_models_row(evaluation: Evaluation, report: Path) -> None:
    metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    methods = pd.read_csv(report / "methods.csv", index_col="method")
    assert all(isinstance(value, float) for value in metrics.values())
    for measure in ABOUT:
        assert metrics[measure] == pytest.approx(methods.at[MODEL, measure], abs=1e-6)
    for margin in evaluation.margins:
        name = f"log_mel_margin_at_its_coherence_{margin.frame_length}_db"
        if np.isfinite(margin.classical_log_mel_db):
            assert metrics[name] == pytest.approx(margin.classical_log_mel_db - margin.log_mel_db, abs=1e-6)
        else:  # no classical method is as incoherent: there is no margin to claim
            assert name not in metrics


def test_report_has_its_pictures_and_explains_its_columns(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert len(pictures) == 4
    for picture in pictures:
        assert (report / picture).read_bytes().startswith(b"\x89PNG")
    for about in ABOUT.values():
        assert f"**{about['heading']}**: " in text
    assert "*independent signals*" in text


def test_curves_have_a_column_per_method(report: Path) -> None:
    for name in ("coherence_1024", "coherence_4096", "correlogram"):
        curve = pd.read_csv(report / f"{name}.csv", index_col=0)
        assert list(curve.columns) == [MODEL, OWN_SIDE, *CLASSICAL]
        assert curve.to_numpy().min() >= 0
        assert curve.to_numpy().max() <= 1 + 1e-6
    levels = pd.read_csv(report / "levels.csv", index_col="frequency_hz")
    assert levels.index[0] == 0
    assert levels.index[-1] < RATE / 2


def test_a_method_against_itself_is_no_different(evaluation: Evaluation) -> None:
    tracks = evaluation.tracks[evaluation.tracks["method"] == MODEL]
    doubled = pd.concat([tracks, tracks.assign(method="twin")])
    compared = tables.against_model(doubled, seed=0)
    assert (compared["difference"] == 0).all()
    assert (compared["p_holm"] == 1).all()


def test_a_silent_side_leaves_gaps_but_not_an_error() -> None:
    silent = evaluate(
        [song(0)], {1: Silent()}, stretches_per_track=1, stretch_seconds=4.0, coherence_seconds=3.0, seed=0
    )
    assert "log_mel_db" not in silent.metrics
    assert silent.metrics["fold_down_error_db"] == -200
    assert "| model | – |" in markdown(silent)
    json.dumps(silent.metrics, allow_nan=False)


def test_a_broken_side_is_an_error_that_says_where() -> None:
    stretches = choose_stretches([song(0)], count=1, seconds=4.0, shortest_seconds=3.0)
    with pytest.raises(AudioError, match=r"step-7, song 0 from 2\.5 s: the side is not finite"):
        measure_all(stretches, points_to_measure({7: Broken()}), coherence_seconds=3.0)


def test_six_checkpoints_the_last_among_them_in_full() -> None:
    points = points_to_measure({step: Silent() for step in range(1, 21)})
    model = [point for point in points if point.method == MODEL]
    assert [point.setting for point in model] == [f"step-{step}" for step in (1, 5, 9, 12, 16, 20)]
    assert [point.in_full for point in model] == [False] * 5 + [True]
    in_full = [point.method for point in points if point.in_full]
    assert in_full == [MODEL, OWN_SIDE, *CLASSICAL]
    with pytest.raises(ModelError, match="train"):
        points_to_measure({})


def test_every_measure_is_explained() -> None:
    assert all(about["heading"] and about["explanation"] for about in ABOUT.values())
    assert set(tables.COMPARED) < set(Measures.__dataclass_fields__)


class TestMargin:
    @staticmethod
    def sweeps(model_coherence: float, model_log_mel: float, tracks: int = 5) -> pd.DataFrame:
        points = [
            (MODEL, "step-1", 0.95, 1.0),
            (MODEL, "step-2", model_coherence, model_log_mel),
            (OWN_SIDE, OWN_SIDE, 0.01, 0.01),
            ("steep", "a", 0.9, 1.0),
            ("steep", "b", 0.3, 4.0),
            ("flat", "c", 0.8, 2.0),
            ("flat", "d", 0.4, 3.0),
        ]
        rows = [
            (f"track {track}", method, setting, coherence, coherence, log_mel)
            for track in range(tracks)
            for method, setting, coherence, log_mel in points
        ]
        columns = ["track", "method", "setting", "coherence_1024", "coherence_4096", "log_mel_db"]
        return pd.DataFrame(rows, columns=columns)

    @pytest.mark.parametrize(
        ("coherence", "classical"),
        [(0.85, 1.25), (0.6, 2.5), (0.35, 3.75), (0.3, 4.0), (0.95, 1.0)],
    )
    def test_interpolates_along_the_best_sweep(self, coherence: float, classical: float) -> None:
        margin = tables.margin(self.sweeps(coherence, 2.0), 1024, seed=0)
        assert margin.coherence == pytest.approx(coherence)
        assert margin.classical_log_mel_db == pytest.approx(classical)
        assert margin.margin_db == pytest.approx(classical - 2.0)
        assert margin.low_db == pytest.approx(margin.margin_db) == margin.high_db

    def test_nobody_else_is_as_incoherent(self) -> None:
        margin = tables.margin(self.sweeps(0.2, 5.0), 4096, seed=0)
        assert np.isinf(margin.classical_log_mel_db)
        assert margin.margin_db > 0


def _tables(text: str) -> list[pd.DataFrame]:
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        heading, _, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()
        ]
        found.append(pd.DataFrame(rows, columns=heading).set_index(heading[0]))
    return found

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from songs import RATE, pair, song

from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.classical import CLASSICAL, SWEEPS
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.decorrelators.random_phase import RandomPhase
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError, ModelError
from mono2stereo.evaluation import tables
from mono2stereo.evaluation.evaluate import Evaluation, evaluate
from mono2stereo.evaluation.measuring import measure_all
from mono2stereo.evaluation.points import (
    DEFAULT_MODEL,
    MODEL,
    OWN_SIDE,
    Point,
    points_to_measure,
)
from mono2stereo.evaluation.report import PICTURES, markdown, write_report
from mono2stereo.evaluation.stretches import choose_stretches
from mono2stereo.measures import COMPARED, MEASURES

METHODS = [MODEL, DEFAULT_MODEL, OWN_SIDE, "lauridsen", "random_phase", "haas", "absent"]


class Silent(Streaming):
    name = "silent"

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        return np.zeros_like(mid)


class Broken(Silent):
    def side(self, mid: Signal, sample_rate: int) -> Signal:
        return np.full_like(mid, np.nan)


class Haas(Silent):
    """Left the source, right the source 10 ms later."""

    name = "haas-10ms"
    changes_mid = True

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        return (mid - self._late(mid, sample_rate)) / 2

    def fold_down(self, mid: Signal, sample_rate: int) -> Signal:
        return (mid + self._late(mid, sample_rate)) / 2

    @staticmethod
    def _late(mid: Signal, sample_rate: int) -> Signal:
        return np.pad(mid, (sample_rate // 100, 0))[: len(mid)]


class NeedsAPackage(Silent):
    def side(self, mid: Signal, sample_rate: int) -> Signal:
        import no_such_package  # type: ignore[import-not-found]

        return no_such_package.side(mid)


def absent() -> Silent:
    import no_such_package  # type: ignore[import-not-found]

    return no_such_package.Decorrelator()


def points(model: object = None) -> list[Point]:
    checkpoints = {100: RandomPhase(0.005, seed=5), 200: model or RandomPhase(0.015, seed=5)}
    classical = {"lauridsen": Lauridsen, "random_phase": RandomPhase, "haas": Haas, "absent": absent}
    return points_to_measure(
        checkpoints,
        classical,
        {"lauridsen": SWEEPS["lauridsen"][:3], "random_phase": SWEEPS["random_phase"][:2]},
    )


@pytest.fixture
def one_core() -> Iterator[None]:
    """So few stretches are not worth starting processes for."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    random = np.random.default_rng(9)
    pairs = [
        *(song(number, group="chords" if number < 2 else "others") for number in range(3)),
        pair("mono", song(7).mid_side[:, 0], np.zeros(11 * RATE), "others"),
        pair("one second", *(0.1 * random.standard_normal((2, RATE))), "others"),
        pair("silence", *np.zeros((2, 11 * RATE)), "others"),
        pair("square", *(np.sign(np.sin(2 * np.pi * hz * np.arange(4 * RATE) / RATE)) for hz in (220, 331))),
    ]
    return evaluate(pairs, points(), stretches_per_track=1, stretch_seconds=10.0, seed=0)


@pytest.fixture(scope="module")
def report(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "evaluate"
    write_report(evaluation, folder)
    return folder


def test_every_method_has_a_row_on_every_track(evaluation: Evaluation) -> None:
    assert list(evaluation.methods.index) == METHODS
    assert len(evaluation.tracks) == 7 * len(METHODS)
    assert not evaluation.tracks.duplicated(["track", "method"]).any()
    assert evaluation.methods["tracks"].to_dict() == dict.fromkeys(METHODS, 6) | {"absent": 0}
    songs = evaluation.tracks[
        evaluation.tracks["track"].str.startswith("song") & ~evaluation.tracks["method"].isin(["absent"])
    ]
    assert songs[list(MEASURES)].notna().all(axis=None)
    assert (songs["reason"] == "").all()
    assert (songs.loc[songs["method"] != "haas", "fold_down_error_db"] < -120).all()
    assert (songs.loc[songs["method"] == "haas", "fold_down_error_db"] > -20).all()


def test_every_gap_has_its_reason(evaluation: Evaluation) -> None:
    tracks = evaluation.tracks
    missing = tracks[list(MEASURES)].isna().any(axis=1)
    assert (missing == (tracks["reason"] != "")).all()
    by_place = tracks.set_index(["track", "method"])["reason"]
    assert by_place["silence", MODEL] == "nothing: the mid is silent"
    assert by_place["song 0", "absent"] == "nothing: not installed: no_such_package"
    assert "log-mel (dB)" in by_place["mono", OWN_SIDE]
    assert by_place["mono", OWN_SIDE].endswith("the side is silent")
    assert "the recording has no side of its own" in by_place["mono", MODEL]
    assert "coherence 16384: 1 s; taken over parts of 10 s" in by_place["one second", MODEL]
    assert set(evaluation.gaps["reason"]) == set(tracks.loc[missing, "reason"])


@pytest.mark.usefixtures("one_core")
def test_a_package_missing_only_when_it_is_needed_is_a_row_too() -> None:
    stretches, _ = choose_stretches([song(0, 2.0)], count=1, seconds=2.0)
    late = Point("late", "late", NeedsAPackage(), in_full=True)
    results, steady = measure_all(stretches, [late])
    assert set(results[-1].readings.reasons.values()) == {"not installed: no_such_package"}
    assert all(np.isnan(list(found.values())).all() for found in steady["late"].values())


def test_means_and_intervals_are_those_of_the_tracks(evaluation: Evaluation) -> None:
    for method, values in evaluation.tracks.groupby("method"):
        row = evaluation.methods.loc[method]
        for measure in MEASURES:
            assert row[measure] == pytest.approx(values[measure].mean(), nan_ok=True)
            if values[measure].notna().sum() > 1:
                assert row[f"{measure}_low"] <= row[measure] + 1e-9
                assert row[f"{measure}_high"] >= row[measure] - 1e-9


def test_groups_are_means_over_their_tracks(evaluation: Evaluation) -> None:
    assert list(evaluation.groups.index.unique("group")) == ["chords", "others"]
    chords = evaluation.tracks[
        (evaluation.tracks["group"] == "chords") & (evaluation.tracks["method"] == MODEL)
    ]
    assert evaluation.groups.at[("chords", MODEL), "tracks"] == 2
    assert evaluation.groups.at[("chords", MODEL), "log_mel_db"] == pytest.approx(chords["log_mel_db"].mean())


def test_linear_methods_do_not_distort_and_the_own_side_is_not_asked(evaluation: Evaluation) -> None:
    distortion = evaluation.distortion
    assert OWN_SIDE not in distortion.index
    assert (distortion.loc[["lauridsen", "random_phase", MODEL]] == -120).all(axis=None)
    # A delay of 10 ms cancels itself at whole multiples of 100 Hz: no side, no distortion to tell.
    assert np.isnan(distortion.at["haas", 500.0])
    assert distortion.at["haas", 250.0] == -120
    assert distortion.loc["absent"].isna().all()
    assert max(distortion.columns) == 4000


def test_reports_numbers_are_the_csvs(report: Path) -> None:
    methods = pd.read_csv(report / "methods.csv", index_col="method")
    similarity, sound, movement, checks, *_ = _tables((report / "report.md").read_text(encoding="utf-8"))
    assert similarity.index[-1] == "*independent signals*"
    written = similarity.iloc[:-1].join([sound, movement, checks])
    assert list(written.index) == list(methods.index)
    for name, measure in MEASURES.items():
        shown = written[measure.heading].str.split(" ").str[0].replace("–", "nan").astype(float)
        np.testing.assert_allclose(shown, methods[name], atol=0.51 * 10**-measure.decimals)


def test_metrics_are_the_models_row_and_never_nan(evaluation: Evaluation, report: Path) -> None:
    text = (report / "metrics.json").read_text(encoding="utf-8")
    metrics = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in metrics.json"))
    methods = pd.read_csv(report / "methods.csv", index_col="method")
    for measure in MEASURES:
        assert metrics[measure] == pytest.approx(methods.at[MODEL, measure], abs=1e-6)
    for margin in evaluation.margins:
        name = f"log_mel_margin_at_its_coherence_{margin.frame_length}_db"
        expected = margin.classical_log_mel_db - margin.log_mel_db
        # Where no classical method is as incoherent there is no margin to claim.
        assert metrics[name] == (pytest.approx(expected, abs=1e-6) if np.isfinite(expected) else None)


def test_report_has_its_pictures_and_explains_its_columns(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert pictures == [f"{name}.png" for name in PICTURES]
    for picture in pictures:
        assert (report / picture).read_bytes().startswith(b"\x89PNG")
    of_tracks = re.findall(r"\((tracks/[^)]+)\)", text)
    assert sorted(of_tracks) == sorted(str(file.relative_to(report)) for file in report.glob("tracks/*.jpg"))
    assert of_tracks
    for measure in MEASURES.values():
        assert f"**{measure.heading}**: " in text
    assert "*independent signals*" in text
    assert "not installed: no_such_package" in text
    assert "nan" not in re.sub(r"\w*nan\w+", "", text)


def test_findings_name_every_classical_method_that_is_beaten_and_no_other(
    evaluation: Evaluation, report: Path
) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    rows = evaluation.nearest[evaluation.nearest["frame_length"] == 1024]
    beaten = rows[(rows["log_mel_db"] < 0) & (rows["onset_correlation"] > 0)]["setting"]
    said = re.search(r"Frames of 1024, .* higher onset correlation than (\d) of (\d) \((.*?)\)", text)
    assert said is not None
    assert (int(said[1]), int(said[2])) == (len(beaten), len(rows))
    assert said[3] == (", ".join(beaten) or "none")
    for start in (
        "- Crest factor",
        "- Below 30 Hz",
        "- Distortion",
        "- Distance to the recordings' own side, mel",
    ):
        assert f"\n{start}" in text


def test_what_changes_the_mid_is_left_out_of_the_margins(evaluation: Evaluation, report: Path) -> None:
    assert evaluation.changing_mid == ["haas"]
    assert "haas is not the input again" in (report / "report.md").read_text(encoding="utf-8")


def test_curves_have_a_column_per_method(report: Path) -> None:
    for name in ("coherence_1024", "coherence_16384", "correlogram", "octaves", "octaves_at_zero_lag"):
        curve = pd.read_csv(report / f"{name}.csv", index_col=0)
        assert list(curve.columns) == [method for method in METHODS if method != "absent"]
        assert np.nanmin(curve.to_numpy()) >= 0
        assert np.nanmax(curve.to_numpy()) <= 1 + 1e-6
    levels = pd.read_csv(report / "levels.csv", index_col="frequency_hz")
    assert levels.index[0] == 0
    assert levels.index[-1] < RATE / 2


def test_a_method_against_itself_is_no_different(evaluation: Evaluation) -> None:
    tracks = evaluation.tracks[evaluation.tracks["method"] == MODEL]
    doubled = pd.concat([tracks, tracks.assign(method="twin")])
    compared = tables.against(MODEL, doubled, seed=0)
    assert (compared["difference"] == 0).all()
    assert (compared["p_holm"] == 1).all()


@pytest.mark.usefixtures("one_core")
def test_a_silent_model_leaves_nulls_but_not_an_error(tmp_path: Path) -> None:
    silent = evaluate(
        [song(0, 4.0)], points_to_measure({1: Silent()}, {"lauridsen": Lauridsen}, {}),
        stretches_per_track=1, stretch_seconds=4.0, seed=0,
    )  # fmt: skip
    write_report(silent, tmp_path / "evaluate")
    metrics = json.loads((tmp_path / "evaluate" / "metrics.json").read_text())
    assert metrics["log_mel_db"] is None
    assert metrics["distortion_db"] is None
    assert metrics["fold_down_error_db"] == -200
    assert "| model | – |" in markdown(silent)
    assert "the side is silent" in markdown(silent)


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("rate", [8000, 192000])
def test_other_rates(rate: int) -> None:
    found = evaluate(
        [song(0, 3.0, rate=rate)], points_to_measure({1: Lauridsen(0.02)}, {"lauridsen": Lauridsen}, {}),
        stretches_per_track=1, stretch_seconds=4.0, seed=0,
    )  # fmt: skip
    assert found.metrics["log_mel_db"] is not None
    assert found.metrics["coherence_1024"] is not None
    assert (found.metrics["coherence_4096"] is None) == (rate == 8000)
    assert found.metrics["coherence_16384"] is None
    assert markdown(found)


@pytest.mark.usefixtures("one_core")
def test_a_broken_model_is_an_error_that_says_where_and_a_broken_method_a_row() -> None:
    stretches, _ = choose_stretches([song(0, 5.0)], count=1, seconds=4.0)
    with pytest.raises(AudioError, match=r"step-7, song 0 from 0\.5 s: the side is not finite"):
        measure_all(stretches, points_to_measure({7: Broken()}, {}, {}))
    results, _ = measure_all(stretches, points_to_measure({7: Lauridsen()}, {"broken": Broken}, {}))
    assert set(results[-1].readings.reasons.values()) == {"the side is not finite"}


def test_six_checkpoints_the_last_among_them_in_full() -> None:
    found = points_to_measure({step: Silent() for step in range(1, 21)})
    model = [point for point in found if point.method == MODEL]
    assert [point.setting for point in model] == [f"step-{step}" for step in (1, 5, 9, 12, 16, 20)]
    assert [point.in_full for point in model] == [False] * 5 + [True]
    in_full = [point.method for point in found if point.in_full]
    assert in_full == [MODEL, DEFAULT_MODEL, OWN_SIDE, *CLASSICAL]
    assert not any(point.missing for point in found)
    with pytest.raises(ModelError, match="train"):
        points_to_measure({})


def test_what_is_compared_is_measured() -> None:
    assert set(COMPARED) < set(MEASURES)


def _tables(text: str) -> list[pd.DataFrame]:
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        heading, _, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()
        ]
        found.append(pd.DataFrame(rows, columns=heading).set_index(heading[0]))
    return found

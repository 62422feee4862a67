from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hand_made import SETTINGS, hand_made

from mono2stereo.evaluation.evaluate import Evaluation
from mono2stereo.evaluation.findings import findings, nearest_table
from mono2stereo.evaluation.naturalness import NATURAL, less_natural
from mono2stereo.evaluation.points import MODEL, OWN_SIDE
from mono2stereo.evaluation.report import SOUND, markdown
from mono2stereo.evaluation.tables import margin


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return hand_made()


def said(evaluation: Evaluation, start: str) -> str:
    (sentence,) = (one for one in findings(evaluation) if one.startswith(f"- {start}"))
    return sentence


def test_every_sentence(evaluation: Evaluation) -> None:
    """Held to a text that a person has read and worked out from the numbers in hand_made.py."""
    expected = Path(__file__).with_name("hand_made_findings.md").read_text(encoding="utf-8")
    assert list(findings(evaluation)) == expected.splitlines()


def test_the_opposite_sentences() -> None:
    worse = {(name, "log_mel_db"): 4.0 for name in ("winner-1", "mover-1", "equal-1")}
    worse |= {("flips-1", "log_mel_db"): 9.0}
    model = {
        "own_mel": 1.0,
        "crest_change_db": -2.5,
        "below_30_hz_db": 0.4,
        "level_difference_change_db": 2.4,
    }
    found = hand_made(worse | {("step-2", name): value for name, value in model.items()})
    assert said(found, "Frames of 1024: ") == (
        "- Frames of 1024: the model's log-mel distance of 3.00 dB at coherence 0.300 is lower than the best "
        "classical method's 4.00 dB there (margin +1.00 dB, 95 % from +1.00 to +1.00)."
    )
    assert said(found, "Coherence, lag").endswith("the model is in nothing.")
    assert said(found, "As natural").endswith(
        "(beaten-2, winner-1, flips-1). Of them, with a lower log-mel distance than the model's: none."
    )
    assert said(found, "Less natural").endswith(
        "2 settings, 2 of them for being more coherent; the others, and in what: none."
    )
    assert said(found, "Distance to the recordings' own side, mel").startswith(
        "- Distance to the recordings' own side, mel: 1.00, lower than every classical method's at every "
        "setting (the lowest: 1.20, winner-1); lower than 7 of 7"
    )
    assert "-2.50 [-2.60, -2.40] dB, not within 2 dB (tracks from -2.70 to -2.30)" in said(found, "Crest")
    assert said(found, "Below 30 Hz") == "- Below 30 Hz: more than the mid (+0.4 dB)."
    reversed_nearest = found.nearest.set_index(["frame_length", "method"])["log_mel_db"]
    assert reversed_nearest[1024, "winner"] == pytest.approx(-1)


def test_nobody_as_natural_or_as_incoherent() -> None:
    names = [setting for method, setting, _ in SETTINGS if method not in (MODEL, OWN_SIDE)]
    found = hand_made(
        {(name, f"coherence_{length}"): 0.9 for name in names for length in (1024, 4096, 16384)}
    )
    assert said(found, "Frames of 4096: ").endswith(
        "; no classical method, swept along its parameter, is as incoherent."
    )
    assert said(found, "As natural") == (
        "- As natural as the model in all of these: 0 of 7 settings of classical methods; none is left to "
        "compare with."
    )
    assert "As natural as the model: none; of these, not beaten in both: none. Not within" in said(
        found, "Frames of 4096, beside"
    )
    assert "6 settings" not in said(found, "Less natural")
    assert said(found, "Less natural").endswith(
        "4 of them for being more coherent; the others, and in what: none."
    )


def test_a_tie_is_not_lower_and_a_gap_elsewhere_does_not_count() -> None:
    found = hand_made({("step-2", "own_mel"): 1.2, ("winner-1", "haze_db"): np.nan})
    sentence = said(found, "Distance to the recordings' own side, mel")
    assert "1.20, not lower than every classical method's at every setting (the lowest: 1.20, win" in sentence


def test_the_models_silence_is_told() -> None:
    """A model that makes nothing has no numbers, and no sentence claims one."""
    found = hand_made({("step-2", name): np.nan for name in SETTINGS[MODEL, "step-2", True]})
    text = "\n".join(findings(found))
    assert "nan" not in text
    assert "no margin; the model has no coherence" in text
    assert "nothing to compare" in text
    assert "- Below 30 Hz: undefined." in text


def test_the_nearest_tables_rows(evaluation: Evaluation) -> None:
    rows = nearest_table(evaluation).splitlines()
    winner, mover, flips = (
        next(row for row in rows if row.startswith(f"| {start} "))
        for start in ("1024 | winner-1", "16384 | mover-1", "1024 | flips-1")
    )
    assert winner == (
        "| 1024 | winner-1 | 0.250 | 0.300 | +1.00 [+1.00, +1.00] | -0.100 [-0.100, -0.100] "
        "| +0.30 [+0.30, +0.30] | -0.20 [-0.20, -0.20] | – |"
    )
    assert mover == (
        "| 16384 | mover-1 | 0.400 | 0.500 | +1.50 [+1.50, +1.50] | -0.200 [-0.200, -0.200] "
        "| -0.20 [-0.20, -0.20] | -0.30 [-0.30, -0.30] | mod. < 1 Hz (dB), L−R (dB) |"
    )
    # The mean of six of -1.5 and 1 lies 1.25 * 1.96 / sqrt(6) about theirs, or nearly: it moves in steps.
    assert "| -0.25 [-1.08, +0.58] | +0.100 [+0.100, +0.100] |" in flips


def test_the_comparisons_signs_and_p_values(evaluation: Evaluation) -> None:
    """Six tracks that all differ one way give 2/2^6; six of eight methods do so, thus times eight: Holm."""
    compared = evaluation.comparisons.set_index(["measure", "method"])
    log_mel = compared.loc["log_mel_db"]
    differences = {
        "own side": -2,
        "beaten": 2,
        "winner": 1,
        "equal": 0,
        "flips": -0.25,
        "mover": 1.5,
        "hazy": 0.1,
        "haas": 2.5,
    }
    assert log_mel["difference"].to_dict() == pytest.approx(differences)
    assert log_mel.at["winner", "p"] == pytest.approx(2 / 64)
    assert log_mel.at["winner", "p_holm"] == pytest.approx(8 * 2 / 64)
    assert log_mel.at["equal", "p_holm"] == 1
    for end in ("low", "high"):
        assert log_mel.at["haas", end] == pytest.approx(2.5)
    assert log_mel.at["flips", "low"] < -0.25 < log_mel.at["flips", "high"]
    assert compared.at[("onset_correlation", "mover"), "difference"] == pytest.approx(-0.2)


def test_the_reports_tables(evaluation: Evaluation) -> None:
    text = markdown(evaluation)
    assert "| winner | +1.00 (0.25) | +0.00 (1) | -0.100 (0.25) | +0.30 (0.25) | -0.20 (0.25) |" in text
    assert "| own side | -2.00 (0.25) | +0.00 (1) | +0.100 (0.25) | – | – |" in text
    assert "| model | 3.00 [2.90, 3.10] | 1.00 [0.90, 1.10] | 0.600 [0.500, 0.700] |" in text
    assert "| model | -30 | -35 |" in text
    assert "| model | -12 | -9 |" in text
    assert SOUND == ["log_mel_db", "colour_db", "onset_correlation", "own_mel", "own_stft"]


def test_tracks_and_curves_are_means_over_their_stretches(evaluation: Evaluation) -> None:
    assert (evaluation.tracks["stretches"] == 2).all()
    in_full = {method for method, _, in_full in SETTINGS if in_full}
    for curve in evaluation.curves.values():
        assert set(curve.columns) == in_full
        assert (curve == 1).all(axis=None)


def test_without_classical_methods_none_is_as_incoherent() -> None:
    row = {"track": "a", "coherence_1024": 0.3, "log_mel_db": 2.0}
    alone = margin(pd.DataFrame([{"method": MODEL, "setting": "step-1", **row}]), 1024, seed=0)
    assert (alone.classical_log_mel_db, alone.margin_db) == (np.inf, np.inf)


class TestLessNatural:
    """Own sides read 1 in every figure, the model 1.3; 15 % or the model's 0.3 are allowed."""

    @staticmethod
    def settings(**values: float) -> pd.DataFrame:
        rows = [(OWN_SIDE, 1.0, {}), ("one", 1.0, values), (MODEL, 9.0, {}), (MODEL, 1.0, {"haze_db": 1.3})]
        return pd.DataFrame(
            [{"method": method} | dict.fromkeys(NATURAL, base) | given for method, base, given in rows]
        )

    @pytest.mark.parametrize(
        ("figure", "value", "worse"),
        [
            ("haze_db", 1.29, False), ("haze_db", 1.31, True), ("haze_db", 0.0, False),
            ("coherence_4096", 1.14, False), ("coherence_4096", 1.16, True), ("coherence_4096", 0.2, False),
            ("largest_correlation", 1.16, True), ("largest_correlation", 0.1, False),
            ("level_difference_db", 1.14, False), ("level_difference_db", 1.16, True),
            ("level_difference_db", 0.86, False), ("level_difference_db", 0.84, True),
            ("modulation_below_1_hz_db", np.nan, True),
        ],
    )  # fmt: skip
    def test_by_figure(self, figure: str, value: float, worse: bool) -> None:
        found = less_natural(self.settings(**{figure: value}))
        assert bool(found.loc[1, figure]) == worse
        assert not found.loc[[0, 3]].any(axis=None)
        assert found.loc[1].drop(figure).sum() == 0

    def test_what_nature_does_not_have_is_nobodys_fault(self) -> None:
        frame = self.settings(coherence_16384=np.nan)
        frame["coherence_16384"] = np.nan
        assert not less_natural(frame)["coherence_16384"].any()
        frame = self.settings()
        frame.loc[3, "haze_db"] = np.nan  # the model's: then 15 % are allowed
        assert not less_natural(frame).loc[1].any()

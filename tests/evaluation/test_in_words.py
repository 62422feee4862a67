from hand_made import hand_made

from mono2stereo.evaluation.in_words import in_words
from mono2stereo.evaluation.points import DEFAULT_MODEL

CLASSICAL = "Of 7 settings of delays, all-passes, choruses and the like"


def said(**changes: float) -> dict[str, str]:
    """Paragraphs by their first words, of the hand-made evaluation with changes of the model's figures."""
    paragraphs = in_words(hand_made({("step-2", name): value for name, value in changes.items()}))
    return dict(paragraph[2:].split("** ", 1) for paragraph in paragraphs)


def test_every_paragraph() -> None:
    assert said() == {
        "Width.": "The side is as independent of the middle as in the recordings themselves: coherence 0.300 "
        "(recordings: 0.300); 1 would be a copy, heard as one point.",
        "Timbre.": "Band by band, moment by moment its level is 3.00 dB from the middle's, on average; two "
        "noises of one colour are 2.85 dB apart, the recordings' own sides, where other instruments play, "
        "5.00 dB.",
        "Cleanness.": "Haze between the notes: 0.40 (recordings: 0.50) dB. No echo stands out: the largest "
        "likeness of side and middle at any delay is 0.200 (recordings: 0.250).",
        "Movement.": "Left and right move against each other as they do in the recordings, but more in how "
        "quickly that changes (2.90 (recordings: 2.40) dB).",
        "Beside classical methods.": f"{CLASSICAL} 4 are as natural in width, echo, haze and movement "
        "(beaten-2, winner-1, equal-1, flips-1); 1 of them keep the middle's timbre better (winner-1).",
    }


def test_the_opposite_words() -> None:
    words = said(
        coherence_1024=0.36, largest_correlation=0.3, level_difference_change_db=2.4, log_mel_db=1.0,
        modulation_below_1_hz_db=0.8,
    )  # fmt: skip
    assert words["Width."].startswith("The side is less independent of the middle than in the recordings")
    assert "An echo stands out" in words["Cleanness."]
    assert words["Movement."].endswith("but less over seconds (0.80 (recordings: 1.00) dB).")
    assert words["Beside classical methods."].endswith("keeps the middle's timbre better than any of them.")
    assert "The side is more independent of the middle than" in said(coherence_1024=0.2)["Width."]
    assert said(level_difference_change_db=2.4)["Movement."].endswith("as they do in the recordings.")


def test_nobody_as_natural() -> None:
    names = ("beaten-1", "beaten-2", "winner-1", "equal-1", "flips-1", "mover-1", "hazy-1")
    found = hand_made({(name, "haze_db"): 3.0 for name in names})
    (words,) = (words for words in in_words(found) if words.startswith("**Beside"))
    assert f"{CLASSICAL} none is as natural" in words


def test_the_packages_model_stands_beside() -> None:
    found = hand_made()
    found.methods.loc[DEFAULT_MODEL] = found.methods.loc["winner"]
    *_, words = in_words(found)
    assert words.endswith("coherence 0.250, timbre 2.00 dB from the middle's, haze 0.40 dB.")

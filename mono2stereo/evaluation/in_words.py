"""The first lines of the report: what the numbers say to someone who plays or mixes music."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mono2stereo.dsp.movement import FIGURES
from mono2stereo.evaluation.evaluate import Evaluation
from mono2stereo.evaluation.findings import keeping_mid
from mono2stereo.evaluation.markdown import number
from mono2stereo.evaluation.naturalness import WITHIN
from mono2stereo.evaluation.points import DEFAULT_MODEL, MODEL, OWN_SIDE

NOISES_DB = 2.85  # log-mel distance of two independent noises of one spectrum: docs/method.md
MOVES = dict(
    zip(
        FIGURES,
        (
            "over seconds",
            "from note to note",
            "within notes",
            "as fast as a flutter",
            "in how loud left is beside right",
            "in how quickly that changes",
        ),
        strict=True,
    )
)


def in_words(evaluation: Evaluation) -> Iterator[str]:
    """Width, timbre, cleanness, movement, classical methods, the package's model: a paragraph each."""
    methods = evaluation.methods
    model, own = methods.loc[MODEL], methods.loc[OWN_SIDE]
    width = _beside(model, own, "coherence_1024", "as {} as", "less {} than", "more {} than")
    yield (
        f"**Width.** The side is {width.format('independent of the middle')} in the recordings themselves: "
        f"coherence {_pair(model, own, 'coherence_1024')}; 1 would be a copy, heard as one point."
    )
    timbre, own_timbre = (number(row["log_mel_db"], "log_mel_db") for row in (model, own))
    yield (
        f"**Timbre.** Band by band, moment by moment its level is {timbre} dB from the middle's, on average; "
        f"two noises of one colour are {NOISES_DB} dB apart, the recordings' own sides, where other "
        f"instruments play, {own_timbre} dB."
    )
    echo = _beside(model, own, "largest_correlation", "No", "An", "No")
    yield (
        f"**Cleanness.** Haze between the notes: {_pair(model, own, 'haze_db')} dB. {echo} echo stands out: "
        f"the largest likeness of side and middle at any delay is {_pair(model, own, 'largest_correlation')}."
    )
    yield f"**Movement.** Left and right move against each other {_movement(model, own)}."
    yield f"**Beside classical methods.** {_classical(evaluation)}"
    if DEFAULT_MODEL in methods.index:
        theirs = methods.loc[DEFAULT_MODEL]
        coherence, timbre, haze = (
            number(theirs[measure], measure) for measure in ("coherence_1024", "log_mel_db", "haze_db")
        )
        yield (
            "**The model that comes with the package** is beside it here and on the listening page: "
            f"coherence {coherence}, timbre {timbre} dB from the middle's, haze {haze} dB."
        )


def _pair(model: pd.Series, own: pd.Series, measure: str) -> str:
    return f"{number(model[measure], measure)} (recordings: {number(own[measure], measure)})"


def _beside(model: pd.Series, own: pd.Series, measure: str, same: str, above: str, below: str) -> str:
    """`same` where the model is within 15 % of the recordings' own sides, or else where it lies."""
    away = model[measure] - own[measure]
    return same if not abs(away) > WITHIN * own[measure] else above if away > 0 else below


def _movement(model: pd.Series, own: pd.Series) -> str:
    verdicts = {figure: _beside(model, own, figure, "", "more", "less") for figure in FIGURES}
    off = [
        f"{verdict} {MOVES[figure]} ({_pair(model, own, figure)} dB)"
        for figure, verdict in verdicts.items()
        if verdict
    ]
    if not off:
        return "as they do in the recordings"
    return (
        f"as they do in the recordings, but {'; '.join(off)}" if len(off) < len(FIGURES) else "; ".join(off)
    )


def _classical(evaluation: Evaluation) -> str:
    among = f"Of {len(keeping_mid(evaluation))} settings of delays, all-passes, choruses and the like"
    natural = evaluation.rivals
    if natural.empty:
        return f"{among} none is as natural in width, echo, haze and movement at once."
    lower = natural[natural["log_mel_db"] > 0]
    verdict = (
        f"{len(lower)} of them keep the middle's timbre better ({', '.join(lower['setting'])})"
        if len(lower)
        else "the network keeps the middle's timbre better than any of them"
    )
    named = ", ".join(natural["setting"])
    return f"{among} {len(natural)} are as natural in width, echo, haze and movement ({named}); {verdict}."

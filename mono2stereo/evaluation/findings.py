"""What the numbers say of the model, in plain sentences: each is true or not, whatever one hoped for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from mono2stereo.evaluation.evaluate import Evaluation
from mono2stereo.evaluation.markdown import heading, number, table, with_interval
from mono2stereo.evaluation.naturalness import WITHIN, off_nature
from mono2stereo.evaluation.nearest import LOWER_IS_BETTER, better
from mono2stereo.evaluation.points import MODEL, NOT_CLASSICAL
from mono2stereo.evaluation.tables import Margin
from mono2stereo.measures import MEASURES

CREST_WITHIN_DB = 2.0
NEAR = 0.05  # of coherence: beyond it a comparison is not one at equal coherence


def findings(evaluation: Evaluation) -> Iterator[str]:
    """The model against the classical methods and against what it must not do, a list item each."""
    for frame_length in evaluation.floors:
        yield _at_equal_coherence(evaluation, frame_length)
    yield from (_margin(margin) for margin in evaluation.margins)
    yield _model_beside_nature(evaluation.trade_off)
    yield _rivals(evaluation)
    yield _less_natural_rivals(evaluation)
    if evaluation.changing_mid:
        named = ", ".join(evaluation.changing_mid)
        yield f"- Folded down to mono, {named} is not the input again: left out of margins and rivals above."
    yield from (_distance(evaluation, measure) for measure in ("own_mel", "own_stft"))
    yield _crest(evaluation)
    yield _bass(evaluation)
    yield _distortion(evaluation.distortion.loc[MODEL])
    yield _re_mid(evaluation)


def nearest_table(evaluation: Evaluation) -> str:
    """Every window and classical method: coherence of both, and the model's differences."""
    rows = []
    for _, row in evaluation.nearest.iterrows():
        settings = [str(row["frame_length"]), row["setting"]]
        coherence = [f"{row['coherence']:.3f}", f"{row['model_coherence']:.3f}"]
        faults = _headings(row["unnatural"].split()) or "–"
        rows.append(
            [
                *settings,
                *coherence,
                *(with_interval(row, measure, "+") for measure in LOWER_IS_BETTER),
                faults,
            ]
        )
    headings = [
        "frames of",
        "nearest setting",
        "its coherence",
        "the model's",
        *map(heading, LOWER_IS_BETTER),
        "less natural in",
    ]
    return (
        "Of every classical method the setting whose coherence is nearest to the model's, and the model "
        "minus that setting on the same stretches; in brackets, 95 % bootstrap intervals over tracks and "
        "their stretches. Lower is better but for onsets. Last, the figures in which the setting is less "
        "natural than the model.\n\n" + table(headings, rows, texts=2)
    )


def _at_equal_coherence(evaluation: Evaluation, frame_length: int) -> str:
    rows = evaluation.nearest[evaluation.nearest["frame_length"] == frame_length]
    start = f"- Frames of {frame_length}"
    if rows.empty:
        return f"{start}: nothing to compare; the model or every classical method has no coherence."
    both = better(rows, "log_mel_db") & better(rows, "onset_correlation")
    surely = better(rows, "log_mel_db", surely=True) & better(rows, "onset_correlation", surely=True)
    natural = (rows["unnatural"] == "") & ~rows["method"].isin(evaluation.changing_mid)
    far = rows[(rows["coherence"] - rows["model_coherence"]).abs() > NEAR]
    return (
        f"{start}, beside the setting of each classical method that is nearest to the model's coherence of "
        f"{rows['model_coherence'].iloc[0]:.3f}: lower log-mel distance *and* higher onset correlation than "
        f"{both.sum()} of {len(rows)} ({_names(rows[both])}); both intervals exclude 0 for "
        f"{surely.sum()} ({_names(rows[surely])}). As natural as the model: {_names(rows[natural])}; "
        f"of these, not beaten in both: {_names(rows[natural & ~both])}."
        + (f" Not within {NEAR:g} of its coherence: {_names(far)}." if len(far) else "")
    )


def _names(rows: pd.DataFrame) -> str:
    return ", ".join(rows["setting"]) or "none"


def _margin(margin: Margin) -> str:
    start = f"- Frames of {margin.frame_length}: "
    if np.isnan(margin.coherence):
        return f"{start}no margin; the model has no coherence."
    start += f"the model's log-mel distance of {margin.log_mel_db:.2f} dB at coherence {margin.coherence:.3f}"
    if not np.isfinite(margin.classical_log_mel_db):
        return f"{start}; no classical method, swept along its parameter, is as incoherent."
    verdict = "lower" if margin.margin_db > 0 else "not lower"
    return (
        f"{start} is {verdict} than the best classical method's {margin.classical_log_mel_db:.2f} dB there "
        f"(margin {margin.margin_db:+.2f} dB, 95 % from {margin.low_db:+.2f} to {margin.high_db:+.2f})."
    )


def _model_beside_nature(trade_off: pd.DataFrame) -> str:
    off = _headings(off_nature(trade_off)) or "nothing"
    return (
        "- Coherence, lag, haze and movement: more than "
        f"{WITHIN:.0%} away from the recordings' own sides the model is in {off}."
    )


def _rivals(evaluation: Evaluation) -> str:
    rivals, among = evaluation.rivals, len(keeping_mid(evaluation))
    start = (
        f"- As natural as the model in all of these: {len(rivals)} of {among} settings of classical methods"
    )
    if rivals.empty:
        return f"{start}; none is left to compare with."
    lower = [
        f"{row['setting']} (the model minus it: {with_interval(row, 'log_mel_db', '+')} dB)"
        for _, row in rivals[rivals["log_mel_db"] > 0].iterrows()
    ]
    return (
        f"{start} ({_names(rivals)}). Of them, with a lower log-mel distance than the model's: "
        f"{'; '.join(lower) or 'none'}."
    )


def _less_natural_rivals(evaluation: Evaluation) -> str:
    """Who has the lower log-mel distance but is less natural, and in what."""
    model_db = evaluation.trade_off.loc[evaluation.trade_off["method"] == MODEL, "log_mel_db"].iloc[-1]
    classical = keeping_mid(evaluation)
    lower = classical[(classical["log_mel_db"] < model_db) & (classical["unnatural"] != "")]
    coherent = lower["unnatural"].str.contains("coherence")
    listed = [
        f"{row['setting']} ({number(row['log_mel_db'], 'log_mel_db')} dB; "
        f"{_headings(row['unnatural'].split())})"
        for _, row in lower[~coherent].iterrows()
    ]
    return (
        "- Less natural, but with a lower log-mel distance than the model's "
        f"{number(model_db, 'log_mel_db')} dB: {len(lower)} settings, {coherent.sum()} of them for being "
        f"more coherent; the others, and in what: {'; '.join(listed) or 'none'}."
    )


def keeping_mid(evaluation: Evaluation) -> pd.DataFrame:
    """Rows of the trade-off: settings of classical methods whose fold-down is the input."""
    left_out = [*NOT_CLASSICAL, *evaluation.changing_mid]
    return evaluation.trade_off[~evaluation.trade_off["method"].isin(left_out)]


def _headings(measures: Iterable[str]) -> str:
    return ", ".join(map(heading, measures))


def _distance(evaluation: Evaluation, measure: str) -> str:
    model = evaluation.methods.at[MODEL, measure]
    settings = evaluation.trade_off
    classical = settings[~settings["method"].isin(NOT_CLASSICAL)].dropna(subset=measure)
    start = f"- Distance to the recordings' {heading(measure)}: "
    if np.isnan(model) or classical.empty:
        return f"{start}nothing to compare."
    lowest = classical.loc[classical[measure].idxmin()]
    verdict = "lower than" if model < lowest[measure] else "not lower than"
    rows = evaluation.nearest[evaluation.nearest["frame_length"] == max(evaluation.floors)]
    return (
        f"{start}{number(model, measure)}, {verdict} every classical method's at every setting "
        f"(the lowest: {number(lowest[measure], measure)}, {lowest['setting']}); lower than "
        f"{better(rows, measure).sum()} of {len(rows)} at the settings nearest to its coherence at frames of "
        f"{max(evaluation.floors)}."
    )


def _crest(evaluation: Evaluation) -> str:
    row = evaluation.methods.loc[MODEL]
    if np.isnan(row["crest_change_db"]):
        return "- Crest factor: undefined."
    tracks = evaluation.tracks.loc[evaluation.tracks["method"] == MODEL, "crest_change_db"]
    verdict = "within" if abs(row["crest_change_db"]) <= CREST_WITHIN_DB else "not within"
    return (
        f"- Crest factor of the side against the mid's: {with_interval(row, 'crest_change_db', '+')} dB, "
        f"{verdict} {CREST_WITHIN_DB:g} dB (tracks from {tracks.min():+.2f} to {tracks.max():+.2f})."
    )


def _bass(evaluation: Evaluation) -> str:
    change_db = evaluation.methods.at[MODEL, "below_30_hz_db"]
    if np.isnan(change_db):
        return "- Below 30 Hz: undefined."
    verdict = "no more" if change_db <= 0 else "more"
    decimals = MEASURES["below_30_hz_db"].decimals
    return f"- Below 30 Hz: {verdict} than the mid ({change_db:+.{decimals}f} dB)."


def _distortion(tones: pd.Series) -> str:
    if tones.isna().all():
        return "- Distortion of steady tones: undefined; the model makes nothing of them."
    return f"- Distortion of steady tones: {tones.max():.0f} dB at its worst, {tones.idxmax():g} Hz."


def _re_mid(evaluation: Evaluation) -> str:
    tones, saws = (frame.loc[MODEL] for frame in (evaluation.out_of_band, evaluation.between_harmonics))
    if tones.isna().all() or saws.isna().all():
        return "- Steady sounds re the mid: undefined."
    return (
        f"- Steady sounds re the mid, at their worst: outside a tone's critical band {tones.max():.0f} dB "
        f"({tones.idxmax():g} Hz), between a saw's harmonics {saws.max():.0f} dB ({saws.idxmax():g} Hz)."
    )

"""An evaluation whose every number is chosen: the model wins here, loses there, is equal elsewhere."""

import numpy as np

from mono2stereo.evaluation.evaluate import Evaluation, summarise
from mono2stereo.evaluation.points import MODEL, OWN_SIDE, Result
from mono2stereo.measures import MEASURES, Readings
from mono2stereo.measures.side_analysis import curve_axes

RATE = 22050
TRACKS = 6
OF_TRACK = (-0.2, -0.1, 0.0, 0.0, 0.1, 0.2)  # added to all measures but coherence, the same to every method
OF_STRETCH = (-0.05, 0.05)
FLIPS = (1.5, -1.0, 1.5, -1.0, 1.5, -1.0)  # of one method, track by track, in log-mel


def readings(coherence: tuple[float, float, float], log_mel: float, onsets: float, **others: float) -> dict:
    """Own sides move as they do; whoever is not said to move otherwise moves so, too."""
    names = ("coherence_1024", "coherence_4096", "coherence_16384")
    movement = {
        "modulation_below_1_hz_db": 1.0, "modulation_1_to_4_hz_db": 1.3, "modulation_4_to_16_hz_db": 1.6,
        "modulation_16_to_40_hz_db": 1.0, "level_difference_db": 4.0, "level_difference_change_db": 2.4,
    }  # fmt: skip
    values = dict.fromkeys(MEASURES, 1.0) | movement | dict(zip(names, coherence, strict=True))
    values |= {"log_mel_db": log_mel, "onset_correlation": onsets, "largest_correlation": 0.2, "haze_db": 0.4}
    return values | {"fold_down_error_db": -200.0, "below_30_hz_db": -3.0, "crest_change_db": 1.0} | others


MODELS = readings(
    (0.3, 0.4, 0.5), 3.0, 0.6, own_mel=1.5, own_stft=1.4, modulation_below_1_hz_db=0.9,
    modulation_16_to_40_hz_db=1.1, level_difference_change_db=2.9,
)  # fmt: skip
SETTINGS = {
    (MODEL, "step-1", False): readings((0.5, 0.6, 0.7), 2.5, 0.7, own_mel=1.6, own_stft=1.5),
    (MODEL, "step-2", True): MODELS,
    (OWN_SIDE, OWN_SIDE, True): readings(
        (0.3, 0.4, 0.45), 5.0, 0.5, own_mel=0.0, own_stft=0.0, largest_correlation=0.25, haze_db=0.5
    ),
    ("beaten", "beaten-1", True): readings((0.8, 0.9, 0.95), 1.0, 0.9, own_mel=2.0, own_stft=2.0),
    ("beaten", "beaten-2", False): readings((0.34, 0.44, 0.51), 4.0, 0.3, own_mel=1.6, own_stft=1.3),
    ("winner", "winner-1", True): readings((0.25, 0.36, 0.48), 2.0, 0.7, own_mel=1.2, own_stft=1.6),
    ("equal", "equal-1", True): MODELS,
    ("flips", "flips-1", True): readings((0.29, 0.39, 0.5), 3.0, 0.5, own_mel=1.5, own_stft=1.5),
    ("mover", "mover-1", True): readings(
        (0.28, 0.38, 0.4), 1.5, 0.8, own_mel=1.7, own_stft=1.7, modulation_below_1_hz_db=0.3,
        level_difference_db=7.0,
    ),
    ("hazy", "hazy-1", True): readings((0.42, 0.47, 0.6), 2.9, 0.5, own_mel=1.7, own_stft=1.7, haze_db=0.6),
    ("haas", "haas-1", True): readings(
        (0.3, 0.4, 0.5), 0.5, 0.9, own_mel=1.9, own_stft=1.9, fold_down_error_db=-6.0
    ),
}  # fmt: skip


def hand_made(change: dict[tuple[str, str], float] | None = None) -> Evaluation:
    """The evaluation; `change` sets one (setting, measure) to another value."""
    results = [
        _result(track, stretch, method, setting, in_full, given | _changed(change or {}, setting))
        for track in range(TRACKS)
        for stretch in range(len(OF_STRETCH))
        for (method, setting, in_full), given in SETTINGS.items()
    ]
    steady = {
        method: {
            "distortion": {125.0: -40.0, 250.0: -20.0},
            "out_of_band": {125.0: -30.0, 250.0: -35.0},
            "between_harmonics": {110.0: -12.0, 220.0: -9.0},
        }
        for method in {method for method, *_ in SETTINGS} - {OWN_SIDE}
    }
    return summarise(
        results, steady, split="test", stretch_seconds=10.0, sample_rate=RATE, left_out={},
        groups={f"track {track}": "" for track in range(TRACKS)}, passages=(), seed=0,
    )  # fmt: skip


def _changed(change: dict[tuple[str, str], float], of_setting: str) -> dict[str, float]:
    return {measure: value for (setting, measure), value in change.items() if setting == of_setting}


def _result(
    track: int, stretch: int, method: str, setting: str, in_full: bool, given: dict[str, float]
) -> Result:
    added = OF_TRACK[track] + OF_STRETCH[stretch]
    values = {name: value + added * (not name.startswith("coherence")) for name, value in given.items()}
    if method == "flips":
        values["log_mel_db"] += FLIPS[track]
    curves = {name: np.ones(len(axis)) for name, (_, axis) in curve_axes(RATE).items()}
    place = (f"track {track}", f"track {track} from {stretch} s")
    return Result(*place, method, setting, in_full, Readings(values), curves if in_full else {})

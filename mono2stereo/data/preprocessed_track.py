"""What preprocessing found out about one track, and how it waits on disk until all tracks are done."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from mono2stereo.data.own_side import OwnSide
from mono2stereo.data.pairs import PairEntry


@dataclass(frozen=True)
class PreprocessedTrack:
    """What preprocessing found out about one track.

    Attributes:
        entry: its line in the index of pairs.
        seconds: its length.
        round_trip_db: SNR of STFT and back on the whole mid, edges included.
        own_side: how its side relates to its mid.
        levels_db: (2, n_bands) third-octave levels of mid and side at its own rate.
        crop_coherence: by window of the loss: coherence of mid and side over a crop, (n_mels,).
        crop_movement: the figures of `dsp.movement` over a crop.
    """

    entry: PairEntry
    seconds: float
    round_trip_db: float
    own_side: OwnSide
    levels_db: NDArray[np.float64]
    crop_coherence: dict[int, NDArray[np.float64]]
    crop_movement: NDArray[np.float64]

    def dumps(self) -> str:
        """As JSON, every number to its last bit."""
        return json.dumps(asdict(self), default=np.ndarray.tolist)

    @classmethod
    def loads(cls, text: str) -> PreprocessedTrack:
        """The inverse of `dumps`."""
        facts = json.loads(text)
        own_side = facts["own_side"]
        return cls(
            **facts
            | {
                "entry": PairEntry(**facts["entry"]),
                "own_side": OwnSide(**own_side | {"coherence": _by_window(own_side["coherence"])}),
                "levels_db": np.array(facts["levels_db"]),
                "crop_coherence": _by_window(facts["crop_coherence"]),
                "crop_movement": np.array(facts["crop_movement"]),
            }
        )


def _by_window(coherence: dict[str, list[float]]) -> dict[int, NDArray[np.float64]]:
    return {int(length): np.array(values) for length, values in coherence.items()}

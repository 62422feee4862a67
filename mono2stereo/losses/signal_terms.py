"""All loss terms that compare a generated side with its mid, by name."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mono2stereo.losses.coherence import CoherenceLoss
from mono2stereo.losses.lag import LagLoss
from mono2stereo.losses.level import LevelLoss
from mono2stereo.losses.mel import MelLoss
from mono2stereo.losses.noise_to_mask import NoiseToMaskLoss
from mono2stereo.losses.spectra import Spectra


class SignalTerms:
    """`coherence` (mean over its windows), `mel`, `level`, `lag`, `noise_to_mask`, from one set of spectra.

    Args:
        sample_rate: In Hz.
        n_mels: Bands of the mel, coherence and noise-to-mask terms.
        mel_frame_length: In samples.
        mel_frame_step: In samples.
        mel_floor: Smallest mel magnitude that counts.
        coherence_frame_lengths: Windows in samples.
        coherence_floors: One per window, or one per window and band: less coherence earns nothing.
        coherence_shortfall: What less costs, as a share of what more does.
        level_floor_db: Below the clip's loudest band.
        max_lag_seconds: Of the lag term.
        lag_floor: Less correlation earns nothing.
        noise_to_mask_floor_db: Below the clip's loudest cell.
    """

    def __init__(
        self,
        *,
        sample_rate: int,
        n_mels: int,
        mel_frame_length: int,
        mel_frame_step: int,
        mel_floor: float,
        coherence_frame_lengths: Sequence[int],
        coherence_floors: Sequence[float | Sequence[float]],
        coherence_shortfall: float,
        level_floor_db: float,
        max_lag_seconds: float,
        lag_floor: float,
        noise_to_mask_floor_db: float,
    ) -> None:
        self._coherences = [
            CoherenceLoss(
                sample_rate=sample_rate,
                frame_length=length,
                n_mels=n_mels,
                floor=floor,
                shortfall=coherence_shortfall,
            )
            for length, floor in zip(coherence_frame_lengths, coherence_floors, strict=True)
        ]
        self._mel = MelLoss(
            sample_rate=sample_rate,
            n_mels=n_mels,
            frame_length=mel_frame_length,
            frame_step=mel_frame_step,
            floor=mel_floor,
        )
        self._level = LevelLoss(sample_rate=sample_rate, floor_db=level_floor_db)
        self._lag = LagLoss(sample_rate=sample_rate, max_lag_seconds=max_lag_seconds, floor=lag_floor)
        self._noise_to_mask = NoiseToMaskLoss(
            sample_rate=sample_rate, n_mels=n_mels, floor_db=noise_to_mask_floor_db
        )

    def __call__(self, *, side: tf.Tensor, mid: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scalars by term, for side and mid `(batch, samples)`."""
        signals = {"estimate": Spectra(side), "reference": Spectra(mid)}
        coherences = [coherence(**signals) for coherence in self._coherences]
        return {
            "coherence": tf.add_n(coherences) / len(coherences),
            "mel": self._mel(**signals),
            "level": self._level(**signals),
            "lag": self._lag(**signals),
            "noise_to_mask": self._noise_to_mask(**signals),
        }

"""How far a model lies below the best classical sweep at its coherence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mono2stereo.evaluation import tables
from mono2stereo.evaluation.points import MODEL, OWN_SIDE


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

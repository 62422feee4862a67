from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mono2stereo.errors import TrainingError
from mono2stereo.training.loop import _check, _means, mean_figures


class Reading:
    """Says what it is given."""

    def measure(self, mid: Any, real: Any) -> dict[str, float]:
        return {"mid": float(np.mean(mid)), "real": float(np.mean(real))}


def test_every_clip_of_a_validation_counts_the_same_whatever_batch_it_is_in():
    clips = np.arange(5.0)[:, None], 10 * np.arange(5.0)[:, None]
    for size in (1, 2, 5, 8):
        assert mean_figures(Reading(), clips, size) == pytest.approx({"mid": 2, "real": 20})  # type: ignore[arg-type]


def test_a_row_of_the_curves_is_the_mean_over_the_steps_that_have_a_figure():
    assert _means([{"mel": 1.0}, {"mel": 3.0, "adversarial": 5.0}]) == {"mel": 2.0, "adversarial": 5.0}


def test_divergence_is_of_losses_either_sign_and_what_is_no_number_of_any_figure():
    _check({"mel": -2.0, "gradient_norm_generator": 50.0, "d_real_scale_0": 50.0}, 3, 2.0)
    for figures, says in (
        ({"mel": 1.0, "lag": -2.5}, r"step 3: lag is -2.5, beyond train.divergence_limit = 2; lower train"),
        (
            {"mel": 1.0, "d_fake_scale_0": math.nan},
            "step 3: d_fake_scale_0 is nan; lower train.learning_rate",
        ),
        ({"gradient_norm_generator": math.inf, "mel": 1.0}, "step 3: gradient_norm_generator is inf; lower"),
    ):
        with pytest.raises(TrainingError, match=says):
            _check(figures, 3, 2.0)

"""What `mlflow.pyfunc.load_model` calls for a logged model; needs neither MLflow nor TensorFlow itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mono2stereo.conversion import convert
from mono2stereo.decorrelators.neural import NeuralDecorrelator


class PyfuncModel:
    """An exported generator with MLflow's call.

    Args:
        decorrelator: the network.
    """

    def __init__(self, decorrelator: NeuralDecorrelator) -> None:
        self._decorrelator = decorrelator

    def predict(self, model_input: np.ndarray, params: Mapping[str, Any] | None = None) -> np.ndarray:
        """Mono `(samples,)` → stereo `(samples, 2)`.

        Args:
            model_input: floating point.
            params: `sample_rate` in Hz; by default the network's own.
        """
        rate = (params or {}).get("sample_rate", self._decorrelator.sample_rate)
        return convert(np.asarray(model_input), sample_rate=int(rate), decorrelator=self._decorrelator)


def _load_pyfunc(path: str) -> PyfuncModel:
    """Open the ONNX file of a logged model; the name is MLflow's."""
    return PyfuncModel(NeuralDecorrelator.load(path))

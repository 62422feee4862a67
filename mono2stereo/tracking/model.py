"""An exported generator in MLflow's model format."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import numpy as np

# Named, not imported: training does not depend on how a model is used.
LOADER = "mono2stereo.pyfunc"
EXAMPLE_SAMPLES = 2048


def save_model(file: Path, folder: Path, sample_rate: int) -> None:
    """Write the folder that `mlflow.pyfunc.load_model` takes: mono `(samples,)` → stereo `(samples, 2)`.

    It holds the ONNX file, a signature and an example, no code and no pickle. Who loads it has mono2stereo
    installed; its dependencies are listed.

    Args:
        file: exported generator.
        folder: to make.
        sample_rate: the network's, in Hz; what a signal has unless `params` of `predict` say otherwise.
    """
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import save_model as save
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1,))]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, 2))]),
        params=ParamSchema([ParamSpec("sample_rate", "integer", sample_rate)]),
    )
    needed = [line for line in metadata.requires("mono2stereo") or () if "extra ==" not in line]
    save(
        folder,
        loader_module=LOADER,
        data_path=str(file),
        signature=signature,
        input_example=np.sin(np.arange(EXAMPLE_SAMPLES) / 8).astype(np.float32) / 2,
        pip_requirements=needed,
    )

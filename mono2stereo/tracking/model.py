"""An exported generator as a model of MLflow: its folder, and what the store knows of it."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlflow import MlflowClient

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


def publish(client: MlflowClient, run_id: str, folder: Path, *, name: str, step: int, figures: str) -> None:
    """Log a folder of `save_model` as what a run made: its Models tab, `models:/…`, the registry. Repeatable.

    Args:
        client: of the store.
        run_id: of the run.
        folder: is told the model's and the run's id.
        name: the run's word for it, as in `runs:/<run id>/<name>`.
        step: that it stands at.
        figures: prefix of the run's metrics of that step that tell how good it is.
    """
    from mlflow.entities import LoggedModelOutput, Metric
    from mlflow.models import Model

    run = client.get_run(run_id)
    experiment = run.info.experiment_id
    logged = client.search_logged_models([experiment], f"source_run_id = '{run_id}' AND name = '{name}'")
    model = (
        logged[0] if logged else client.create_logged_model(experiment, name, run_id, params=run.data.params)
    )
    described = Model.load(str(folder))
    described.model_uuid = described.model_id = model.model_id
    described.run_id, described.artifact_path = run_id, model.artifact_location
    described.save(str(folder / "MLmodel"))
    client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    if not of_model(run):
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step)])
    link = of_model(client.get_run(run_id))
    of_step = [
        Metric(metric.key, metric.value, metric.timestamp, metric.step, **link)
        for metric in run.data._metric_objs
        if metric.step == step and metric.key.startswith(figures)
    ]
    client.log_batch(run_id, metrics=of_step)


def of_model(run: Any) -> dict[str, str]:
    """What a metric of a run says to be its model's, measured on its data; empty where it has no model."""
    if not (run.outputs and run.outputs.model_outputs):
        return {}
    link = {"model_id": run.outputs.model_outputs[-1].model_id, "run_id": run.info.run_id}
    for used in run.inputs.dataset_inputs[-1:]:
        link |= {"dataset_name": used.dataset.name, "dataset_digest": used.dataset.digest}
    return link

"""deploy/slurm on a real Slurm: munge, a controller and two nodes on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clones import call, environment, make_clone
from conftest import Cluster
from servers import Server

SCRIPTS = Path(__file__).parents[2] / "deploy/slurm"
MINUTES = "--time=2", "--signal=B:USR1@20"  # Slurm's shortest that leave a stage time to start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The tracking server that MLFLOW_TRACKING_URI names."""
    folder = tmp_path_factory.mktemp("server")
    started = Server(folder, f"sqlite:///{folder / 'mlflow.db'}")
    started.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", started.uri)
        patch.setenv("VENV", str(Path(environment()["PATH"].split(":")[0]).parent))
        yield started
    started.kill()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where jobs are submitted, with the data of all of them in the cache."""
    folder = make_clone(tmp_path_factory.mktemp("slurm") / "repository")
    call("dvc", "repro", "preprocess", cwd=folder)
    return folder


def the_run(server: Server, job: str) -> tuple[Any, Any]:
    """The one MLflow run of a job, and a client."""
    from mlflow import MlflowClient

    client = MlflowClient(server.uri)
    found = client.search_runs([client.get_experiment_by_name("mono2stereo").experiment_id])
    (run,) = [run for run in found if run.info.run_name == f"slurm-{job}"]
    return run, client


def assert_whole(server: Server, job: str, steps: int) -> Any:
    """The job's run, FINISHED, every step in it once, the last stage's report too."""
    run, client = the_run(server, job)
    history = client.get_metric_history(run.info.run_id, "train/mel")
    assert [metric.step for metric in history] == list(range(1, steps + 1))
    assert run.info.status == "FINISHED"
    reports = [artifact.path for artifact in client.list_artifacts(run.info.run_id, "evaluate")]
    assert "evaluate/report.md" in reports
    return run


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.timeout(1800)
def test_a_job_is_warned_requeued_and_goes_on(cluster: Cluster, server: Server, repository: Path) -> None:
    steps = 600
    job = cluster.submit(
        repository, *MINUTES, "deploy/slurm/one_gpu.sbatch", "-S", f"train.steps={steps}",
        "-S", "train.checkpoint_every=100000", "-S", "train.validate_every=1000",
    )  # fmt: skip
    ended = cluster.wait(job, "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", seconds=1700)
    log = cluster.log(job)
    assert ended["JobState"] == "COMPLETED", log
    assert int(ended["Restarts"]) >= 1
    assert "stopped after step" in log
    assert "queued again" in log
    assert_whole(server, job, steps)
    assert f"slurm-{job}" in call("dvc", "exp", "list", "--name-only", cwd=repository)
    assert not list(repository.with_name("repository-jobs").iterdir())

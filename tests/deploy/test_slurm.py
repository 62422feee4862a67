"""deploy/slurm on a real Slurm: munge, a controller and two nodes on this machine."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from clones import ROOT, call, environment, make_clone
from conftest import Cluster
from servers import Server

SCRIPTS = ROOT / "deploy/slurm"
VENV = str(Path(sys.executable).parents[1])
ENDED = "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "OUT_OF_MEMORY"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The tracking server that MLFLOW_TRACKING_URI names."""
    folder = tmp_path_factory.mktemp("server")
    started = Server(folder, f"sqlite:///{folder / 'mlflow.db'}")
    started.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", started.uri)
        patch.setenv("VENV", VENV)
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


def jobs_of(repository: Path) -> Path:
    return repository.with_name("repository-jobs")


def steps(jobs: Path) -> int:
    """How many the one training that is unfinished has logged."""
    return sum(ledger.read_bytes().count(b'["train"') for ledger in jobs.glob("states/*/curves.jsonl"))


def wait_for_steps(cluster: Cluster, job: str, jobs: Path, number: int = 1) -> None:
    deadline = time.monotonic() + 1500
    while steps(jobs) < number:
        assert time.monotonic() < deadline, cluster.log(job)
        assert cluster.fields(job)["JobState"] not in ENDED, cluster.log(job)
        time.sleep(0.05)


def frozen_until_interrupted(clone: Path) -> None:
    """Hold the training until SIGINT waits for it, so that it comes in the middle on any machine."""
    (process,) = [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if (process.info["cmdline"] or [])[-2:] == ["-m", "stages.train"]
        and Path(process.info["cwd"] or "/") == clone.resolve()
    ]
    process.suspend()
    deadline = time.monotonic() + 300
    try:
        while not pending(process.pid) >> (signal.SIGINT - 1) & 1:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        process.resume()


def pending(process: int) -> int:
    """Bits of the signals that a process has not got yet."""
    status = Path(f"/proc/{process}/status").read_text()
    sets = re.findall(r"^(?:Sig|Shd)Pnd:\s*(\w+)", status, re.MULTILINE)
    return int(sets[0], 16) | int(sets[1], 16)


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.timeout(1800)
def test_a_job_is_warned_requeued_and_goes_on(cluster: Cluster, server: Server, repository: Path) -> None:
    # Slurm counts minutes, and looks every thirty seconds.
    limit = "--time=3", "--signal=B:USR1@60"
    job = cluster.submit(repository, *limit, "deploy/slurm/one_gpu.sbatch", "-S", "train.steps=40")
    wait_for_steps(cluster, job, jobs_of(repository))
    frozen_until_interrupted(jobs_of(repository) / job)
    while cluster.fields(job)["Restarts"] == "0":
        assert cluster.fields(job)["JobState"] not in ENDED, cluster.log(job)
        time.sleep(0.5)
    call("scontrol", "update", f"JobId={job}", "TimeLimit=60", cwd=repository)  # however slow the machine is
    ended = cluster.wait(job, *ENDED)
    log = cluster.log(job)
    assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "1"), log
    assert "stopped after step" in log
    assert "queued again" in log
    assert_whole(server, job, 40)
    assert f"slurm-{job}" in call("dvc", "exp", "list", "--name-only", cwd=repository)
    assert not (jobs_of(repository) / job).exists()
    assert [path.name for path in (jobs_of(repository) / "states").iterdir()] == ["finished"]  # kept


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.timeout(1800)
def test_two_nodes_train_together_and_go_on(cluster: Cluster, server: Server, repository: Path) -> None:
    options = "-S", "train.strategy=multi_worker", "-S", "train.steps=40"
    job = cluster.submit(repository, "deploy/slurm/several_nodes.sbatch", *options)
    wait_for_steps(cluster, job, jobs_of(repository), 3)
    # What the time limit would send; the processes, held back, would each think the other dead.
    call("scancel", "--batch", "--signal=USR1", job, cwd=repository)
    ended = cluster.wait(job, *ENDED)
    log = cluster.log(job)
    assert (ended["JobState"], ended["Restarts"], ended["NumNodes"]) == ("COMPLETED", "1", "2"), log
    assert log.count("worker 1: waiting for the chief at 127.0.0.1:") == 2
    assert "stopped after step" in log
    assert_whole(server, job, 40)
    assert f"slurm-{job}" in call("dvc", "exp", "list", "--name-only", cwd=repository)
    assert not (jobs_of(repository) / job).exists()


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.timeout(1800)
def test_a_sweep_is_a_job_for_each_line(cluster: Cluster, server: Server, repository: Path) -> None:
    lines = ["-S loss.coherence=5", "-S 'loss.coherence=1' -S loss.mel=7"]
    (repository / "sweep.txt").write_text("\n".join(lines) + "\n")
    array = cluster.submit(repository, "--array=1-2", "deploy/slurm/sweep.sbatch", "sweep.txt")
    jobs = [f"{array}_{number}" for number in (1, 2)]
    states = [cluster.wait(job, *ENDED)["JobState"] for job in jobs]
    logs = [cluster.log(job) for job in jobs]
    assert states == ["COMPLETED", "COMPLETED"], logs
    weights = [assert_whole(server, job, 10).data.params for job in jobs]
    assert [float(params["loss.coherence"]) for params in weights] == [5, 1]
    assert [float(params["loss.mel"]) for params in weights] == [5.625, 7]
    for log in logs:  # what they share was in the cache
        assert "Running stage 'preprocess'" not in log
    shown = call("dvc", "exp", "show", "--csv", cwd=repository)
    assert all(f"slurm-{job}" in shown for job in jobs)
    # Models and reports of a job are one command away, without it having copied them here.
    call("dvc", "exp", "apply", f"slurm-{jobs[1]}", cwd=repository)
    assert len(list((repository / "models/checkpoints").glob("step-*.onnx"))) == 2
    assert yaml.safe_load((repository / "params.yaml").read_text())["loss"]["mel"] == 7
    call("git", "reset", "--quiet", "--hard", cwd=repository)


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.timeout(1800)
def test_a_cancelled_job_stays_cancelled_until_submitted_again(
    cluster: Cluster, server: Server, repository: Path
) -> None:
    # Its own seed, or it goes on from the end of an earlier test's training, whose steps look like its own.
    command = "deploy/slurm/one_gpu.sbatch", "-S", "train.steps=100000", "-S", "seed=1"
    job = cluster.submit(repository, *command)
    wait_for_steps(cluster, job, jobs_of(repository))
    cancel(cluster, server, job)
    assert (cluster.fields(job)["JobState"], cluster.fields(job)["Restarts"]) == ("CANCELLED", "0")
    assert "stopped after step" in cluster.log(job)
    reached = steps(jobs_of(repository))
    again = cluster.submit(repository, *command)
    wait_for_steps(cluster, again, jobs_of(repository), reached + 1)
    cancel(cluster, server, again, run_of=job)
    run, client = the_run(server, job)
    history = client.get_metric_history(run.info.run_id, "train/mel")
    assert [metric.step for metric in history] == list(range(1, steps(jobs_of(repository)) + 1))


def cancel(cluster: Cluster, server: Server, job: str, run_of: str = "") -> None:
    """`scancel`, and until Slurm and MLflow both say so."""
    subprocess.run(["scancel", job], check=True)
    cluster.wait(job, *ENDED)
    deadline = time.monotonic() + 120
    while (status := the_run(server, run_of or job)[0].info.status) == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert status == "KILLED"
    while subprocess.run(["squeue", "--noheader"], capture_output=True).stdout:  # it may still be completing
        time.sleep(0.5)


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.timeout(1800)
def test_a_failing_job_fails_once(cluster: Cluster, server: Server, repository: Path) -> None:
    job = cluster.submit(repository, "deploy/slurm/one_gpu.sbatch", "-S", "train.steps=0")
    ended = cluster.wait(job, *ENDED)
    assert (ended["JobState"], ended["Restarts"]) == ("FAILED", "0")
    assert "error: params.yaml: train.steps" in cluster.log(job)


def refused(script: str, *arguments: str, cwd: Path, **settings: str) -> str:
    """What a script says on stderr that refuses to start, outside Slurm."""
    done = subprocess.run(
        ["bash", str(SCRIPTS / script), *arguments],
        cwd=cwd,
        env={**environment(), "SLURM_SUBMIT_DIR": str(cwd), "SLURM_JOB_ID": "1", **settings},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    return done.stderr.splitlines()[-1]


def test_what_a_job_lacks_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    clone = make_clone(tmp_path / "clone")
    server = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "VENV": VENV}
    assert "MLFLOW_TRACKING_URI is not set" in refused("one_gpu.sbatch", cwd=clone)
    elsewhere = server | {"VENV": str(tmp_path), "PATH": "/usr/bin:/bin"}
    assert "no dvc in" in refused("one_gpu.sbatch", cwd=clone, **elsewhere)
    assert "submit it with --array" in refused("sweep.sbatch", "sweep.txt", cwd=clone, **server)
    (clone / "sweep.txt").write_text("-S seed=1\n")
    line = refused("sweep.sbatch", "sweep.txt", cwd=clone, SLURM_ARRAY_TASK_ID="2", **server)
    assert line == "error: sweep.txt: no line 2"
    (clone / "params.yaml").write_text("profile: ci\n")
    assert "not committed" in refused("one_gpu.sbatch", cwd=clone, **server)
    assert not (tmp_path / "clone-jobs/1").exists()


def test_the_scripts_pass_shellcheck() -> None:
    checker = str(Path(VENV) / "bin/shellcheck")
    scripts = sorted(str(path) for path in SCRIPTS.iterdir())
    done = subprocess.run([checker, "--external-sources", *scripts], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout

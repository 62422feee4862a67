"""A Slurm cluster of this machine's own: one controller, two nodes, in a temporary folder."""

from __future__ import annotations

import getpass
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from clones import call
from servers import free_port, postgresql

__all__ = ["postgresql"]

# Nodes are named by their addresses, which programs of a job resolve. A device file that does nothing stands
# for each node's GPU. Credentials expire soon because a requeued job waits for that.
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/%n
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MinJobAge=3600
KillWait=60
GresTypes=gpu
NodeName=DEFAULT CPUs=16 RealMemory=262144 Gres=gpu:1
NodeName={first} NodeHostname={host} NodeAddr={first} Port={first_port}
NodeName={second} NodeHostname={host} NodeAddr={second} Port={second_port}
PartitionName=main Nodes=ALL Default=YES State=UP
"""
NODES = "127.0.0.1", "127.0.0.2"
PROGRAMS = "munged", "slurmctld", "slurmd", "sbatch"


class Cluster:
    """Asks the cluster that SLURM_CONF names."""

    def submit(self, repository: Path, *arguments: str) -> str:
        """Id of a job submitted from the repository."""
        return call("sbatch", "--parsable", *arguments, cwd=repository).strip()

    def fields(self, job: str) -> dict[str, str]:
        """What Slurm says of a job."""
        shown = subprocess.run(["scontrol", "--oneliner", "show", "job", job], capture_output=True, text=True)
        return dict(re.findall(r"(\S+?)=(\S*)", shown.stdout.splitlines()[0]))

    def wait(self, job: str, *states: str, seconds: float = 1500) -> dict[str, str]:
        """Its fields, once it is in one of the states."""
        deadline = time.monotonic() + seconds
        while (fields := self.fields(job))["JobState"] not in states:
            assert time.monotonic() < deadline, (fields, self.log(job))
            time.sleep(0.5)
        return fields

    def log(self, job: str) -> str:
        """What it has written so far."""
        file = Path(self.fields(job)["StdOut"])
        return file.read_text() if file.exists() else ""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    missing = [name for name in PROGRAMS if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurm-wlm munge")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)  # munge's clients look through it
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    (folder / "state").mkdir()
    (folder / "slurm.conf").write_text(
        CONFIGURATION.format(
            folder=folder, host=socket.gethostname().split(".")[0], user=getpass.getuser(),
            first=NODES[0], second=NODES[1],
            port=free_port(), first_port=free_port(), second_port=free_port(),
        )
    )  # fmt: skip
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
    daemons: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> None:
        with (folder / f"{command[0]}.out").open("ab") as output:
            daemons.append(subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        patch.setenv("PATH", "/usr/sbin:/sbin", prepend=":")
        options = {name: f"{folder}/munge.{name}" for name in ("socket", "seed")}
        start(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={options['socket']}",
            f"--seed-file={options['seed']}", f"--pid-file={folder}/munged.pid",
            f"--log-file={folder}/munged.log",
        )  # fmt: skip
        deadline = time.monotonic() + 60
        try:
            while not (folder / "munge.socket").exists():
                assert time.monotonic() < deadline, (folder / "munged.out").read_text()
                time.sleep(0.1)
            start("slurmctld", "-D")
            for node in NODES:
                start("slurmd", "-D", "-N", node)
            while _idle_nodes() < len(NODES):
                logs = "".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
                assert time.monotonic() < deadline, logs
                time.sleep(0.2)
            yield Cluster()
        finally:
            subprocess.run(["scancel", "--full", "--user", getpass.getuser()], timeout=60, check=False)
            while subprocess.run(["squeue", "--noheader"], capture_output=True).stdout:
                time.sleep(0.5)
            for daemon in reversed(daemons):
                daemon.terminate()
                daemon.wait(60)
            shutil.rmtree(folder)


def _idle_nodes() -> int:
    asked = subprocess.run(["sinfo", "--noheader", "--format=%D %t"], capture_output=True, text=True)
    return sum(int(line.split()[0]) for line in asked.stdout.splitlines() if line.split()[1] == "idle")

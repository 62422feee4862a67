"""All devices and processes that train together, on TensorFlow's own distribution strategies.

The first process is the chief: it alone logs, validates, saves states and exports models. The others compute
their shares of the same batches, take the chief's weights when they start, and end when it has ended.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from mono2stereo.distribution.place import Place, Strategy, place
from mono2stereo.distribution.rendezvous import meet
from mono2stereo.errors import TrainingError

# How TensorFlow says that another process died, does not answer any more, or stopped by itself.
GONE = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)
SLURM_PORTS = range(20000, 30000)  # below those that Linux gives to outgoing connections


class Team:
    """Who trains together.

    Args:
        strategy: TensorFlow's; variables are made in its scope.
        index: This process's; 0 is the chief.
        count: How many processes there are.
    """

    def __init__(self, strategy: tf.distribute.Strategy, *, index: int = 0, count: int = 1) -> None:
        self.strategy = strategy
        self.index = index
        self.count = count

    @property
    def chief(self) -> bool:
        return self.index == 0

    def share(self, batch_size: int) -> range:
        """The places in a batch that this process computes.

        Raises:
            TrainingError: Not all replicas' shares would be of one size.
        """
        replicas = self.strategy.num_replicas_in_sync
        if batch_size % replicas:
            raise TrainingError(
                f"train.batch_size = {batch_size}: no multiple of the {replicas} devices that train; "
                "make it one, or let fewer train"
            )
        mine = batch_size // self.count
        return range(self.index * mine, (self.index + 1) * mine)

    def by_replica(self, *signals: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """This process's share of a batch, cut for its devices."""
        local = self.strategy.num_replicas_in_sync // self.count
        if self.strategy.num_replicas_in_sync == 1:
            return signals

        def cut(signal: tf.Tensor) -> tf.Tensor:
            parts = tf.split(signal, local)
            return self.strategy.experimental_distribute_values_from_function(
                lambda replica: parts[replica.replica_id_in_sync_group % local]
            )

        return tuple(map(cut, signals))

    def take_chiefs(self, variables: Collection[keras.Variable]) -> None:
        """Set all variables, everywhere, to what they are on the chief."""
        if self.count == 1:
            return

        def copy() -> None:
            replica = tf.distribute.get_replica_context()
            first = replica.replica_id_in_sync_group == 0
            for dtype in sorted({variable.dtype for variable in variables}):  # a reduction is of one type
                alike = [variable for variable in variables if variable.dtype == dtype]
                own = [tf.convert_to_tensor(variable) for variable in alike]
                shared = replica.all_reduce("sum", [tf.where(first, x, tf.zeros_like(x)) for x in own])
                for variable, value in zip(alike, shared, strict=True):
                    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)

        tf.function(lambda: self.strategy.run(copy))()

    def agree_to_stop(self, asked: int | None = None) -> int | None:
        """The signal to stop by, once any process was asked to; all call this after every step."""
        if self.count == 1:
            return asked
        some = self.strategy.reduce("sum", tf.identity(float(asked is not None)), axis=None)
        return (asked or signal.SIGTERM) if some > 0 else None

    def wait_for_all(self) -> None:
        """Return when every process has come here."""
        self.agree_to_stop()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Say in one line that another process is gone."""
        try:
            yield
        except GONE as error:
            if self.count == 1:
                raise
            said = str(error)
            named = {int(number) for number in re.findall(r"/task:(\d+)", said)} - {self.index}
            if not named and not self.chief and "CoordinationService" in said:
                named = {0}  # who keeps that service does not answer
            who = f"worker {min(named)}" if named else "another worker"
            raise TrainingError(
                f"{who} of {self.count} has stopped or is out of reach, so all stop; the same command, for "
                "all of them, goes on from the last checkpoint"
            ) from None


def gather(strategy: Strategy, batch_size: int, fingerprint: Callable[[], str]) -> Team:
    """The team that `train.strategy` asks for, once all of it is there.

    Call it before TensorFlow has computed anything.

    Args:
        strategy: "auto" takes all processes of the job, else as many GPUs as divide the batch, else the CPU.
        batch_size: Of all devices together.
        fingerprint: Of what this process would train; must be the same for all.

    Raises:
        TrainingError: The environment tells of no job, or not everyone comes.
    """
    own = place() if strategy in ("auto", "multi_worker") else None
    if own:
        return _gather_job(own, fingerprint)
    if strategy == "multi_worker":
        raise TrainingError(
            "train.strategy = multi_worker: neither TF_CONFIG nor a Slurm step of several tasks names other "
            "processes; start it by srun, set TF_CONFIG, or use auto"
        )
    if strategy == "mirrored" or (strategy == "auto" and len(tf.config.list_physical_devices("GPU")) > 1):
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        while strategy == "auto" and batch_size % len(devices):
            devices.pop()
        return Team(tf.distribute.MirroredStrategy([device.name for device in devices]))
    return Team(tf.distribute.get_strategy())


def _gather_job(own: Place, fingerprint: Callable[[], str]) -> Team:
    addresses = own.addresses or _slurm_addresses(own)
    meet(addresses, own.index, fingerprint)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": addresses}),
        task_type="worker",
        task_id=own.index,
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
        rpc_layer="grpc",
    )
    strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
    # TensorFlow has taken SIGTERM for itself, to no effect.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    return Team(strategy, index=own.index, count=own.count)


def _slurm_addresses(own: Place) -> tuple[str, ...]:
    """Hosts from TensorFlow's resolver, a port for each task: nodes may be of one machine.

    The resolver sorts hosts by letters, Slurm by numbers; and it wants GPUs, which there need not be.
    """
    resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
        gpus_per_node=own.count, gpus_per_task=1, auto_set_gpu=False
    )
    listed = resolver.cluster_spec().as_dict()["worker"]
    hosts = [address.rpartition(":")[0] for address in listed]
    hosts.sort(key=lambda host: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", host)])
    mine = os.environ.get("SLURMD_NODENAME", hosts[own.index])
    if hosts[own.index] != mine:
        raise TrainingError(
            f"task {own.index} runs on {mine}, not on {hosts[own.index]}: start srun with "
            "--distribution=block, or set TF_CONFIG"
        )
    job, step = (int(os.environ.get(f"SLURM_{name}_ID", 0)) for name in ("JOB", "STEP"))
    first = SLURM_PORTS[(97 * job + 13 * step) % (len(SLURM_PORTS) - own.count)]
    return tuple(f"{host}:{first + index}" for index, host in enumerate(hosts))

"""Which process of a job this one is, as its environment says: TF_CONFIG, or a Slurm step of several tasks.

Needs no TensorFlow, so that stages which do not train can ask too.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Literal

from mono2stereo.errors import ConfigError

Strategy = Literal["auto", "single", "mirrored", "multi_worker"]


@dataclass(frozen=True)
class Place:
    """A process among several that train together.

    Attributes:
        index: 0 is the chief.
        count: How many processes there are.
        addresses: `host:port` of each; empty where Slurm has to be asked.
    """

    index: int
    count: int
    addresses: tuple[str, ...] = ()


def place() -> Place | None:
    """This process's place; None where it is alone.

    Raises:
        ConfigError: TF_CONFIG is not what TensorFlow documents.
    """
    if text := os.environ.get("TF_CONFIG"):
        try:
            config = json.loads(text)
            jobs = {job: tuple(config.get("cluster", {}).get(job, ())) for job in ("chief", "worker")}
            addresses = jobs["chief"] + jobs["worker"]
            everyone = [(job, index) for job, hosts in jobs.items() for index in range(len(hosts))]
            if len(everyone) < 2:
                return None
            mine = everyone.index((config["task"]["type"], int(config["task"]["index"])))
            return Place(mine, len(everyone), addresses)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(
                'TF_CONFIG: must be like {"cluster": {"worker": ["host:port", "host:port"]}, '
                '"task": {"type": "worker", "index": 0}}'
            ) from None
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1))  # of this srun, not of the whole allocation
    return Place(int(os.environ["SLURM_PROCID"]), tasks) if tasks > 1 else None


def is_chief(strategy: Strategy) -> bool:
    """Whether this process logs, checkpoints and renders: the first of a job, and whoever trains alone."""
    if strategy in ("single", "mirrored"):
        return True
    own = place()
    return own is None or own.index == 0

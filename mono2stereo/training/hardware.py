"""What training asks of the processor: how many cores an operation takes, in which precision it computes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tensorflow as tf

from mono2stereo.errors import TrainingError
from mono2stereo.parallel import usable_cores

Precision = Literal["float32", "bfloat16"]
# The network has about this many operations at any time that wait for nothing but cores: eight discriminator
# branches, or the generator's groups.
SIDE_BY_SIDE = 8
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def cores_per_operation(cores: int) -> int:
    """The fewest with which `SIDE_BY_SIDE` operations keep all cores busy.

    >>> [cores_per_operation(cores) for cores in (1, 2, 8, 12, 64)]
    [1, 1, 1, 1, 8]
    """
    return max(1, cores // SIDE_BY_SIDE)


def share_cores() -> None:
    """Let few cores take part in each operation, and many operations run at once.

    Small operations lose more time in splitting up than they gain: on two cores a step takes a fifth less
    than with TensorFlow's default, all cores for each (`python -m benchmarks.gan_step`, rows `…/all_cores`).
    Without effect beside a GPU.

    Raises:
        RuntimeError: TensorFlow has computed something already.
    """
    if tf.config.list_physical_devices("GPU"):
        return
    cores = usable_cores()
    per_operation = cores_per_operation(cores)
    tf.config.threading.set_intra_op_parallelism_threads(per_operation)
    tf.config.threading.set_inter_op_parallelism_threads(max(1, cores // per_operation))


def compute_in(precision: Precision, *, cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Choose the precision of convolutions and matrix products; weights, waveforms and spectra stay float32.

    TensorFlow's own graph rewriting puts bfloat16 where it is quick, and into the arithmetic between: the
    figures that are logged have its three digits.

    Args:
        precision: "bfloat16" needs a CPU that has it.
        cpuinfo: Where Linux lists what the CPU has.

    Raises:
        TrainingError: The CPU has no bfloat16, or cannot be asked.
    """
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    if precision == "bfloat16":
        flags = set(cpuinfo.read_text().split()) if cpuinfo.is_file() else set()
        if on_gpu or not flags & BFLOAT16_FLAGS:
            raise TrainingError(
                "train.precision = bfloat16: needs a CPU with avx512_bf16 or amx_bf16 and no GPU; use float32"
            )
    rewriting = {
        "auto_mixed_precision_onednn_bfloat16": precision == "bfloat16",
        # Of a graph as large as the GAN's it takes half of the first step, and no step is shorter for it.
        "disable_meta_optimizer": precision == "float32" and not on_gpu,
    }
    tf.config.optimizer.set_experimental_options(rewriting)

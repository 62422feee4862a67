"""What the machine does meanwhile: processors, memory, disk, GPUs, as MLflow's monitors see them."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

SAMPLE_EVERY_SECONDS = 5.0


class SystemMetrics:
    """Samples within its `with` block, in a thread of its own.

    MLflow's whole monitor writes to the store by itself, numbered by sample; this one's means go beside the
    curves, by training step, through the same journal.
    """

    def __init__(self) -> None:
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

        self._monitors: list[Any] = [CPUMonitor(), DiskMonitor()]
        with suppress(ImportError, RuntimeError):  # no driver, no GPU
            self._monitors.append(GPUMonitor())
        self._step = 0
        self._samples = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="system metrics", daemon=True)

    def __enter__(self) -> SystemMetrics:
        self._thread.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def since_step(self, step: int) -> dict[str, float]:
        """Means since the call for an earlier step; empty where this step has been asked for."""
        if step <= self._step:
            return {}
        self._step = step
        with self._samples:
            self._collect()
            means: dict[str, float] = {}
            for monitor in self._monitors:
                means |= {f"system/{name}": float(v) for name, v in monitor.aggregate_metrics().items()}
                monitor.clear_metrics()
        return means

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_EVERY_SECONDS):
            with self._samples:
                self._collect()

    def _collect(self) -> None:
        for monitor in self._monitors:
            monitor.collect_metrics()

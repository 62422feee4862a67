"""An ONNX network that survives a fork of its process."""

from __future__ import annotations

import os
from typing import Any, ClassVar
from weakref import WeakSet


class NetworkSession:
    """onnxruntime's session, opened when it is needed.

    It holds threads, which a forked child lacks and would wait for, at its exit at the latest. So no session
    is open while the process forks; afterwards parent and child open one of their own.

    Args:
        model: an ONNX file's bytes: so that one that refers to other files of the machine is refused.
        threads: 0 for one per core.
    """

    _all: ClassVar[WeakSet[NetworkSession]] = WeakSet()

    def __init__(self, model: bytes, threads: int) -> None:
        self._model, self._threads = model, threads
        self._opened: Any = None
        self._all.add(self)

    def opened(self) -> Any:
        """Return the `onnxruntime.InferenceSession`."""
        # Another thread may fork, and close, in between.
        session = self._opened
        if session is None:
            session = self._opened = self._open()
        return session

    def _open(self) -> Any:
        # It would tell its maker of every start, in a thread that a forked child waits for at its exit.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime  # here, so that `import mono2stereo` stays quick

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = self._threads
        # Threads that wait would keep a core from what else a conversion does.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # No fallback: it would print, and try the same again.
        return onnxruntime.InferenceSession(
            self._model, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )

    @classmethod
    def close_all(cls) -> None:
        """Before a fork."""
        for session in list(cls._all):
            session._opened = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=NetworkSession.close_all)

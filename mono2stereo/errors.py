"""The project's errors: one line each, saying what was wrong, where, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Mono2StereoError(Exception):
    """Base of every error a user can cause; its text is one line fit for a terminal."""


class ConfigError(Mono2StereoError):
    """params.yaml holds an unknown key, a wrong type or an impossible value."""


class DataError(Mono2StereoError):
    """A recording, a manifest or a data tree is missing, broken or unfit."""


class AudioError(Mono2StereoError):
    """A signal has the wrong shape, rate or range."""


class ModelError(Mono2StereoError):
    """A model file is missing, damaged or of another format version."""


class TrainingError(Mono2StereoError):
    """Training diverged or cannot be resumed."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn the project's errors into one line on stderr and exit status 1, as stages and CLI do."""
    try:
        yield
    except Mono2StereoError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None

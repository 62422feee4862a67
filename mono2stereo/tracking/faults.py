"""What may go wrong between a process and the store: it is away, or it refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

BUSY_STATUSES = (408, 429)


class UnreachableError(Exception):
    """The store does not answer, or is busy: the same request may succeed later."""


class RefusedError(Exception):
    """The store will not take this, now or later."""


@contextmanager
def translated() -> Iterator[None]:
    """What MLflow raises, as `UnreachableError` or `RefusedError`."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except Exception as error:
        chain = _chain(error)
        if any(_passes(error) for error in chain):
            raise UnreachableError(_line(chain[-1])) from error
        if isinstance(error, MlflowException):
            raise RefusedError(_line(error)) from error
        raise


def _passes(error: BaseException) -> bool:
    """Whether trying again later may help."""
    from mlflow.exceptions import MlflowException
    from requests import HTTPError
    from sqlalchemy.exc import OperationalError

    if isinstance(error, HTTPError) and error.response is not None:
        status = error.response.status_code
    elif isinstance(error, MlflowException):
        status = error.get_http_status_code()
    else:
        return isinstance(error, (OSError, OperationalError, sqlite3.OperationalError))
    return status >= 500 or status in BUSY_STATUSES


def _chain(error: BaseException) -> Sequence[BaseException]:
    """The error and what caused it, the first cause last."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return chain


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

"""The store as a file: its address, and what to do when it has been moved with its repository."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

SCHEME = "sqlite:///"
# Where MLflow's tables name folders, always in full; the experiments' is where new runs go.
LOCATIONS = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def address(file: Path) -> str:
    """Of a database; what would end or change a path is quoted.

    >>> address(Path("/what?/50%25/mlflow.db"))
    'sqlite:////what%3F/50%2525/mlflow.db'
    """
    return SCHEME + str(file).replace("%", "%25").replace("?", "%3F")


def absolute(uri: str, root: Path) -> str:
    """An address that depends on no current folder: a relative file is one below `root`."""
    relative = uri.startswith(SCHEME) and not uri.startswith(f"{SCHEME}/")
    return address(root / uri.removeprefix(SCHEME)) if relative else uri


def file_of(uri: str) -> Path | None:
    """The database's file, if it has one."""
    from sqlalchemy.engine import make_url

    database = make_url(uri).database if uri.startswith(SCHEME) else None
    return Path(database) if database else None


def bring_along(database: Path, before: str, now: str) -> None:
    """Have the store of a repository that was moved or copied name the place where it is now.

    Args:
        database: the store.
        before: address of the folder of artifacts that it names.
        now: address of the one beside it. Where that is not there, only new runs go to it.
    """
    if before == now or not (before.startswith("file:") and before.endswith("/mlartifacts")):
        return
    tables = list(LOCATIONS) if Path(url2pathname(urlsplit(now).path)).is_dir() else ["experiments"]
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        for table in tables:
            column = LOCATIONS[table]
            connection.execute(
                f"UPDATE {table} SET {column} = :now || substr({column}, length(:before) + 1) "
                f"WHERE {column} = :before OR substr({column}, 1, length(:before) + 1) = :before || '/'",
                {"now": now, "before": before},
            )
    print(f"MLflow's store was made at {before}; from now on its files are at {now}", file=sys.stderr)

"""Every hash of the project: of bytes, files, settings and the code that a module runs."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
SHORT = 12  # hex digits


def sha256(contents: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(contents).hexdigest()


def file_sha256(path: Path) -> str:
    """64 hex digits of a file's contents, as sha256sum prints them."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_hash(*parts: bytes) -> str:
    """Twelve hex digits that change with any byte and with where a part ends."""
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts))[:SHORT]


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Twelve hex digits that change with any key or value.

    >>> settings_hash({"seed": 0, "profile": "ci"}) == settings_hash({"profile": "ci", "seed": 0})
    True
    """
    return short_hash(json.dumps(settings, sort_keys=True, default=str).encode())


def code_hash(files: Iterable[Path] = (), *, package: Path = PACKAGE) -> str:
    """Twelve hex digits of names and contents of Python files of a package, all where none are given."""
    files = sorted(files) or sorted(package.rglob("*.py"))
    names = (file.relative_to(package).as_posix().encode() for file in files)
    return short_hash(*chain.from_iterable(zip(names, (file.read_bytes() for file in files), strict=True)))


def fingerprint(
    settings: Mapping[str, Any], module: str, data: Sequence[Path] = (), *, package: Path = PACKAGE
) -> str:
    """What a result depends on, as the name of a folder.

    Args:
        settings: that decide it.
        module: makes it; with all files of the package that it imports, and no others.
        data: files that it is made of.
        package: the folder of the package.
    """
    code = code_hash(imported_files(module, package), package=package)
    return "-".join([settings_hash(settings), code, *(short_hash(path.read_bytes()) for path in data)])


def imported_files(module: str, package: Path = PACKAGE) -> list[Path]:
    """Files of the package that `module` imports, at any depth: itself too, and the packages around them."""
    files: dict[str, Path] = {}
    pending = [module]
    while pending:
        name = pending.pop()
        path = package.parent / name.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name in files or name.split(".")[0] != package.name or not path.is_file():
            continue
        files[name] = path
        pending += [name.rpartition(".")[0], *_imports(path)]
    return sorted(files.values())


def _imports(path: Path) -> Iterator[str]:
    """Names that a file imports, those of `from … import` both with and without what follows."""
    pending: list[ast.AST] = [ast.parse(path.read_bytes())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        pending += ast.iter_child_nodes(node)

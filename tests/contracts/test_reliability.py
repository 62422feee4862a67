"""docs/reliability.md names tests that make test or the nightly shards of make test-slow run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_tests_that_it_names_exist() -> None:
    table = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", table)
    assert len(named) > 15
    for file, name in named:
        (path,) = (ROOT / "tests").rglob(file)
        found = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef) and node.name == name
        ]
        assert len(found) == 1, f"{file}::{name}"
        marks = [ast.unparse(decorator) for decorator in found[0].decorator_list]
        assert not [mark for mark in marks if re.search(r"\bskip\b|xfail", mark)], f"{file}::{name}"

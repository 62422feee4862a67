"""A stage re-runs when code it imports changes, and only then."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import grimp
import pytest
import yaml

ROOT = Path(__file__).parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("mono2stereo", exclude_type_checking_imports=True, cache_dir=None)


def modules_of(script: Path) -> set[str]:
    """Modules of the package that `script` imports, at any depth, packages above them included."""
    direct = set()
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            direct |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            direct |= {alias.name for alias in node.names}
    found = {name for name in direct if name in graph().modules}
    pending = set(found)
    while pending:
        module = pending.pop()
        parents = {module.rsplit(".", 1)[0]} if "." in module else set()
        new = (graph().find_modules_directly_imported_by(module) | parents) & graph().modules - found
        found |= new
        pending |= new
    return found


def path_of(module: str) -> Path:
    base = Path(module.replace(".", "/"))
    return base / "__init__.py" if (ROOT / base).is_dir() else base.with_suffix(".py")


def covers(dependency: str, path: Path) -> bool:
    return Path(dependency) == path or Path(dependency) in path.parents


@pytest.mark.parametrize("stage", STAGES)
def test_dependencies_are_the_imports(stage):
    script = Path("stages") / f"{stage}.py"
    assert STAGES[stage]["cmd"] == f"python -m stages.{stage}"  # -m: the code beside it, also in a copy
    code = [d for d in STAGES[stage]["deps"] if d.startswith(("mono2stereo", "stages"))]
    needed = {path_of(module) for module in modules_of(ROOT / script)} | {script}
    needed.add(Path("stages/__init__.py"))
    missing = sorted(str(path) for path in needed if not any(covers(d, path) for d in code))
    assert not missing, f"dvc.yaml, stage {stage}: deps lack {missing}"
    idle = [d for d in code if not any(covers(d, path) for path in needed)]
    assert not idle, f"dvc.yaml, stage {stage}: deps name what it does not import: {idle}"


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_exist(stage):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for profile in params["profiles"]:
        for key in STAGES[stage]["params"]:
            value = params
            for part in key.replace("${profile}", profile).split("."):
                assert part in value, f"stage {stage}: {key}"
                value = value[part]

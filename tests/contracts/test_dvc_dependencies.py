"""A stage re-runs when code it imports changes, and only then."""

from __future__ import annotations

import ast
import itertools
from functools import cache
from pathlib import Path

import grimp
import pytest
import yaml

from mono2stereo.hashes import imported_files

ROOT = Path(__file__).parents[2]
WEIGHTS = "mono2stereo/weights/default.onnx"  # data: who puts the package's model beside the run's names it
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = PIPELINE["stages"]


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("mono2stereo", exclude_type_checking_imports=True, cache_dir=None)


def imported_by(direct: set[str]) -> set[Path]:
    """Files of the modules of the package among these, of what they import, and of packages above them."""
    found = {name for name in direct if name in graph().modules}
    pending = set(found)
    while pending:
        module = pending.pop()
        parents = {module.rsplit(".", 1)[0]} if "." in module else set()
        new = (graph().find_modules_directly_imported_by(module) | parents) & graph().modules - found
        found |= new
        pending |= new
    return {path_of(module) for module in found}


@cache
def needed(stage: str) -> set[Path]:
    direct = set()
    for node in ast.walk(ast.parse((ROOT / "stages" / f"{stage}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            direct |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            direct |= {alias.name for alias in node.names}
    return imported_by(direct)


def path_of(module: str) -> Path:
    base = Path(module.replace(".", "/"))
    return base / "__init__.py" if (ROOT / base).is_dir() else base.with_suffix(".py")


def shortest(code: set[Path]) -> list[str]:
    """These files and what lies beside them, such as a page's scripts; a folder where all in it is needed."""
    package = Path("mono2stereo")
    files = [p.relative_to(ROOT) for p in (ROOT / package).rglob("*") if p.is_file() and p.suffix != ".pyc"]

    def wanted(path: Path) -> bool:
        init = next(init for p in path.parents if (ROOT / (init := p / "__init__.py")).is_file())
        return path in code or (path.suffix != ".py" and init in code - {package / "__init__.py"})

    found = set()
    for path in filter(wanted, files):
        while all(wanted(other) for other in files if path.parent in other.parents):
            path = path.parent
        found.add(path.as_posix())
    return sorted(found)


@pytest.mark.parametrize("stage", STAGES)
def test_dependencies_are_the_imports(stage):
    assert STAGES[stage]["cmd"] == f"python -m stages.{stage}"  # -m: the code beside it, also in a copy
    deps = STAGES[stage]["deps"]
    assert {"stages/__init__.py", f"stages/{stage}.py"} <= set(deps)
    right = shortest(needed(stage))
    assert [each for each in deps if each.startswith("mono2stereo") and each != WEIGHTS] == right, (
        f"dvc.yaml, stage {stage}, wants:\n" + "\n".join(f"      - {line}" for line in right)
    )


@pytest.mark.parametrize(
    ("edited", "stages"),
    [
        ("mono2stereo/rendering/listening/assets/blind.js", {"render"}),
        ("mono2stereo/rendering/listening/page.py", {"render"}),
        ("mono2stereo/paired_statistics.py", {"evaluate"}),
        ("mono2stereo/measures/side_analysis.py", {"render", "evaluate"}),
        ("mono2stereo/dsp/onsets.py", {"render", "evaluate"}),
        ("mono2stereo/decorrelators/haas.py", {"render", "evaluate"}),
        ("mono2stereo/losses/mel_loss.py", {"train"}),
        ("mono2stereo/data/preprocess_report.py", {"preprocess"}),
        (WEIGHTS, {"render", "evaluate"}),
    ],
)
def test_an_edit_runs_again_what_it_changes(edited, stages):
    path = ROOT / edited
    assert path.is_file()
    assert {s for s in STAGES if any(path.is_relative_to(ROOT / dep) for dep in STAGES[s]["deps"])} == stages


@pytest.mark.parametrize("module", ["mono2stereo.training.assemble", "mono2stereo.data.preprocessing"])
def test_what_a_fingerprint_covers_are_the_imports(module):
    assert {path.relative_to(ROOT) for path in imported_files(module)} == imported_by({module})


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_exist(stage):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for profile, recipe in itertools.product(params["profiles"], params["recipes"]):
        for key in STAGES[stage]["params"]:
            value = params
            for part in key.replace("${profile}", profile).replace("${recipe}", recipe).split("."):
                assert part in value, f"stage {stage}: {key}"
                value = value[part]


def test_the_plots_of_losses_show_every_term():
    losses = [
        plot for each in PIPELINE["plots"] for title, plot in each.items() if title.startswith("Losses")
    ]
    drawn = [columns for plot in losses for columns in plot["y"].values()]
    terms = list(yaml.safe_load((ROOT / "params.yaml").read_text())["loss"])
    assert drawn == [terms] * 2, f"dvc.yaml, plots: {', '.join(terms)}"

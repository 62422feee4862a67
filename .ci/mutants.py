"""Mutants of modules in a copy of the checkout, build/mutants, and how many of each the tests noticed.

python .ci/mutants.py [MODULE ...] [--tests PATH ...] [--sample N]

Without MODULE all that pyproject.toml names. `mutmut browse` and `mutmut show NAME` work in the copy.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).parents[1]
COPY = ROOT / "build/mutants"
NOTICED = {"killed", "timeout", "segfault", "suspicious", "caught by type check"}


def copy_checkout(modules: list[str], tests: list[str]) -> None:
    """Bring COPY up to date; what mutmut knows of unchanged files stays."""
    list_files = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(list_files, cwd=ROOT, check=True, capture_output=True, text=True)
    names = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    for path in [path for path in COPY.rglob("*") if path.is_file()]:
        name = path.relative_to(COPY).as_posix()
        if name not in names and not name.startswith("mutants/"):
            path.unlink()
    for name in names - {"pyproject.toml"}:
        source, target = ROOT / name, COPY / name
        if not (target.exists() and target.stat().st_mtime == source.stat().st_mtime):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    chosen = {"only_mutate": modules, "pytest_add_cli_args_test_selection": tests}
    for key, values in chosen.items():
        if values:
            line = f"{key} = {json.dumps(values)}"
            settings = re.sub(rf"^{key} = \[.*?\]$", line, settings, flags=re.DOTALL | re.MULTILINE)
    here = COPY / "pyproject.toml"
    if (
        not here.exists() or here.read_text(encoding="utf-8") != settings
    ):  # mutmut would not mutate what it copied for other settings
        shutil.rmtree(COPY / "mutants", ignore_errors=True)
        here.write_text(settings, encoding="utf-8")


def run(*names: str, quiet: bool = False) -> None:
    """Make mutants, and test those named; all that are not tested yet without names."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ci/under_mutmut")}
    output = subprocess.DEVNULL if quiet else None
    subprocess.run(["mutmut", "run", *names], cwd=COPY, env=environment, stdout=output, stderr=output)


def results() -> dict[Path, dict[str, str]]:
    """Status of every mutant, by module."""
    found = {}
    for meta in sorted((COPY / "mutants").rglob("*.py.meta")):
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        if codes:
            module = meta.relative_to(COPY / "mutants").with_suffix("")
            found[module] = {name: status_by_exit_code[code] for name, code in codes.items()}
    return found


def main() -> None:
    """Run, and print the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="mono2stereo/….py, or patterns of such")
    parser.add_argument("--tests", nargs="*", help="by default those of the modules' folders")
    parser.add_argument("--sample", type=int, help="how many mutants of each module, drawn with a fixed seed")
    options = parser.parse_args()
    folders = {f"tests/{Path(module).parts[1].removesuffix('.py')}" for module in options.modules}
    copy_checkout(options.modules, options.tests or sorted(folders))
    if options.sample:
        run("none", quiet=True)  # makes mutants, finds what tests reach them, then fails: none is so named
        run(
            *itertools.chain.from_iterable(
                random.Random(0).sample(sorted(names), min(options.sample, len(names)))
                for names in results().values()
            )
        )
    else:
        run()
    survivors = []
    for path, statuses in results().items():
        counts = Counter(statuses.values())
        tested = sum(counts.values()) - counts["not checked"] - counts["skipped"]
        if tested:
            noticed = sum(counts[status] for status in NOTICED)
            share = f"{noticed} of {tested} noticed, {noticed / tested:.0%}"
            print(f"{path}: {share}; {counts['timeout']} by time; {len(statuses)} in all")
        survivors += [name for name, status in statuses.items() if status in ("survived", "no tests")]
    print("\n".join(["not noticed:", *survivors]))


if __name__ == "__main__":
    main()

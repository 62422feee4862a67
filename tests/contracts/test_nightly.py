"""What always runs: every slow test, every target of the Makefile, every benchmark."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = (ROOT / ".ci/targets").read_text(encoding="utf-8")
(JOB,) = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text(encoding="utf-8"))["jobs"].values()
COMMANDS = [each["run"] for each in JOB["strategy"]["matrix"]["include"]]


def test_all_shards_of_the_slow_tests_run_within_90_minutes_each() -> None:
    shards = [re.search(r"unskipped make test-slow SHARD=(\d+)/(\d+)$", command) for command in COMMANDS]
    numbers = [tuple(map(int, shard.groups())) for shard in shards if shard]
    assert numbers == [(number, len(numbers)) for number in range(1, len(numbers) + 1)] != []
    assert JOB["timeout-minutes"] <= 90


def test_every_make_target_runs() -> None:
    every = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
    assert len(every) > 10
    here = "\n".join([*COMMANDS, TARGETS, *(step.get("run", "") for step in JOB["steps"])])
    run = set(re.findall(r"\bmake ([a-z-]+)", here))
    in_ci = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / ".ci/run").read_text(encoding="utf-8")))
    assert every <= run | in_ci


def test_every_benchmark_runs() -> None:
    with_main = {
        path.stem for path in (ROOT / "benchmarks").glob("*.py") if "\ndef main(" in path.read_text("utf-8")
    }
    (listed,) = re.findall(r"for question in ((?:.|\n)*?); do", MAKEFILE)
    run = {*listed.replace("\\\n", " ").split(), *re.findall(r"-m benchmarks\.(\w+)", TARGETS)}
    assert with_main == run

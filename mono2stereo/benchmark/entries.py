"""What is compared: programs, models, classical methods and other packages' own, each with its settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from mono2stereo.benchmark.program import Program
from mono2stereo.decorrelators.base import SideMaker
from mono2stereo.decorrelators.classical import CLASSICAL, SWEEPS
from mono2stereo.decorrelators.neural import DEFAULT_MODEL, DEFAULT_WEIGHTS
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import ModelError, UsageError
from mono2stereo.evaluation.kept_results import code_version
from mono2stereo.evaluation.points import OWN_SIDE, Point, swept_points
from mono2stereo.hashes import file_sha256, short_hash

GROUP = "mono2stereo.decorrelators"  # of entry points
ALL = "all"
Kind = Literal["recordings", "model", "classical", "registered", "tool"]


@dataclass(frozen=True)
class Entry:
    """One setting of one method.

    Attributes:
        point: as evaluate has it.
        kind: where it comes from.
        version: what it says of itself; of a model, the hash of its file.
        command: of a tool.
        digests: SHA-256 by name of the files that a tool's command names.
    """

    point: Point
    kind: Kind
    version: str = ""
    command: str = ""
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Changes with whatever decides its sound and its numbers, as far as can be told from outside."""
        source = self.point.source
        settings: dict[str, Any] = {}
        if is_dataclass(source) and not isinstance(source, (type, Program)):
            settings = asdict(source)
        told: list[Any] = [self.kind, self.point.method, self.point.setting, self.point.missing, self.version]
        told += [self.command, self.digests, settings, code_version("mono2stereo.benchmark.taking")]
        return short_hash(json.dumps(told, default=str).encode())


@dataclass(frozen=True)
class Registered:
    """A method of another package, found by its name so that every process can load it."""

    entry_point: str
    number: int

    @property
    def name(self) -> str:
        return self._made.name

    @property
    def changes_mid(self) -> bool:
        return self._made.changes_mid

    def side(self, mid: Signal, sample_rate: int) -> Signal:
        return self._made.side(mid, sample_rate)

    def fold_down(self, mid: Signal, sample_rate: int) -> Signal:
        return self._made.fold_down(mid, sample_rate)

    @property
    def _made(self) -> SideMaker:
        return _settings_of(self.entry_point)[self.number]


def entries(
    tools: Sequence[str], methods: Sequence[str], models: Sequence[Path], *, limit_seconds: float
) -> list[Entry]:
    """All that was asked for, the recordings' own side first, in the order of the tables.

    Args:
        tools: `name=command` or `name:setting=command`; the first of a name stands for it in the tables.
        methods: names of classical or registered methods, or `all`.
        models: exported ones; none: the package's.
        limit_seconds: for one run of a tool.

    Raises:
        UsageError: a name is unknown, is there twice, or a command lacks its files.
        ModelError: no such model file.
    """
    every = [
        Entry(Point(OWN_SIDE, OWN_SIDE, None, in_full=True), "recordings"),
        *_models(models),
        *_methods(methods),
        *_tools(tools, limit_seconds),
    ]
    seen: dict[tuple[str, str], Entry] = {}
    kinds: dict[str, Kind] = {}
    for entry in every:
        key = entry.point.method, entry.point.setting
        if seen.setdefault(key, entry) is not entry:
            raise UsageError(f"{key[0]}: {key[1]} is there twice; name one of them otherwise")
        if kinds.setdefault(entry.point.method, entry.kind) != entry.kind:
            raise UsageError(f"{entry.point.method}: two methods have this name; name the tool otherwise")
    return every


def _models(files: Sequence[Path]) -> Iterator[Entry]:
    for file in files or [DEFAULT_WEIGHTS]:
        if not file.is_file():
            raise ModelError(f"{file}: no such model file; give one that training exported (*.onnx)")
        name = DEFAULT_MODEL if file == DEFAULT_WEIGHTS else file.stem
        yield Entry(Point(name, name, file, in_full=True), "model", version=file_sha256(file))


def _methods(names: Sequence[str]) -> Iterator[Entry]:
    registered = {point.name: point for point in entry_points(group=GROUP)}
    wanted = dict.fromkeys(
        asked for name in names for asked in ((*CLASSICAL, *registered) if name == ALL else (name,))
    )
    for name in wanted:
        if name in CLASSICAL:
            for point in swept_points(name, CLASSICAL[name], SWEEPS.get(name, ())):
                yield Entry(point, "classical")
        elif name in registered:
            yield from _registered(registered[name])
        else:
            known = ", ".join([ALL, *CLASSICAL, *registered])
            raise UsageError(f"--method {name}: none of {known}")


def _registered(registered: EntryPoint) -> Iterator[Entry]:
    version = f"{registered.dist.name} {registered.dist.version}" if registered.dist else registered.value
    try:
        settings = _settings_of(registered.name)
        names = [setting.name for setting in settings]
    except Exception as error:  # of a stranger's code anything may be wrong
        missing = f"cannot be loaded: {type(error).__name__}: {error}"
        yield Entry(Point(registered.name, registered.name, None, True, missing), "registered", version)
        return
    for number, name in enumerate(names):
        point = Point(registered.name, name, Registered(registered.name, number), in_full=number == 0)
        yield Entry(point, "registered", version)


@lru_cache
def _settings_of(name: str) -> Sequence[SideMaker]:
    """What an entry point's object gives when called: one setting, or several, the first for all."""
    (registered,) = entry_points(group=GROUP, name=name)
    settings = registered.load()()
    return tuple(settings) if isinstance(settings, (list, tuple)) else (settings,)


def _tools(given: Sequence[str], limit_seconds: float) -> Iterator[Entry]:
    versions: dict[str, str] = {}
    known: set[str] = set()
    for tool in given:
        name, equals, command = tool.partition("=")
        method, _, setting = name.strip().partition(":")
        if not (equals and method and command.strip()):
            raise UsageError(f"--tool {tool!r}: give name=command or name:setting=command")
        program = Program(f"{method}-{setting}" if setting else method, command.strip(), limit_seconds)
        missing = program.missing
        if not missing and (first := program.words()[0]) not in versions:
            versions[first] = program.version()
        point = Point(method, program.name, None if missing else program, method not in known, missing)
        version = "" if missing else versions[program.words()[0]]
        yield Entry(point, "tool", version, program.command, program.digests())
        known.add(method)

"""Every method on every recording's stretches: measured once, kept, and taken from there the next time."""

from __future__ import annotations

import json
import math
import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mono2stereo.benchmark.entries import Entry
from mono2stereo.benchmark.material import Material, named_stretches
from mono2stereo.benchmark.program import Program, run_measured
from mono2stereo.benchmark.protocol import MEASURED_AT, RATE
from mono2stereo.data.excerpts import Excerpt
from mono2stereo.dsp.resampling import resample
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError, printable
from mono2stereo.evaluation.measuring import Stereo, analyse, stereo_of_stretch
from mono2stereo.evaluation.points import Point, reason_of
from mono2stereo.files import atomic_path
from mono2stereo.hashes import short_hash
from mono2stereo.measures import MEASURES, SWEPT, Readings, no_readings, take_measures
from mono2stereo.measures.side_analysis import SideAnalysis
from mono2stereo.measures.signal_analysis import SignalAnalysis
from mono2stereo.parallel import WorkerDiedError, as_done, usable_cores
from mono2stereo.progress import progress
from mono2stereo.versions import BENCHMARK_PROTOCOL, MEASURES_VERSION

MOST_SECONDS_OF_A_PROBE = 600.0


@dataclass(frozen=True)
class Taken:
    """What one setting gave on one recording.

    Attributes:
        readings: a row per stretch.
        seconds: how long the process that makes the stereo worked for a second of sound, median over
            stretches; NaN where it was never done.
        peak_bytes: the largest memory of that process; 0 where it is not known.
        failed: whether something went wrong that may not the next time: not kept.
    """

    readings: tuple[Readings, ...]
    seconds: float = math.nan
    peak_bytes: int = 0
    failed: bool = False


@dataclass(frozen=True)
class Job:
    """Settings of one method that are to be measured on one recording."""

    material: Material
    entries: tuple[Entry, ...]


def take_all(
    material: Sequence[Material], entries: Sequence[Entry], cache: Path
) -> Iterator[tuple[Material, Entry, Taken]]:
    """Measure whatever `cache` does not hold, a process per core, and yield all of it in one order.

    What a method does wrong is a reason in its readings; a process that dies costs its method alone.
    """
    sounding = [recording for recording in material if not recording.left_out]
    kept = {
        (recording.sha256, entry.identity): _kept(_file(cache, recording, entry))
        for recording in sounding
        for entry in entries
    }
    jobs = list(_jobs(sounding, entries, kept))
    workers = max(1, min(usable_cores(), len(jobs)))
    with closing(as_done(partial(_work, cache=cache), jobs, workers)) as answers:
        for number, taken, error in progress(answers if jobs else (), total=len(jobs), label="benchmark"):
            job = jobs[number]
            if isinstance(error, WorkerDiedError):
                taken = [_nothing(job.material, entry, "its process died") for entry in job.entries]
            elif error:
                raise error
            kept |= {(job.material.sha256, e.identity): t for e, t in zip(job.entries, taken, strict=True)}
    for recording in sounding:
        for entry in entries:
            measured = kept[recording.sha256, entry.identity]
            assert measured is not None
            yield recording, entry, measured


def _jobs(
    sounding: Sequence[Material], entries: Sequence[Entry], kept: dict[tuple[str, str], Taken | None]
) -> Iterator[Job]:
    seen = set()
    for recording in sounding:
        by_method: dict[str, list[Entry]] = {}
        for entry in entries:
            if (
                kept[recording.sha256, entry.identity] is None
                and (recording.sha256, entry.identity) not in seen
            ):
                seen.add((recording.sha256, entry.identity))  # of a recording that is there twice, once
                by_method.setdefault(entry.point.method, []).append(entry)
        yield from (Job(recording, tuple(each)) for each in by_method.values())


def _work(job: Job, *, cache: Path) -> list[Taken]:
    taken = []
    for entry in job.entries:
        result = _take(job.material, entry)
        if not result.failed:
            _keep(_file(cache, job.material, entry), result)
        taken.append(result)
    return taken


def _take(material: Material, entry: Entry) -> Taken:
    point, names = entry.point, tuple(MEASURES) if entry.point.in_full else SWEPT
    if point.missing:
        return _nothing(material, entry, point.missing)
    readings, seconds, peak, failed = [], [], 0, False
    for stretch, mid, own in _analysed(material):
        try:
            stereo, spent, used = _timed(point, stretch)
            readings.append(take_measures(analyse_made(stereo, mid, own), names))
        except Exception as error:  # of a stranger's method anything may be wrong
            readings.append(no_readings(first_line(error), names))
            failed = True
            continue
        seconds.append(spent / (len(stretch.run_in) + len(stretch.mid)) * RATE)
        peak = max(peak, used)
    if not failed and point.in_full and entry.kind in ("model", "classical", "registered"):
        peak = _memory(point, stretch)
    return Taken(tuple(readings), float(np.median(seconds)) if seconds else math.nan, peak, failed)


def _timed(point: Point, stretch: Excerpt) -> tuple[Stereo, float, int]:
    if isinstance(point.source, Program):
        run_in = len(stretch.run_in)
        whole = np.concatenate([stretch.run_in, stretch.mid])
        (mid, side), usage = point.source.run(whole, stretch.sample_rate)
        return Stereo(side[run_in:], mid[run_in:]), usage.seconds, usage.peak_bytes
    started = time.perf_counter()
    return stereo_of_stretch(point, stretch), time.perf_counter() - started, 0


def _memory(point: Point, stretch: Excerpt) -> int:
    """Peak of a fresh process that makes this one stretch: Python, libraries and all."""
    with TemporaryDirectory() as folder:
        job = Path(folder) / "job.pickle"
        job.write_bytes(pickle.dumps((point, stretch)))
        command = [sys.executable, "-m", "mono2stereo.benchmark.one_run", str(job)]
        status, usage, _ = run_measured(command, Path(folder) / "log", MOST_SECONDS_OF_A_PROBE)
    return 0 if status else usage.peak_bytes


def analyse_made(stereo: Stereo, mid: SignalAnalysis, own: SignalAnalysis) -> SideAnalysis:
    """What a method made at the protocol's rate, beside mid and own side at that of the measures."""
    if stereo.side.ndim != 1:
        raise AudioError(f"the side has shape {stereo.side.shape}: (samples,) is needed")
    side, own_mid = (None if x is None else resample(x, RATE, MEASURED_AT) for x in (stereo.side, stereo.mid))
    assert side is not None
    return analyse(Stereo(side, own_mid), mid=mid, own=own)


def at_measured_rate(x: Signal) -> SignalAnalysis:
    """Of a signal at the protocol's rate."""
    return SignalAnalysis(resample(x, RATE, MEASURED_AT), MEASURED_AT)


@lru_cache(maxsize=1)
def _analysed(material: Material) -> list[tuple[Excerpt, SignalAnalysis, SignalAnalysis]]:
    """Stretches, their mids and own sides at the rate of the measures."""
    return [
        (stretch, at_measured_rate(stretch.mid), at_measured_rate(stretch.side))
        for stretch in named_stretches(material)
    ]


def _nothing(material: Material, entry: Entry, reason: str) -> Taken:
    names = tuple(MEASURES) if entry.point.in_full else SWEPT
    return Taken((no_readings(reason, names),) * len(material.starts_seconds), failed=True)


def first_line(error: Exception) -> str:
    """What went wrong with a method, for a table."""
    known = isinstance(error, (AudioError, ImportError))
    text = reason_of(error) if known else f"{type(error).__name__}: {error}"
    return printable((text.splitlines() or [""])[0])


def _file(cache: Path, material: Material, entry: Entry) -> Path:
    parts = [material.sha256, entry.identity, BENCHMARK_PROTOCOL, MEASURES_VERSION, material.starts_seconds]
    return cache / f"taken-{short_hash(*(str(part).encode() for part in parts))}.json"


def _keep(file: Path, taken: Taken) -> None:
    rows = [{"values": row.values, "reasons": row.reasons} for row in taken.readings]
    told = {"seconds": taken.seconds, "peak_bytes": taken.peak_bytes, "readings": rows}
    with atomic_path(file) as partial_path:
        partial_path.write_text(json.dumps(told), encoding="utf-8")


def _kept(file: Path) -> Taken | None:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        readings = tuple(Readings(row["values"], row["reasons"]) for row in told.pop("readings"))
        return replace(Taken(readings), **told)
    except (OSError, ValueError, KeyError, TypeError):  # none, or a damaged one
        return None

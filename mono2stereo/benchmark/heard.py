"""The listening page of a benchmark: every method that was measured, at the setting that stands for it."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from mono2stereo import listening_test
from mono2stereo.benchmark.entries import Entry
from mono2stereo.benchmark.material import Material, named_stretches
from mono2stereo.benchmark.outcome import Outcome
from mono2stereo.benchmark.taking import analyse_made, at_measured_rate, first_line
from mono2stereo.data.excerpts import Excerpt, fit_for_a_file
from mono2stereo.evaluation.measuring import stereo_of_stretch
from mono2stereo.files import atomic_path
from mono2stereo.measures import Readings, take_measures
from mono2stereo.parallel import WorkerDiedError, as_done, usable_cores
from mono2stereo.progress import progress
from mono2stereo.rendering.listening.page import write_excerpt, write_page
from mono2stereo.rendering.listening.stimuli import MONO, ORIGINAL, SHOWN, Group, LeftOut, Stimulus

LOUDNESS_LUFS = -23.0  # EBU R 128
INSTRUCTIONS = Path(listening_test.__file__).with_name("instructions.txt")
GROUPS: dict[str, Group] = {"recordings": "recording", "model": "default", "classical": "classical"}


def write_listening_page(outcome: Outcome, folder: Path, *, count: int) -> None:
    """Write `<folder>/index.html`, which opens from disk, with the first stretch of `count` recordings.

    Raises:
        AudioError: an excerpt is too quiet to measure.
    """
    measured = outcome.measured
    chosen = [measured[number * len(measured) // count] for number in range(min(count, len(measured)))]
    entries = [entry for entry in outcome.entries if entry.point.in_full]
    jobs = [
        (_excerpt(number, material), entry) for number, material in enumerate(chosen, 1) for entry in entries
    ]
    heard: dict[int, Stimulus | LeftOut] = {}
    asked = {number: job for number, job in enumerate(jobs) if not _unmeasured(outcome, *job)}
    workers = max(1, min(usable_cores(), len(asked)))
    with closing(as_done(_stimulus, list(asked.values()), workers)) as answers:
        numbers = list(asked)
        for place, stimulus, error in progress(answers, total=len(asked), label="listening page"):
            if error and not isinstance(error, WorkerDiedError):
                raise error
            heard[numbers[place]] = stimulus or LeftOut(_key(asked[numbers[place]][1]), "its process died")
    with atomic_path(folder) as page:
        described, stimuli = [], []
        for first in range(0, len(jobs), len(entries)):
            excerpt = jobs[first][0]
            stimuli = [
                Stimulus(MONO, "input", excerpt.mid, np.zeros_like(excerpt.mid), Readings()),
                *(
                    heard.get(number) or LeftOut(_key(jobs[number][1]), _unmeasured(outcome, *jobs[number]))
                    for number in range(first, first + len(entries))
                ),
            ]
            described.append(write_excerpt(excerpt, stimuli, page, loudness_lufs=LOUDNESS_LUFS))
        write_page(page, described, stimuli, loudness_lufs=LOUDNESS_LUFS)
        shutil.copy(INSTRUCTIONS, page)


def _excerpt(number: int, material: Material) -> Excerpt:
    stretch = named_stretches(material)[0]
    return replace(stretch, name=f"{number:02d}_{fit_for_a_file(material.name)}")


def _unmeasured(outcome: Outcome, excerpt: Excerpt, entry: Entry) -> str:
    """Why a method gave nothing on a recording; empty where it gave something."""
    rows = outcome.recordings
    row = rows[(rows["recording"] == excerpt.track) & (rows["setting"] == entry.point.setting)]
    reason = str(row.loc[row["method"] == entry.point.method, "reason"].iloc[0])
    return reason.removeprefix("nothing: ") if reason.startswith("nothing: ") else ""


def _key(entry: Entry) -> str:
    return ORIGINAL if entry.kind == "recordings" else entry.point.method


def _stimulus(job: tuple[Excerpt, Entry]) -> Stimulus | LeftOut:
    excerpt, entry = job
    try:
        stereo = stereo_of_stretch(entry.point, excerpt)
        mid, own = (at_measured_rate(x) for x in (excerpt.mid, excerpt.side))
        readings = take_measures(analyse_made(stereo, mid, own), SHOWN)
    except Exception as error:  # of a stranger's method anything may be wrong
        return LeftOut(_key(entry), first_line(error))
    own_mid = excerpt.mid if stereo.mid is None else stereo.mid
    return Stimulus(_key(entry), GROUPS.get(entry.kind, "tool"), own_mid, stereo.side, readings)

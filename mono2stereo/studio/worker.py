"""A process that decodes, makes a side, or measures: `python -m mono2stereo.studio.worker`.

Takes jobs from stdin, each a line of JSON, and tells on stdout how they go, a line of JSON per event. A file
that crashes a decoder ends this process, not the studio; so does the end of stdin, which is the studio's.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from mono2stereo.conversion.method import model_file
from mono2stereo.conversion.mid_and_side import in_step
from mono2stereo.conversion.reading import Recording
from mono2stereo.conversion.widening import Widened, Width
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.decorrelators.classical import CLASSICAL
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.errors import in_one_line
from mono2stereo.studio import voices
from mono2stereo.studio.passage import measure_passage

AS_MADE = Width(curve="flat", highband=False)
Tell = Callable[..., None]


def main() -> None:
    """Do job after job."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)  # decoders chat
    jobs: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()

    def tell(event: str, **facts: Any) -> None:
        print(json.dumps({"event": event, **facts}), file=events, flush=True)

    while True:
        job = json.loads(jobs.get())
        name = str(job.get("name", ""))
        try:
            JOBS[job.pop("job")](tell, **job)
        except Exception as error:
            tell("failed", text=in_one_line(error, name) or f"{name}: {type(error).__name__}")


def _read(jobs: SimpleQueue[str]) -> None:
    for line in sys.stdin:
        jobs.put(line)
    os._exit(1)


def decode(tell: Tell, *, source: str, name: str, file: str, channel: str, track: int | None) -> None:
    """Write a recording's mid, the one that conversion would take."""
    target = Path(file)
    with Recording(Path(source), name, channel=channel, track=track) as recording:  # type: ignore[arg-type]
        tell(
            "opened",
            sample_rate=recording.sample_rate,
            channels=recording.channels,
            kind=recording.kind,
            frames=recording.likely_frames,
        )
        # Which channel is taken shows at the end; nearly always it is the mean.
        _write_mid(tell, recording, target)
        if recording.channels == 2 and not channel:
            recording.fold_down.choose()
            if recording.fold_down.taken:
                tell("again")
                _write_mid(tell, recording, target)
        voices.finished_mark(target).touch()
        stereo = [recording.fold_down.notice] if recording.channels == 2 else []
        tell("finished", frames=recording.frames_read, notices=[*stereo, *recording.notices])


def _write_mid(tell: Tell, recording: Recording, target: Path) -> None:
    frames = 0
    with voices.Writer(target, recording.sample_rate) as writer:
        for block in recording.mids():
            writer.write(block)
            frames += len(block)
            tell("progress", frames=frames)
        writer.finish()


def side(
    tell: Tell, *, mid: str, sample_rate: int, file: str, model: str | None, method: str | None, name: str
) -> None:
    """Write the side that a method makes of a mid, before any width; and its own mid where it makes one."""
    with model_file(model) as file_of_model:
        bare: Decorrelator = CLASSICAL[method]() if method else NeuralDecorrelator.load(file_of_model)
        card, changes_mid = bare.card, bare.changes_mid
        decorrelator = bare if changes_mid else Widened(bare, AS_MADE)
        tell("opened", card=card.dumps() if card else None, changes_mid=changes_mid)
        own_mid = voices.own_mid(Path(file))
        frames = 0
        sides_made = in_step(voices.Growing(Path(mid), sample_rate), decorrelator, np.dtype("float32"))  # type: ignore[arg-type]
        with (
            closing(sides_made),
            voices.Writer(Path(file), sample_rate) as sides,
            voices.Writer(own_mid, sample_rate) as mids,
        ):
            for _, block_mid, block_side in sides_made:
                sides.write(block_side)
                if changes_mid:
                    mids.write(block_mid)
                frames += len(block_side)
                tell("progress", frames=frames)
            sides.finish()
        tell("finished", frames=frames)


def measure(tell: Tell, **facts: Any) -> None:
    """Measure a passage of a version."""
    tell("measured", **measure_passage(**facts))


JOBS: dict[str, Callable[..., None]] = {"decode": decode, "side": side, "measure": measure}

if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    main()

"""Train the GAN: preprocessed pairs → a deployable model at every checkpoint, curves, a tracking run.

Several processes train together (`train.strategy: auto` or `multi_worker`) where TF_CONFIG names them or
srun starts several tasks. The first is the chief: `dvc repro`, or this stage alone, in the repository. The
others run `python -m stages.train` in a folder with the same params.yaml and data/pairs: the same one on
shared storage, or a copy. They wait for the chief as long as its earlier stages take; they compute, and write
nothing: no outs, no states, no run. What the chief saved in .resume/ it hands to them when training goes on.

Exit status: 0 when the chief has finished the stage; 130 or 143 after SIGINT or SIGTERM to any of them, the
state saved after the step that all were in; 1, after one line, for all else, another process's death among
it, within a minute. After any but 0 start all again.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from mono2stereo import provenance, tracking
from mono2stereo.config import Config
from mono2stereo.errors import one_line_errors
from mono2stereo.files import atomic_path
from mono2stereo.progress import duration
from mono2stereo.training.tensorflow_start import start_tensorflow

CHECKPOINTS, REPORTS = Path("models/checkpoints"), Path("reports/train")


def main() -> None:
    """Read params.yaml, train, write models/ and reports/train/."""
    config = Config.load()
    start_tensorflow()  # once the settings are known to be good
    from mono2stereo.training.assemble import Training
    from mono2stereo.training.hardware import share_cores
    from mono2stereo.training.needs import say

    share_cores()
    root = tracking.project_root()
    training = Training(
        config,
        pairs=Path("data/pairs"),
        checkpoints=CHECKPOINTS,
        reports=REPORTS,
        states=root / ".resume",
    )
    if not training.team.chief:
        return training.follow()
    say(training.disk_needed(), root)
    with tracking.start_run(
        "train",
        params=config.flat(),
        tags={"device": training.device},
        run_file=Path("models/run.json"),
        root=root,
        resume_key=training.state.key,
    ) as run:
        if changed := config.changed_from(provenance.committed("params.yaml")):
            run.describe("Changed", tracking.as_table(["setting", "as committed", "here"], changed))
        began = time.monotonic()
        with run.watching_the_machine() as sink:
            figures = training.run(sink=sink, facts={"run_id": run.run_id})
        with atomic_path(REPORTS / "metrics.json") as partial_path:
            partial_path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        took = duration(time.monotonic() - began)
        run.describe(
            "Training", f"{config.train.steps} steps on {training.device}; the last process took {took}"
        )
        run.log_model(max(CHECKPOINTS.glob("*.onnx")), config.sample_rate, config.train.steps)
    training.end()


if __name__ == "__main__":
    with one_line_errors():
        main()

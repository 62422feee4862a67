"""Make the newest checkpoint the package's default model; reports/model/ says how it came to be.

docs/listen/index.html lets everybody hear it, on test recordings that may be passed on (docs/recordings.md).

No stage of the pipeline: run it once the evaluation is what you want to stand by. A second call, after an
evaluation of another split, adds that split's report.
"""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import yaml

from mono2stereo import tracking
from mono2stereo.config import Config
from mono2stereo.data.pairs import load_pairs
from mono2stereo.decorrelators.classical import CLASSICAL
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.errors import ModelError, one_line_errors
from mono2stereo.evaluation.usual_recordings import measure_pairs
from mono2stereo.files import atomic_path
from mono2stereo.measures.usual import USUAL, as_json
from mono2stereo.probes import judge_probes, markdown
from mono2stereo.rendering.listening.public_page import free_credits, plain_name, write_public_page

PAGE, CREDITS = Path("docs/listen"), Path("docs/recordings.md")
HEARD_BESIDE = "optimized_velvet"  # the classical method on the page: the smoothest of them
CHECKPOINTS = Path("models/checkpoints")
DEFAULT = Path("mono2stereo/weights/default.onnx")
REPORT = Path("reports/model")
PROBES = """# Probes

What the model makes of signals that can be judged without a recording, at 44 100 Hz;
`mono2stereo/probes.py` says how each is measured. *Outside its critical band*: what a steady tone
or a sweep gained that a linear filter could not have added. *Between its harmonics*: the same of a saw,
farther than 21 Hz from each of them. *Held notes*: how far the side of a note that stands still lies above
or below the note. *Above the masked threshold*: the most audible of it while the mid, at 80 dB SPL, plays
along.

"""


def main() -> None:
    """Gather all that tells of the model, which may fail; then copy both."""
    config = Config.load()
    newest = max(CHECKPOINTS.glob("step-*.onnx"), default=None)
    if newest is None:
        raise ModelError(f"{CHECKPOINTS}: no step-*.onnx; run the stage train first")
    run_id = json.loads(Path("models/run.json").read_text(encoding="utf-8"))["run_id"]
    model = NeuralDecorrelator.load(newest)
    if model.card.training.get("run_id") != run_id:
        raise ModelError(f"{newest}: not of the run in models/run.json; run `dvc repro` first")
    if not (lock_file := Path("dvc.lock")).is_file():
        raise ModelError(f"{lock_file}: not found; run `dvc repro` first")
    lock = yaml.safe_load(lock_file.read_text(encoding="utf-8"))["stages"]
    described = tracking.described_run(run_id)
    texts = {
        "params.yaml": Path("params.yaml").read_text(encoding="utf-8"),
        "dvc.lock.yaml": yaml.safe_dump(
            {stage: lock[stage] for stage in ("download", "preprocess", "train")}, sort_keys=False
        ),
        "probes.md": PROBES + markdown(judge_probes(model)),
        "run.json": json.dumps(described, indent=1, sort_keys=True) + "\n",
    }
    usual = as_json(measure_pairs(load_pairs("data/pairs", "train")))
    heard = listen(config, newest)
    copy(newest, DEFAULT)
    with atomic_path(USUAL) as partial_path:
        partial_path.write_text(usual, encoding="utf-8")
    for source, target in (
        (Path("reports/evaluate"), REPORT / config.evaluate.split),
        (Path("reports/train"), REPORT / "train"),
        (Path("reports/compare"), REPORT / "experiments"),
    ):
        if source.is_dir():
            copy(source, target)
    for name, text in texts.items():
        # Where the recordings lie on this machine is nobody's business.
        private = config.data.path if Path(config.data.path).is_absolute() else None
        with atomic_path(REPORT / name) as partial_path:
            partial_path.write_text(
                text.replace(private, "recordings") if private else text, encoding="utf-8"
            )
    print(
        f"{DEFAULT}: {newest.name} of run {run_id}; evidence, of the {config.evaluate.split} split: {REPORT}"
    )
    print(heard)


def listen(config: Config, model: Path) -> str:
    """Write docs/listen/, from test recordings that may be passed on; a line about it."""
    credited = free_credits(CREDITS.read_text(encoding="utf-8"), "test")
    pairs = load_pairs("data/pairs", "test")
    if not any(plain_name(pair.name) in credited for pair in pairs):
        return f"{PAGE}: as it was; no test recording of data/pairs has a licence in {CREDITS} that allows it"
    with atomic_path(PAGE) as partial_path:
        heard = write_public_page(
            pairs,
            credited,
            partial_path,
            step=int(model.stem.removeprefix("step-")),
            model=partial(NeuralDecorrelator.load, model),
            classical={HEARD_BESIDE: CLASSICAL[HEARD_BESIDE]},
            loudness_lufs=config.render.loudness_lufs,
        )
    return f"{PAGE}/index.html: {', '.join(credit.title for credit in heard)}"


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, whole or not at all."""
    with atomic_path(target) as partial_path:
        if source.is_dir():
            shutil.copytree(source, partial_path)
        else:
            shutil.copyfile(source, partial_path)


if __name__ == "__main__":
    with one_line_errors():
        main()

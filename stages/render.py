"""Render models/checkpoints/ on data/pairs/: what every checkpoint sounds and looks like."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from mono2stereo.config import Config
from mono2stereo.data.pairs import load_pairs
from mono2stereo.decorrelators.classical import CLASSICAL
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.distribution.place import is_chief
from mono2stereo.errors import ModelError, one_line_errors
from mono2stereo.files import atomic_path
from mono2stereo.progress import progress
from mono2stereo.rendering.choosing import choose_excerpts
from mono2stereo.rendering.listening.page import single_file, write_excerpt, write_page
from mono2stereo.rendering.listening.stimuli import DEFAULT_MODEL, Stimulus, make_stimuli
from mono2stereo.rendering.render import RenderedExcerpt, means_by_step, own_means, render
from mono2stereo.rendering.retention import audio_to_keep
from mono2stereo.tracking import Run, continue_run

CHECKPOINTS = Path("models/checkpoints")
REPORT = Path("reports/render")
PAGE = Path("reports/listen")


def main() -> None:
    """Render every checkpoint, make the listening page and log both into the training's run."""
    config = Config.load()
    if not is_chief(config.train.strategy):
        return
    models = {int(file.stem.removeprefix("step-")): file for file in CHECKPOINTS.glob("step-*.onnx")}
    if not models:
        raise ModelError(f"{CHECKPOINTS}: no step-*.onnx; run the stage train first")
    pairs = load_pairs("data/pairs", "valid")
    excerpts = choose_excerpts(pairs, count=config.render.excerpts, seconds=config.render.excerpt_seconds)
    loaders = {step: partial(NeuralDecorrelator.load, file) for step, file in models.items()}
    others = {DEFAULT_MODEL: NeuralDecorrelator.load, **CLASSICAL}
    loudness = config.render.loudness_lufs
    with continue_run("render", Path("models/run.json"), config.flat(), tags={}) as run:
        with atomic_path(REPORT) as report, atomic_path(PAGE) as page:
            rendered, described = [], []
            for excerpt in progress(excerpts, label="render"):
                stimuli = list(make_stimuli(excerpt, loaders, others))
                heard = {stimulus.key: stimulus for stimulus in stimuli if isinstance(stimulus, Stimulus)}
                rendered.append(render(excerpt, heard, list(models), report, loudness_lufs=loudness))
                described.append(write_excerpt(excerpt, stimuli, page, loudness_lufs=loudness))
            write_numbers(rendered, report)
            write_page(page, described, stimuli, loudness_lufs=loudness)
            (report / "listening_page.html").write_text(single_file(page), encoding="utf-8")
        log(run, rendered)


def write_numbers(rendered: list[RenderedExcerpt], folder: Path) -> None:
    """Means by checkpoint as CSV; the last checkpoint's beside the recordings' own as JSON."""
    by_step = means_by_step(rendered)
    by_step.round(4).to_csv(folder / "checkpoints.csv")
    last = pd.concat([by_step.iloc[-1], own_means(rendered).add_prefix("recordings_")])
    last.dropna().to_json(folder / "metrics.json", double_precision=4, indent=1)


def log(run: Run, rendered: list[RenderedExcerpt]) -> None:
    """Numbers and pictures of all checkpoints; WAVs of as many as `audio_to_keep` allows; the page."""
    by_step = means_by_step(rendered)
    for step, measures in by_step.iterrows():
        run.log_metrics({f"render/{name}": value for name, value in measures.dropna().items()}, int(step))
    kept = audio_to_keep(rendered, REPORT)
    for number, excerpt in enumerate(rendered, start=1):
        if number <= kept.excerpts:
            run.log_artifact(REPORT / excerpt.original, excerpt.original.parent.as_posix())
        for checkpoint in excerpt.checkpoints:
            run.log_image(REPORT / checkpoint.picture, f"spectrogram-{number:02d}", checkpoint.step)
            if number <= kept.excerpts and checkpoint.step in kept.steps:
                for file in (checkpoint.mono, checkpoint.stereo):
                    run.log_artifact(REPORT / file, file.parent.as_posix())
    run.log_artifact(REPORT / "listening_page.html")
    run.describe(
        "Listening", "`listening_page.html` among the artifacts, or `reports/listen/index.html` on disk"
    )


if __name__ == "__main__":
    with one_line_errors():
        main()

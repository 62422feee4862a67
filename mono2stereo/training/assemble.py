"""From settings to a training run: builds every part and hands it plain values."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import keras
import tensorflow as tf
from filelock import FileLock, Timeout

from mono2stereo.config import ADVERSARIAL, Config
from mono2stereo.data.batches import batches
from mono2stereo.data.clips import ClipDrawer
from mono2stereo.data.pairs import Natural, load_natural, load_pairs
from mono2stereo.decorrelators.neural import DEFAULT_WEIGHTS, NeuralDecorrelator
from mono2stereo.distribution.team import gather
from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import TrainingError
from mono2stereo.files import atomic_path
from mono2stereo.hashes import fingerprint
from mono2stereo.model_card import IN_MLFLOW
from mono2stereo.models.discriminators import Discriminator
from mono2stereo.models.export import export_onnx
from mono2stereo.models.generators import GENERATORS
from mono2stereo.models.mid_to_side import MidToSide, n_parameters
from mono2stereo.models.warm_start import start_from_model
from mono2stereo.training.calibration import own_width
from mono2stereo.training.curves import Curves, Sink
from mono2stereo.training.finished import FINISHED, FinishedStates
from mono2stereo.training.gan import Gan
from mono2stereo.training.hardware import compute_in
from mono2stereo.training.loop import Record, Schedule, train
from mono2stereo.training.needs import disk_needed
from mono2stereo.training.optimizer import AdamW
from mono2stereo.training.resume import ResumeState
from mono2stereo.training.step import GanStep
from mono2stereo.training.terms import held_term, terms_of

# What decides the numbers of a run, beside the data and the code.
OF_DISCRIMINATORS = ("discriminator", "gradient_norm_discriminator")  # figures that dvc.yaml draws
FINGERPRINTED = ("seed", "sample_rate", "stft", "generator", "discriminator", "loss", "terms", "train")


class Training:
    """One training run, ready to start or to go on; with `train.strategy`'s other processes, if any.

    Args:
        config: All settings.
        pairs: Folder that preprocess wrote.
        checkpoints: Where deployable models go.
        reports: Where curves go.
        states: Folder of resume states of all runs.

    Raises:
        DataError: No tracks, or all shorter than a clip.
        TrainingError: Another process trains into `checkpoints`; the job's processes do not find together.
    """

    def __init__(
        self, config: Config, *, pairs: Path, checkpoints: Path, reports: Path, states: Path
    ) -> None:
        self.config = config
        self.checkpoints = checkpoints
        self.reports = reports
        compute_in(config.train.precision)
        keras.utils.set_random_seed(config.seed)
        if config.train.deterministic:
            tf.config.experimental.enable_op_determinism()
        batch_size = config.train.batch_size
        self.team = gather(config.train.strategy, batch_size, lambda: run_fingerprint(config, pairs))
        self.share = self.team.share(batch_size)
        with self.team.together(), self.team.strategy.scope():
            self.model = mid_to_side(config)
        span = self.model.span(config.clip_samples)
        self.train_clips, self.valid_clips = (
            ClipDrawer(
                load_pairs(pairs, split),
                sample_rate=config.sample_rate,
                clip_samples=config.clip_samples,
                real_span=slice(span.stop - config.train.crop_samples, span.stop),
                real=config.discriminator.real,
                real_level=config.discriminator.real_level,
                max_speed=config.train.max_speed,  # `fixed` clips, validation's, are as they are
            )
            for split in ("train", "valid")
        )
        self.natural = load_natural(pairs)
        with self.team.together(), self.team.strategy.scope():
            self.step = gan_step(
                config, self.model, self.natural
            )  # after the data, whose refusals should not wait for it
        if not self.team.chief:
            return
        self._alone = FileLock(checkpoints.parent / "train.lock")
        try:
            self._alone.acquire(blocking=False)
        except Timeout:
            raise TrainingError(
                f"{checkpoints}: another process still trains into it; wait for its end, or end it"
            ) from None
        self.state = ResumeState(
            states / run_fingerprint(config, pairs),
            self.step.variables,
            outputs=(checkpoints,),
            finished=FinishedStates(states / FINISHED / run_fingerprint(config, pairs, of_any_length=True)),
        )

    @property
    def device(self) -> str:
        """What computes: GPU names, or CPU; of this process, and how many there are."""
        gpus = [
            tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")
        ]
        here = ", ".join(details.get("device_name", "GPU") for details in gpus) or "CPU"
        return here if self.team.count == 1 else f"{self.team.count} × ({here})"

    def run(self, *, sink: Sink, facts: dict[str, Any]) -> dict[str, float]:
        """Train to the end, as the chief; returns the last validation figures.

        Call `end()` once all that tells of the run is written.

        Args:
            sink: Takes every logged figure.
            facts: Kept in the resume states and in the exported models.
        """
        settings = self.config.train

        def export(number: int, valid: Mapping[str, float]) -> None:
            path = self.checkpoints / f"step-{number:06d}.onnx"
            contents = {
                "training": {"step": number, **facts, **self._card_facts(), "measures": dict(valid)},
                "natural_width": self.natural.width.curve if self.natural else None,
            }
            with atomic_path(path) as partial_path:
                export_onnx(self.model, partial_path, **contents)
                own = own_width(NeuralDecorrelator.load(partial_path), self.train_clips.pairs)
                export_onnx(self.model, partial_path, **contents, own_width=own)

        record = Record(
            step=self.step,
            schedule=Schedule(settings.log_every, settings.validate_every, settings.checkpoint_every),
            validation=self.valid_clips.fixed(settings.validation_clips),
            batch_size=settings.batch_size,
            curves=Curves(self.reports, self.state.ledger, sink, [*self.config.loss, *OF_DISCRIMINATORS]),
            export=export,
            state=self.state,
            facts=facts,
        )
        self._train(record)
        return record.valid

    def _train(self, record: Record | None) -> None:
        train(
            step=self.step,
            last=self.config.train.steps,
            batches=self.batches,
            divergence_limit=self.config.train.divergence_limit,
            team=self.team,
            record=record,
        )

    def _card_facts(self) -> dict[str, Any]:
        """What a model's card says of its training, without the places where this machine keeps things."""
        clips = {"training": self.train_clips, "validation": self.valid_clips}
        data = {
            f"{name}_{fact}": value
            for name, drawer in clips.items()
            for fact, value in (
                ("recordings", len(drawer.pairs)),
                ("hours", sum(len(pair.mid_side) for pair in drawer.pairs) / self.config.sample_rate / 3600),
            )
        }
        settings = self.config.flat()
        # A checkpoint is the same however long training goes on after it.
        left_out = ("data.", "render.", "train.steps")
        parameters = {key: value for key, value in settings.items() if not key.startswith(left_out)}
        return {"data": {"source": settings["data.source"], **data}, "parameters": parameters}

    def disk_needed(self) -> dict[str, int]:
        """About how many bytes the run will write, by what they are for."""
        return disk_needed(self.config, self.step.variables.values(), n_parameters(self.model))

    def follow(self) -> None:
        """Do the part of a worker that is not the chief; ends when the chief has ended."""
        self._train(None)
        self.end()

    def end(self) -> None:
        """Wait for all, the chief once all that tells of the run is written; its last state alone stays."""
        with self.team.together():
            self.team.wait_for_all()
        if self.team.chief:
            self.state.finish()

    def batches(self, steps: range) -> Iterator[tuple[tf.Tensor, ...]]:
        """This process's share of each step's clips, on the devices that compute it."""
        drawn = batches(self.train_clips, seed=self.config.seed, steps=steps, places=self.share)
        return (self.team.by_replica(mid, real) for mid, real in drawn)


def run_fingerprint(config: Config, pairs: Path, *, of_any_length: bool = False) -> str:
    """Of all that decides the numbers of a run; `of_any_length`: of those steps that a longer run has too.

    Raises:
        DataError: There are no pairs.
    """
    load_natural(pairs)
    settings = config.model_dump()
    if of_any_length:
        del settings["train"]["steps"]
    data = [pairs / "index.json"]
    if config.generator.start not in ("random", "copy"):
        data.append(starting_model(config.generator.start))
    return fingerprint({key: settings[key] for key in FINGERPRINTED}, __name__, data)


def mid_to_side(config: Config) -> MidToSide:
    """The untrained waveform model that the settings describe."""
    generator = GENERATORS[config.generator.kind](
        n_bins=config.stft.n_bins,
        filters_per_bin=config.generator.filters_per_bin,
        kernel_frames=config.generator.kernel_frames,
        use_bias=config.generator.use_bias,
    )
    model = MidToSide(
        generator,
        stft=Stft(**config.stft.model_dump()),
        sample_rate=config.sample_rate,
        lookahead_frames=config.generator.lookahead_frames,
        highpass_hz=config.generator.highpass_hz,
    )
    start = config.generator.start
    if start == "copy":
        generator.start_from_copy(model.lookahead_frames, config.generator.start_phase_degrees)
    elif start != "random":
        start_from_model(model, starting_model(start))
    return model


@cache
def starting_model(start: str) -> Path:
    """The file that `generator.start` names: the default model, any seen from the repository's root, a run's.

    Raises:
        TrainingError: The run cannot be asked for its model.
    """
    if start == "default":
        return DEFAULT_WEIGHTS
    file = Path(os.environ.get("DVC_ROOT", Path.cwd())) / start
    if file.exists() or not IN_MLFLOW.fullmatch(start):
        return file
    folder = Path(mkdtemp())
    atexit.register(rmtree, folder, ignore_errors=True)
    # By name: nothing else of training needs MLflow.
    return import_module("mono2stereo.tracking").download_model(start, folder)


def gan_step(config: Config, model: MidToSide, natural: Natural | None = None) -> GanStep:
    """The GAN step that trains `model`; without a discriminator where no weight asks for one."""
    discriminator = None
    if any(config.loss[name] for name in ADVERSARIAL):
        discriminator = Discriminator(
            width=config.discriminator.width,
            sees_mid=config.discriminator.sees_mid,
            sees_left_right=config.discriminator.sees_left_right,
        )
    gan = Gan(
        model=model,
        discriminator=discriminator,
        terms=terms_of(config, natural),
        weights=config.loss,
        generator_optimizer=_optimizer(config, model),
        discriminator_optimizer=discriminator
        and _optimizer(config, discriminator, config.discriminator.start_step),
        crop_samples=config.train.crop_samples,
        held=held_term(config),
    )
    return GanStep(gan, discriminator_start_step=config.discriminator.start_step)


def _optimizer(config: Config, model: keras.Model, start_step: int = 0) -> AdamW:
    """One whose learning rate is that of `start_step` at its own first step."""
    settings = config.train
    return AdamW(
        model.trainable_variables,
        learning_rate=settings.learning_rate
        * settings.learning_rate_decay ** (start_step // settings.decay_every),
        decay_rate=settings.learning_rate_decay,
        decay_every=settings.decay_every,
        beta_1=settings.beta_1,
        beta_2=settings.beta_2,
        weight_decay=settings.weight_decay,
    )

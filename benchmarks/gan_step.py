"""How fast is a whole GAN step: ours, stock Keras layers, PyTorch; and how does it grow?

`python -m benchmarks.gan_step` times the headline rows and the growth with batch, crop, bins and width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from benchmarks.compare import SMALL, Candidate, record, rows, size, time_in_turn
from mono2stereo.models.discriminator_tables import (
    PERIOD_LAYERS,
    PERIODS,
    SCALE_LAYERS,
    ConvSpec,
    scaled_layers,
)

CONTEXT_FRAMES, KERNEL, FILTERS, RATE = 160, 40, 16, 22050
BASE = {"width": size(0.25, 1 / 32), "batch": size(4, 2), "crop": size(8192, 5120), "bins": 65}
FULL = {"width": size(1.0, 1 / 16), "batch": 2, "crop": size(8192, 5120), "bins": 65}
GROWTH: dict[str, tuple[float, ...]] = size(
    {"batch": (1, 2, 8), "crop": (5120, 16384), "bins": (33, 129), "width": (0.0625, 0.125, 0.5)},
    {"batch": (1,), "crop": (6144,), "bins": (33,), "width": (0.0625,)},
)
PEAK_SIZE = size(2048, 256)


def frame_step(bins: int) -> int:
    """STFT step in samples: the published 58 at 65 bins, in proportion otherwise."""
    return round(58 * (bins - 1) / 64)


def make_terms() -> dict[str, Any]:
    """The loss terms between side and mid, with their default settings."""
    from mono2stereo.losses.coherence_loss import CoherenceLoss
    from mono2stereo.losses.lag_loss import LagLoss
    from mono2stereo.losses.level_loss import LevelLoss
    from mono2stereo.losses.mel_loss import MelLoss
    from mono2stereo.losses.noise_to_mask_loss import NoiseToMaskLoss

    return {
        "coherence": CoherenceLoss(sample_rate=RATE, n_mels=80, frame_lengths=[1024], floors=[0.0]),
        "mel": MelLoss(sample_rate=RATE, n_mels=80, frame_length=1024, frame_step=256, floor=1e-5),
        "level": LevelLoss(sample_rate=RATE, floor_db=-60.0),
        "lag": LagLoss(sample_rate=RATE, max_lag_seconds=0.12),
        "noise_to_mask": NoiseToMaskLoss(sample_rate=RATE, n_mels=80, floor_db=-60.0),
    }


def make_step(*, width: float, crop: int, bins: int, filters: int = FILTERS, stock: bool = False) -> Any:
    """A GAN step as training builds it; `stock`: of Keras' own layers and its AdamW instead of ours."""
    from benchmarks import keras_gan
    from mono2stereo.dsp.stft import Stft
    from mono2stereo.models.discriminators import Discriminator
    from mono2stereo.models.generators import GroupedConv1DGenerator
    from mono2stereo.models.mid_to_side import MidToSide
    from mono2stereo.training.gan import Gan
    from mono2stereo.training.optimizer import AdamW
    from mono2stereo.training.step import GanStep

    step = frame_step(bins)
    make_generator = keras_gan.Generator if stock else GroupedConv1DGenerator
    generator = make_generator(n_bins=bins, filters_per_bin=filters, kernel_frames=KERNEL, use_bias=False)
    model = MidToSide(generator, stft=Stft(2 * step, step, 2 * (bins - 1)), sample_rate=RATE)
    discriminator = (keras_gan.Discriminator if stock else Discriminator)(width=width)
    optimizers = [
        keras_adamw(trained.trainable_variables)
        if stock
        else AdamW(trained.trainable_variables, learning_rate=2e-4)
        for trained in (model, discriminator)
    ]
    gan = Gan(
        model=model,
        discriminator=discriminator,
        terms=make_terms(),
        weights={"coherence": 2.5, "mel": 5.625, "adversarial": 1.0, "feature_matching": 0.0, "level": 1.0},
        generator_optimizer=optimizers[0],
        discriminator_optimizer=optimizers[1],
        crop_samples=crop,
    )
    return GanStep(gan)


def ours(
    *,
    width: float,
    batch: int,
    crop: int,
    bins: int,
    stock: bool = False,
    all_cores: bool = False,
    precision: Literal["float32", "bfloat16"] = "float32",
    xla: bool = False,
) -> Callable[[], object]:
    """Our step on a constant batch.

    Args:
        width: Of the discriminators.
        batch: Examples.
        crop: What losses and discriminators see.
        bins: Of the STFT.
        stock: Keras' layers and optimiser in place of ours.
        all_cores: TensorFlow's default use of the cores: all of them for every operation.
        precision: As in `train.precision`.
        xla: The whole step compiled by XLA.
    """
    from mono2stereo.training.tensorflow_start import start_tensorflow

    start_tensorflow()
    import tensorflow as tf

    from mono2stereo.training.hardware import compute_in, share_cores

    if not (stock or all_cores):  # each of stock's operations is large: the default serves it better
        share_cores()
    compute_in(precision)
    gan = make_step(width=width, crop=crop, bins=bins, stock=stock)
    if xla:
        gan._train._graph = tf.function(gan._train._run, jit_compile=True)
    mid, real = make_batch(batch=batch, crop=crop, bins=bins)
    return lambda: gan.train(mid, real)


def make_batch(*, batch: int, crop: int, bins: int) -> tuple[Any, Any]:
    """Noise for a step: mid with its context, and real sides."""
    import tensorflow as tf

    mid = 0.1 * tf.random.normal((batch, CONTEXT_FRAMES * frame_step(bins) + crop))
    return mid, 0.05 * tf.random.normal((batch, crop))


def keras_adamw(variables: list) -> Any:
    """Keras' optimiser with what ours has."""
    import keras

    class AdamW(keras.optimizers.AdamW):
        @property
        def steps_done(self) -> int:
            return int(self.iterations)

        def apply(self, gradients: list) -> None:
            super().apply(gradients, variables)

    optimizer = AdamW(2e-4, beta_1=0.8, beta_2=0.99, epsilon=1e-8, weight_decay=0.01)
    optimizer.build(variables)
    return optimizer


def torch(*, width: float, batch: int, crop: int, bins: int, compiled: bool = False) -> Callable[[], object]:
    """PyTorch on the same shapes, eager or compiled."""
    import torch as th

    from benchmarks.torch_gan import GanStep

    th.manual_seed(0)
    step = GanStep(width=width, crop_samples=crop)
    if compiled:
        for part in (step.generator, step.discriminator, step.terms):
            part.compile()
    mid = 0.1 * th.randn(batch, CONTEXT_FRAMES * frame_step(bins) + crop)
    real = 0.05 * th.randn(batch, crop)
    return lambda: step(mid, real)


def matmul() -> Callable[[], object]:
    """The float32 matrix product that shares of the peak refer to."""
    import tensorflow as tf

    a, b = (tf.random.normal((PEAK_SIZE, PEAK_SIZE)) for _ in range(2))
    return lambda: tf.matmul(a, b)[0, 0].numpy()


def gflop(*, width: float, batch: int, crop: int, bins: int) -> float:
    """Billions of operations that the step's convolutions need; all else is small beside them.

    D: forward, input and weight gradients on real and fake. G's update: forward and input gradients of D on
    fake; forward, input and weight gradients of G. The first layers of D's and G's own updates need no input
    gradients.
    """
    d, d_first = 0.0, 0.0
    for length, columns, specs in [
        *((-(-crop // period), period, PERIOD_LAYERS) for period in PERIODS),
        *((crop // 2**scale + (scale > 0), 1, SCALE_LAYERS) for scale in range(3)),
    ]:
        layers = _conv_flop(length, columns, specs, width)
        d, d_first = d + sum(layers), d_first + layers[0]
    frames = 1 + (CONTEXT_FRAMES * frame_step(bins) + crop - 2 * frame_step(bins)) // frame_step(bins)
    g_layers = []
    for channels, filters in ((2, FILTERS), (FILTERS, FILTERS), (FILTERS, FILTERS), (FILTERS, 2)):
        frames -= KERNEL - 1
        g_layers.append(2.0 * frames * bins * KERNEL * channels * filters)
    g, g_first = sum(g_layers), g_layers[0]
    return batch * (2 * (3 * d - d_first) + 2 * d + 3 * g - g_first) / 1e9


def _conv_flop(length: int, columns: int, specs: tuple[ConvSpec, ...], width: float) -> list[float]:
    layers = []
    for spec, channels, filters, groups in scaled_layers(specs, width=width):
        length = (length + 2 * (spec.kernel_size // 2) - spec.kernel_size) // spec.strides + 1
        layers.append(2.0 * length * columns * spec.kernel_size * channels * filters / groups)
    return layers


def headline(name: str, setting: dict[str, Any]) -> None:
    """Ours beside every peer and every other way to run it."""
    mine: dict[str, dict[str, Any]] = {
        "ours": setting,
        "all_cores": {**setting, "all_cores": True},
        "bfloat16": {**setting, "precision": "bfloat16"},
    }
    if name == "quarter" and not SMALL:  # minutes to compile, whatever the size
        mine["xla"] = {**setting, "xla": True}
    candidates = {key: Candidate("benchmarks.gan_step:ours", options) for key, options in mine.items()}
    candidates["torch"] = Candidate("benchmarks.gan_step:torch", setting)
    candidates["torch_compiled"] = Candidate("benchmarks.gan_step:torch", {**setting, "compiled": True})
    candidates["peak"] = Candidate("benchmarks.gan_step:matmul", {})
    seconds = time_in_turn(candidates, rounds=7)
    peak_gflop = 2 * PEAK_SIZE**3 / 1e9
    record(rows(f"gan_step/{name}", seconds, gflop=gflop(**setting), peak_gflop=peak_gflop))


def stock(name: str, setting: dict[str, Any]) -> None:
    """Ours beside stock Keras, which takes minutes: fewer rounds."""
    candidates = {
        "ours": Candidate("benchmarks.gan_step:ours", setting),
        "keras": Candidate("benchmarks.gan_step:ours", {**setting, "stock": True}),
    }
    record(rows(f"gan_step/{name}", time_in_turn(candidates, rounds=3, warm_up=1)))


def growth() -> None:
    """A quarter-width step beside smaller and larger ones."""
    for key, values in GROWTH.items():
        candidates = {"ours": Candidate("benchmarks.gan_step:ours", BASE)}
        for value in values:
            candidates[f"{key}={value}"] = Candidate("benchmarks.gan_step:ours", {**BASE, key: value})
        record(rows("gan_step_growth", time_in_turn(candidates, rounds=5)))


def main() -> None:
    """Time, print and record."""
    for name, setting in (("full", FULL), ("quarter", BASE)):
        headline(name, setting)
        stock(name, setting)
    growth()


if __name__ == "__main__":
    main()

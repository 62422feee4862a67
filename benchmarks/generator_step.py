"""How fast is a training step of the generator alone: the gated bank, the published one, and it in PyTorch?

`python -m benchmarks.generator_step`; batches of 2 clips of 3 s, as the default model was trained.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.compare import Candidate, record, rows, time_in_turn
from benchmarks.gan_step import make_terms

RATE, CROP, BATCH = 22050, 66120, 2
SIZES: dict[str, dict[str, int]] = {
    "gated_bank": {"filters_per_bin": 4, "kernel_frames": 58},
    "grouped_conv1d": {"filters_per_bin": 16, "kernel_frames": 40},
}
STEPS = {"gated_bank": 29, "grouped_conv1d": 58}
CONTEXT = {"gated_bank": 1200 * 29, "grouped_conv1d": 160 * 58}
WEIGHTS = {"coherence": 2.5, "mel": 5.625, "level": 1.0}


def ours(*, kind: str) -> Callable[[], object]:
    """An update of a generator by the loss terms alone, on a constant batch."""
    from mono2stereo.training.tensorflow_start import start_tensorflow

    start_tensorflow()
    import tensorflow as tf

    from mono2stereo.dsp.stft import Stft
    from mono2stereo.models.generators import GENERATORS
    from mono2stereo.models.mid_to_side import MidToSide
    from mono2stereo.training.gan import Gan
    from mono2stereo.training.hardware import share_cores
    from mono2stereo.training.optimizer import AdamW
    from mono2stereo.training.step import GanStep

    share_cores()
    generator = GENERATORS[kind](n_bins=65, use_bias=False, **SIZES[kind])
    model = MidToSide(generator, stft=Stft(116, STEPS[kind], 128), sample_rate=RATE)
    step = GanStep(
        Gan(
            model=model,
            discriminator=None,
            terms=make_terms(),
            weights=WEIGHTS,
            generator_optimizer=AdamW(model.trainable_variables, learning_rate=2e-4),
            discriminator_optimizer=None,
            crop_samples=CROP,
        )
    )
    mid = 0.1 * tf.random.normal((BATCH, CONTEXT[kind] + CROP))
    real = tf.zeros((BATCH, CROP))
    return lambda: step.train(mid, real)


def torch() -> Callable[[], object]:
    """The gated bank in PyTorch, eager, on the same batch."""
    import torch as th

    from benchmarks.torch_gated_bank import GeneratorStep

    th.manual_seed(0)
    step = GeneratorStep(**SIZES["gated_bank"], crop_samples=CROP)
    mid = 0.1 * th.randn(BATCH, CONTEXT["gated_bank"] + CROP)
    return lambda: step(mid)


def main() -> None:
    """Time, print and record."""
    candidates = {
        "ours": Candidate("benchmarks.generator_step:ours", {"kind": "gated_bank"}),
        "grouped_conv1d": Candidate("benchmarks.generator_step:ours", {"kind": "grouped_conv1d"}),
        "torch": Candidate("benchmarks.generator_step:torch", {}),
    }
    record(rows("generator_step", time_in_turn(candidates, rounds=7)))


if __name__ == "__main__":
    main()

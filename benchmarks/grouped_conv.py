"""Grouped convolution, forward and backward: ours, Keras' stock one and PyTorch's, layer by layer."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.compare import SMALL, Candidate, record, rows, time_in_turn
from benchmarks.gan_step import PEAK_SIZE

# Layer: batch, samples, channels, filters, taps, strides, groups.
LAYERS = {
    "generator_1": (2, 301, 130, 1040, 40, 1, 65),
    "generator_2": (2, 262, 1040, 1040, 40, 1, 65),
    "generator_4": (2, 184, 1040, 130, 40, 1, 65),
    "scale_2": (4, 8232, 128, 128, 41, 2, 4),
    "scale_3": (4, 4136, 128, 256, 41, 2, 16),
    "scale_4": (4, 2088, 256, 512, 41, 4, 16),
    "scale_6": (4, 168, 1024, 1024, 41, 1, 16),
    "scale_5": (4, 552, 512, 1024, 41, 4, 16),
    "period_2": (20, 549, 32, 128, 5, 3, 1),
    "period_3": (20, 184, 128, 512, 5, 3, 1),
    "period_4": (20, 63, 512, 1024, 5, 3, 1),
    "period_5": (44, 14, 1024, 1024, 5, 1, 1),
    "scale_1": (4, 8206, 1, 128, 15, 1, 1),
    "quarter_scale_2": (8, 8232, 32, 32, 41, 2, 4),
    "quarter_scale_3": (8, 4136, 32, 64, 41, 2, 16),
}
# Stock Keras takes seconds for some of them: the peers are timed on one layer of each kind.
COMPARED = ["generator_2", "generator_4", "scale_3", "scale_6", "period_5", "quarter_scale_3"]
if SMALL:
    COMPARED = ["generator_4", "scale_3"]
    LAYERS = {name: (1, *LAYERS[name][1:]) for name in COMPARED}


def tensorflow(*, shape: tuple[int, ...], stock: bool = False) -> Callable[[], object]:
    """Ours, or what `keras.layers.Conv1D(groups=…)` runs."""
    import keras
    import tensorflow as tf

    from mono2stereo.models.grouped_conv.conv_formulations import grouped_convolution
    from mono2stereo.models.grouped_conv.group_major import regroup
    from mono2stereo.training.hardware import share_cores

    batch, samples, channels, filters, taps, strides, groups = shape
    if not stock and groups > 1:  # one operation alone would leave the other cores idle
        share_cores()
    x = tf.random.normal((batch, samples, channels))
    if not stock:
        x = regroup(x[None], groups)
    kernel = tf.random.normal((taps, channels // groups, filters))

    @tf.function
    def gradients() -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            if stock:
                y = keras.ops.conv(x, kernel, strides, "valid")
            else:
                y = grouped_convolution(x, kernel, strides=strides)
            loss = tf.reduce_sum(tf.square(y))
        return [tf.reshape(gradient, (-1,))[0] for gradient in tape.gradient(loss, [x, kernel])]

    return lambda: [gradient.numpy() for gradient in gradients()]


def torch(*, shape: tuple[int, ...]) -> Callable[[], object]:
    """PyTorch's native grouped convolution."""
    import torch as th

    batch, samples, channels, filters, taps, strides, groups = shape
    x = th.randn(batch, channels, samples, requires_grad=True)
    kernel = th.randn(filters, channels // groups, taps, requires_grad=True)

    def gradients() -> object:
        y = th.nn.functional.conv1d(x, kernel, stride=strides, groups=groups)
        return th.autograd.grad(y.square().sum(), [x, kernel])

    return gradients


def gflop(shape: tuple[int, ...]) -> float:
    """Billions of operations: forward, input gradients, weight gradients."""
    batch, samples, channels, filters, taps, strides, groups = shape
    frames = (samples - taps) // strides + 1
    return 3 * 2 * batch * frames * taps * channels * filters / groups / 1e9


def main() -> None:
    """Time, print and record."""
    for name in COMPARED:
        shape = LAYERS[name]
        here = {"shape": shape}
        candidates = {
            "ours": Candidate("benchmarks.grouped_conv:tensorflow", here),
            "torch": Candidate("benchmarks.grouped_conv:torch", here),
            "peak": Candidate("benchmarks.gan_step:matmul", {}),
        }
        seconds = time_in_turn(candidates, rounds=5, warm_up=1)
        record(rows(f"conv/{name}", seconds, gflop=gflop(shape), peak_gflop=2 * PEAK_SIZE**3 / 1e9))
        stock = {
            "ours": candidates["ours"],
            "keras": Candidate("benchmarks.grouped_conv:tensorflow", {**here, "stock": True}),
        }
        record(rows(f"conv/{name}", time_in_turn(stock, rounds=3, warm_up=1)))


if __name__ == "__main__":
    main()

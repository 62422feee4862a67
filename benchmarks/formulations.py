"""Which formulation of a convolution is quickest for which shape and pass? Evidence for `quickest`.

Every pass alone, on as many copies as there are cores, run side by side as the branches of the network are.
Writes reports/bench/formulations.md.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from benchmarks.compare import RESULTS, THREADS, size
from benchmarks.grouped_conv import LAYERS, gflop
from mono2stereo.models.grouped_conv.conv_formulations import Plan, quickest

ROUNDS = size(7, 1)
PHASES = (1, 2, 4, 8)


def candidates(kind: str, groups: int) -> dict[str, Plan]:
    """Every way to compute a pass: "forward", "input" or "weights"."""
    if kind == "weights":
        made = {f"{n} phases": Plan(weight_phases=n) for n in PHASES}
        products = {f"product, {n} phases": Plan(weight_phases=n, weight_product=True) for n in PHASES}
        return made | (products if groups > 1 else {"product": products["product, 1 phases"]})
    made = {f"{n} phases": Plan(phases=n) for n in PHASES}
    if groups == 1:
        made["product"] = Plan(forward_product=True) if kind == "forward" else Plan(input_product=True)
    return made


def chosen(kind: str, shape: tuple[int, ...]) -> str:
    """The candidate that `quickest` takes."""
    _, _, channels, filters, taps, strides, groups = shape
    plan = quickest(
        groups=groups, taps=taps, channels=channels // groups, filters=filters // groups, strides=strides
    )
    phases = plan.weight_phases if kind == "weights" else plan.phases
    product = getattr(plan, {"weights": "weight", "input": "input"}.get(kind, kind) + "_product")
    if not product:
        return f"{phases} phases"
    return f"product, {phases} phases" if groups > 1 else "product"


def passes(kind: str, shape: tuple[int, ...], plan: Plan) -> Callable[[], object]:
    """One pass on as many copies as there are cores."""
    import tensorflow as tf

    from mono2stereo.models.grouped_conv.conv_formulations import grouped_convolution

    batch, samples, channels, filters, taps, strides, groups = shape
    frames = (samples - taps) // strides + 1
    copies = [
        (
            tf.random.normal((groups, batch, samples, channels // groups)),
            tf.random.normal((taps, channels // groups, filters)),
            tf.random.normal((groups, batch, frames, filters // groups)),
        )
        for _ in range(THREADS)
    ]

    @tf.function
    def run() -> list[tf.Tensor]:
        made = []
        for x, kernel, dy in copies:
            x, kernel = tf.identity(x), tf.identity(kernel)
            with tf.GradientTape() as tape:
                tape.watch([x, kernel])
                y = grouped_convolution(x, kernel, strides=strides, plan=plan)
            if kind != "forward":
                y = tape.gradient(y, kernel if kind == "weights" else x, output_gradients=dy)
            made.append(tf.reshape(y, (-1,))[0])
        return made

    return lambda: [one.numpy() for one in run()]


def rates(kind: str, shape: tuple[int, ...]) -> dict[str, float]:
    """GFLOP/s of each candidate: medians over rounds in turn."""
    calls = {name: passes(kind, shape, plan) for name, plan in candidates(kind, shape[-1]).items()}
    for call in calls.values():
        call()
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    work = THREADS * gflop(shape) / 3
    return {name: work / statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    """Measure and write the table."""
    from mono2stereo.training.hardware import share_cores

    share_cores()
    lines = [
        "# Formulations of a convolution",
        "",
        f"`python -m benchmarks.formulations`, {THREADS} cores, GFLOP/s; layers as in",
        "benchmarks/grouped_conv.py. Bold: what `quickest` takes.",
    ]
    for kind in ("forward", "input", "weights"):
        named = {name: rates(kind, shape) for name, shape in LAYERS.items()}
        columns = list(dict.fromkeys(column for measured in named.values() for column in measured))
        lines += ["", f"## {kind}", "", f"| layer | {' | '.join(columns)} |", f"|---|{'--:|' * len(columns)}"]
        for name, measured in named.items():
            taken = chosen(kind, LAYERS[name])
            cells = [f"{measured[column]:.0f}" if column in measured else "" for column in columns]
            bold = [f"**{c}**" if column == taken else c for c, column in zip(cells, columns, strict=True)]
            lines.append(f"| {name} | {' | '.join(bold)} |")
            print(lines[-1], flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.with_name("formulations.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

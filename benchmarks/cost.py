"""What one training with the profile `full` costs, on a CPU and on GPUs.

`python -m benchmarks.cost` times one of the profile's clips at full width beside the headline setting, and
writes reports/bench/cost.md; `--table` writes the page from what was timed before. The rows of GPUs follow
from counted operations, data sheets and a stated assumption; docs/scaling.md has what one took.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks import preprocess
from benchmarks.compare import RESULTS, THREADS, Candidate, record, rows, size, time_in_turn
from benchmarks.gan_step import CONTEXT_FRAMES, FULL, PEAK_SIZE, frame_step, gflop
from mono2stereo.config.profiles import fill_in_nulls
from mono2stereo.models.discriminator_tables import (
    N_SCALES,
    PERIOD_LAYERS,
    PERIODS,
    SCALE_LAYERS,
    scaled_layers,
)

ROOT = Path(__file__).parents[1]
HEADLINE = "gan_step/full/torch"  # the recorded row that has the CPU's rate
CLIP = "cost/clip/headline"  # one clip of the profile, measured here
BINS = 65
GENERATOR_WEIGHTS = 1_497_600  # without biases
UTILISATION = 0.4  # assumed share of a GPU's float32 rate; the CPU's measured one is in the table
REDUCED_BYTES = 4  # a float32 gradient
RATE = 22050
PAIR_BYTES = 2 * 4  # mid and side, float32
CORPORA = {"MUSDB18-HQ, about 10 hours": 10, "a hundred thousand hours": 100_000}


@dataclass(frozen=True)
class Gpu:
    """What a data sheet says.

    Attributes:
        name: the device.
        tflops: float32, without tensor cores.
        gigabytes: memory.
        gigabytes_per_second: between two devices of one host, per direction.
    """

    name: str
    tflops: float
    gigabytes: int
    gigabytes_per_second: float


GPUS = (
    Gpu("NVIDIA A100 SXM 80 GB", 19.5, 80, 300),
    Gpu("NVIDIA H100 SXM", 67, 80, 450),
    Gpu("NVIDIA GeForce RTX 4090 (PCIe 4.0)", 82.6, 24, 25),
)


def full_profile() -> dict[str, Any]:
    """Steps, batch and crop of the published recipe, width of its discriminators."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    settings = fill_in_nulls(raw | {"profile": size("full", "ci"), "recipe": "published"})
    train, crop = settings["train"], settings["train"]["crop_samples"]
    return {
        "steps": train["steps"],
        "batch": train["batch_size"],
        "clip_samples": crop + CONTEXT_FRAMES * frame_step(BINS),
        "crop": crop,
        "width": settings["discriminator"]["width"],
    }


def discriminator_weights(width: float) -> int:
    """Numbers that data-parallel devices add up in every step, beside the generator's."""
    total = 0
    for specs, branches in ((PERIOD_LAYERS, len(PERIODS)), (SCALE_LAYERS, N_SCALES)):
        for spec, channels, filters, groups in scaled_layers(specs, width=width):
            total += branches * spec.kernel_size * channels * filters // groups
    return total


def activation_gigabytes(*, batch: int, crop: int, width: float) -> float:
    """Feature maps that a discriminator update keeps for its gradients: real and fake, float32."""
    numbers = 0
    for length, columns, specs in [
        *((-(-crop // period), period, PERIOD_LAYERS) for period in PERIODS),
        *((crop // 2**scale + (scale > 0), 1, SCALE_LAYERS) for scale in range(N_SCALES)),
    ]:
        frames = length
        for spec, _, filters, _ in scaled_layers(specs, width=width):
            frames = (frames + 2 * (spec.kernel_size // 2) - spec.kernel_size) // spec.strides + 1
            numbers += frames * columns * filters
    return 2 * batch * numbers * 4 / 1e9


def gpu_step_seconds(gpu: Gpu, *, devices: int, step_gflop: float, weights: int) -> float:
    """Arithmetic shared by all devices, then a ring that adds the gradients up, not overlapped."""
    arithmetic = step_gflop / (devices * UTILISATION * gpu.tflops * 1e3)
    ring = 2 * (devices - 1) / devices * weights * REDUCED_BYTES / (gpu.gigabytes_per_second * 1e9)
    return arithmetic + ring


def measure() -> None:
    """Time a step on one clip of the profile beside the headline setting, to check the count."""
    profile = full_profile()
    one_clip = {"width": profile["width"], "batch": 1, "crop": profile["crop"], "bins": BINS}
    candidates = {
        "ours": Candidate("benchmarks.gan_step:ours", one_clip),
        "headline": Candidate("benchmarks.gan_step:ours", FULL),
        "peak": Candidate("benchmarks.gan_step:matmul", {}),
    }
    seconds = time_in_turn(candidates, rounds=5, warm_up=1)
    peak_gflop = 2 * PEAK_SIZE**3 / 1e9
    record(rows("cost/clip", seconds, gflop=gflop(**one_clip), peak_gflop=peak_gflop))
    print(f"operations alone: {gflop(**FULL) / gflop(**one_clip):.3f} ×")


def table() -> str:
    """The page, from the profile, the counts and the recorded times."""
    profile = full_profile()
    recorded = {row["name"]: row for row in json.loads(RESULTS.read_text())}
    rate, clip = recorded[HEADLINE], recorded.get(CLIP)
    setting = {key: profile[key] for key in ("width", "batch", "crop")}
    step_gflop = gflop(**setting, bins=BINS)
    weights = GENERATOR_WEIGHTS + discriminator_weights(profile["width"])
    steps, batch, cores = profile["steps"], profile["batch"], 64
    cpu = step_gflop / rate["gflops"]
    lines = [
        "# What one training with the profile `full` costs",
        "",
        f"Written by `python -m benchmarks.cost`. {steps:,} steps of {batch} clips, crop {profile['crop']:,} "
        f"samples, width {profile['width']}: **{step_gflop / 1e3:.1f} × 10¹² operations a step, "
        f"{step_gflop * steps / 1e9:.1f} × 10¹⁸ in all**, counted from the layer tables: forward, input and "
        "weight gradients of every convolution.",
        "",
        "| device | a step | one training | |",
        "|---|--:|--:|---|",
        _line(
            f"one CPU, {THREADS} cores with AVX-512",
            cpu,
            steps,
            f"**measured** rate of a whole step at batch 2, crop 8 192 ({rate['gflops']:.0f} GFLOP/s, "
            f"[report.md](report.md)), counted operations",
        ),
        _line(
            f"one CPU, {cores} such cores",
            cpu * THREADS / cores,
            steps,
            "computed: the same rate per core, a bound",
        ),
    ]
    for gpu in GPUS:
        for devices in (1, 8):
            lines.append(
                _line(
                    f"{devices} × {gpu.name}",
                    gpu_step_seconds(gpu, devices=devices, step_gflop=step_gflop, weights=weights),
                    steps,
                    f"computed: {UTILISATION:.0%} of {gpu.tflops:g} TFLOP/s"
                    + (f", gradients over {gpu.gigabytes_per_second:g} GB/s" if devices > 1 else ""),
                )
            )
    if clip:
        expected = gflop(**FULL) / gflop(**{**setting, "batch": 1}, bins=BINS)
        lines += [
            "",
            f"The count is checked on the CPU: a step on one clip took {clip['ours_seconds']:.2f} s, the "
            f"headline setting {clip['ratio']:.3f} of that "
            f"({clip['ratio_low']:.3f}–{clip['ratio_high']:.3f}), with {expected:.3f} of the operations.",
        ]
    activations = activation_gigabytes(**setting)
    megabytes = weights * REDUCED_BYTES / 1e6
    lines += [
        "",
        f"- **{UTILISATION:.0%} of the float32 rate without tensor cores is an assumption**, no measurement; "
        "[one H200](../../docs/scaling.md#what-one-training-costs) came to 30%. Tensor cores (TF32) may do "
        "better: time a hundred steps before you plan.",
        f"- Gradients: {weights / 1e6:.1f} million numbers, {megabytes:.0f} MB from every device in every "
        f"step: over 10 Gbit/s Ethernet between two hosts {megabytes / 1250:.2f} s, over 100 Gbit/s "
        f"{megabytes / 12500:.3f} s (computed).",
        "- Memory (counted, float32): the discriminators' feature maps of one update take at least "
        f"{activations:.1f} GB at batch {batch}, {activations / 8:.1f} GB on each of eight devices; weights, "
        f"their gradients and two moments {4 * weights * 4 / 1e9:.1f} GB on each.",
        "",
        *_data_lines(recorded, batch=batch, clip_samples=profile["clip_samples"], steps=steps),
    ]
    return "\n".join(lines)


def _data_lines(recorded: dict[str, Any], *, batch: int, clip_samples: int, steps: int) -> list[str]:
    """Storage, reading and preprocessing: computed from the format and the recorded rate of preprocess."""
    row = recorded["preprocess/verification"]
    audio_hours = preprocess.FILES * preprocess.SECONDS / 3600
    per_core = audio_hours / ((row["ours_seconds"] + row["peer_seconds"]) * THREADS / 3600)
    hourly = 3600 * RATE * PAIR_BYTES
    read = batch * clip_samples * PAIR_BYTES
    heard = steps * batch * clip_samples / RATE / 3600
    lines = [
        "## Data",
        "",
        f"Computed: pairs take {hourly / 1e6:.0f} MB an hour of music (float32); a step reads "
        f"{read / 1e6:.1f} MB, in {batch} pieces of {read / batch / 1e3:.0f} kB. A training hears "
        f"{heard:,.0f} hours of clips. Measured: preprocess makes {per_core:.0f} hours of pairs in an hour "
        "of one core ([report.md](report.md), from WAV).",
        "",
        "| corpus | pairs | preprocess | heard in one training |",
        "|---|--:|--:|--:|",
    ]
    for name, hours in CORPORA.items():
        size = hours * hourly / 1e12
        lines.append(
            f"| {name} | {f'{size:.0f} TB' if size > 1 else f'{size * 1e3:.1f} GB'} "
            f"| {hours / per_core:,.1f} core hours | {heard / hours:,.2f} × |"
        )
    return [*lines, ""]


def _line(device: str, seconds: float, steps: int, how: str) -> str:
    hours = seconds * steps / 3600
    whole = (
        f"{hours / 24:.0f} days"
        if hours > 240
        else f"{hours / 24:.1f} days"
        if hours > 48
        else f"{hours:.0f} h"
    )
    return f"| {device} | {seconds:.3g} s | {whole} | {how} |"


def main() -> None:
    """Measure unless told not to, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="from the times recorded before")
    if not parser.parse_args().table:
        measure()
    page = table()
    (RESULTS.parent / "cost.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()

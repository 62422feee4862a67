"""The tables of HiFi-GAN's discriminators (Kong et al. 2020, appendix A and the authors' code)."""

from __future__ import annotations

from dataclasses import dataclass

PERIODS = (2, 3, 5, 7, 11)
N_SCALES = 3
BRANCHES = (*(f"period_{period}" for period in PERIODS), *(f"scale_{scale}" for scale in range(N_SCALES)))


@dataclass(frozen=True)
class ConvSpec:
    """One row of HiFi-GAN's tables; padding is always half the kernel, on both sides."""

    filters: int
    kernel_size: int
    strides: int = 1
    groups: int = 1


PERIOD_LAYERS = (
    ConvSpec(32, 5, 3),
    ConvSpec(128, 5, 3),
    ConvSpec(512, 5, 3),
    ConvSpec(1024, 5, 3),
    ConvSpec(1024, 5),
    ConvSpec(1, 3),
)
SCALE_LAYERS = (
    ConvSpec(128, 15),
    ConvSpec(128, 41, 2, 4),
    ConvSpec(256, 41, 2, 16),
    ConvSpec(512, 41, 4, 16),
    ConvSpec(1024, 41, 4, 16),
    ConvSpec(1024, 41, 1, 16),
    ConvSpec(1024, 5),
    ConvSpec(1, 3),
)

"""The tables of HiFi-GAN's discriminators (Kong et al. 2020, appendix A and the authors' code)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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


def scaled_layers(
    specs: Sequence[ConvSpec], *, width: float, channels: int = 1
) -> Iterator[tuple[ConvSpec, int, int, int]]:
    """Each row with its input channels, filters and groups at `width`; filters are multiples of 4.

    The last row's filter, the logit, is not scaled.

    >>> [sizes for _, *sizes in scaled_layers(SCALE_LAYERS, width=0.25)][:3]
    [[1, 32, 1], [32, 32, 4], [32, 64, 16]]
    """
    for spec in specs:
        filters = spec.filters if spec is specs[-1] else max(4, 4 * round(spec.filters * width / 4))
        yield spec, channels, filters, math.gcd(spec.groups, channels, filters)
        channels = filters

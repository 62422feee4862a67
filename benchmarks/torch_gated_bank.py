"""The gated bank in PyTorch, eager, as its users would write it: the peer of `generator_step`."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from benchmarks.torch_gan import FFT_LENGTH, FRAME_LENGTH, N_BINS, Framed, Terms
from mono2stereo.models.receptive_field import (
    AVERAGE_SHIFTS,
    GATE_CHANNELS,
    GATE_KERNELS,
    GATE_SPACING,
    LONG_SHIFTS,
    MEAN_SHIFTS,
    NOTHING,
    QUIET,
    SLOW_BINS,
    SLOW_SHIFTS,
    TINY,
    output_kernel_frames,
)

FRAME_STEP = 29


class GatedBank(Framed):
    """Mid `(batch, samples)` → side, high-passed."""

    def __init__(self, filters_per_bin: int, kernel_frames: int) -> None:
        super().__init__()
        outputs = N_BINS * filters_per_bin
        # A complex kernel is a pair of real ones; PyTorch's convolution takes complex numbers as they are.
        self.bank = nn.Conv1d(
            N_BINS, outputs, kernel_frames, groups=N_BINS, bias=False, dtype=torch.complex64
        )
        self.sum = nn.Conv1d(
            outputs,
            N_BINS,
            output_kernel_frames(kernel_frames),
            groups=N_BINS,
            bias=False,
            dtype=torch.complex64,
        )
        first, second = GATE_KERNELS
        self.gates = nn.Sequential(
            nn.Conv1d(2 * N_BINS, GATE_CHANNELS * N_BINS, first, dilation=GATE_SPACING, groups=N_BINS),
            nn.ReLU(),
            nn.Conv1d(GATE_CHANNELS * N_BINS, outputs, second, dilation=GATE_SPACING, groups=N_BINS),
            nn.Sigmoid(),
        )

    def forward(self, mid: torch.Tensor) -> torch.Tensor:
        frames = mid.unfold(-1, FRAME_LENGTH, FRAME_STEP) * self.window
        x = torch.fft.rfft(frames, FFT_LENGTH).transpose(1, 2)
        average = _mean(x.real.square() + x.imag.square(), AVERAGE_SHIFTS)
        mean = _mean(average, MEAN_SHIFTS)
        slow_mean = _mean(mean[:, :SLOW_BINS], SLOW_SHIFTS)
        long_mean = _mean(mean, LONG_SHIFTS)
        n = long_mean.shape[-1]
        floor = NOTHING * long_mean.mean(1, keepdim=True) + TINY
        average, mean, slow_mean = average[..., -n:], mean[..., -n:], slow_mean[..., -n:]
        now = torch.cat([mean[:, :SLOW_BINS], average[:, SLOW_BINS:]], 1)
        before = torch.cat([slow_mean, mean[:, SLOW_BINS:]], 1)
        short, middle, long = (power + floor for power in (now, before, long_mean))
        ratios = torch.stack([short / middle, middle / long], 2)
        gates = 2 * self.gates(0.5 * (ratios + QUIET).log().flatten(1, 2))
        n = gates.shape[-1]
        z = self.bank(x[..., 1 - n - self.bank.kernel_size[0] :])
        y = self.sum(z * gates).transpose(1, 2)
        frames = torch.fft.irfft(y, FFT_LENGTH)[..., :FRAME_LENGTH] * self.window / 1.5
        samples = (frames.shape[1] - 1) * FRAME_STEP + FRAME_LENGTH
        added = F.fold(frames.transpose(1, 2), (1, samples), (1, FRAME_LENGTH), stride=(1, FRAME_STEP))
        edge = FRAME_LENGTH - FRAME_STEP
        return self.highpass(added[:, 0, 0, edge:-edge])


class GeneratorStep:
    """An update by the loss terms alone, of the default weights."""

    def __init__(self, *, filters_per_bin: int, kernel_frames: int, crop_samples: int) -> None:
        self.model, self.terms, self.crop = GatedBank(filters_per_bin, kernel_frames), Terms(), crop_samples
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=2e-4, betas=(0.8, 0.99), eps=1e-8, weight_decay=0.01
        )

    def __call__(self, mid: torch.Tensor) -> float:
        side = self.model(mid)[:, -self.crop :]
        edge = FRAME_LENGTH - FRAME_STEP
        terms = self.terms(side, self.model.highpass(mid[:, :-edge])[:, -self.crop :])
        total = 2.5 * terms["coherence"] + 5.625 * terms["mel"] + terms["level"]
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        self.optimizer.step()
        return float(total.detach())


def _mean(x: torch.Tensor, shifts: tuple[int, ...]) -> torch.Tensor:
    for shift in shifts:
        x = 0.5 * (x[..., shift:] + x[..., :-shift])
    return x

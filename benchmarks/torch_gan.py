"""The same GAN step in PyTorch, eager: same tables, losses, optimiser and data layout as `mono2stereo`.

An independent peer to time against; it trains nothing that is kept. Written as PyTorch's users would: native
grouped convolutions, `weight_norm` and `spectral_norm` parametrisations, fused AdamW, the discriminators'
gradients frozen while the generator learns.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from mono2stereo.dsp.bands import third_octave_matrix
from mono2stereo.dsp.filters import highpass_sos, impulse_response
from mono2stereo.dsp.mel import mel_filterbank
from mono2stereo.models.discriminator_tables import (
    PERIOD_LAYERS,
    PERIODS,
    SCALE_LAYERS,
    ConvSpec,
    scaled_layers,
)

RATE, FRAME_LENGTH, FRAME_STEP, FFT_LENGTH, KERNEL = 22050, 116, 58, 128, 40
N_BINS = FFT_LENGTH // 2 + 1


class Framed(nn.Module):
    """What generators share: the frames' window and the side's high-pass."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FRAME_LENGTH, periodic=True))
        taps = impulse_response(highpass_sos(50.0, RATE))
        self.register_buffer("taps", torch.tensor(taps, dtype=torch.float32))

    def highpass(self, x: torch.Tensor) -> torch.Tensor:
        n = x.shape[-1]
        size = 1 << int(n + len(self.taps) - 1).bit_length()
        spectrum = torch.fft.rfft(x, size) * torch.fft.rfft(self.taps, size)
        return torch.fft.irfft(spectrum, size)[:, :n]


class Generator(Framed):
    """Mid `(batch, samples)` → side; four grouped convolutions over STFT frames, then the high-pass."""

    def __init__(self, filters_per_bin: int = 16) -> None:
        super().__init__()
        widths = [2, *[filters_per_bin] * 3, 2]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(N_BINS * a, N_BINS * b, KERNEL, groups=N_BINS, bias=False) for a, b in pairwise(widths)
        )

    def forward(self, mid: torch.Tensor) -> torch.Tensor:
        frames = mid.unfold(-1, FRAME_LENGTH, FRAME_STEP) * self.window
        x = torch.view_as_real(torch.fft.rfft(frames, FFT_LENGTH)).flatten(2).transpose(1, 2)
        for layer in self.convolutions[:-1]:
            x = F.relu(layer(x))
        x = self.convolutions[-1](x).transpose(1, 2)
        spectrum = torch.view_as_complex(x.reshape(*x.shape[:2], N_BINS, 2).contiguous())
        frames = torch.fft.irfft(spectrum, FFT_LENGTH)[..., :FRAME_LENGTH] * self.window
        n = (frames.shape[1] - 1) * FRAME_STEP + FRAME_LENGTH
        signal = F.fold(frames.transpose(1, 2), (1, n), (1, FRAME_LENGTH), stride=(1, FRAME_STEP))[:, 0, 0]
        return self.highpass(signal[:, FRAME_STEP:-FRAME_STEP])


class Branch(nn.Module):
    """One row of HiFi-GAN's discriminators, on `(batch, 1, samples)` already folded or pooled."""

    def __init__(self, specs: tuple[ConvSpec, ...], width: float, *, period: int = 1, spectral: bool = False):
        super().__init__()
        normalise = spectral_norm if spectral else weight_norm
        self.period, layers = period, []
        for spec, channels, filters, groups in scaled_layers(specs, width=width):
            taps, stride, padding = spec.kernel_size, spec.strides, spec.kernel_size // 2
            layer: nn.Module
            if period == 1:
                layer = nn.Conv1d(channels, filters, taps, stride, padding, groups=groups)
            else:
                layer = nn.Conv2d(channels, filters, (taps, 1), (stride, 1), (padding, 0), groups=groups)
            layers.append(normalise(layer))
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.period > 1:
            x = F.pad(x, (0, -x.shape[-1] % self.period), "reflect")
            x = x.view(len(x), 1, -1, self.period)
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), 0.1)
        return self.layers[-1](x).flatten(1)


class Discriminator(nn.Module):
    """Five periods, three scales."""

    def __init__(self, width: float) -> None:
        super().__init__()
        self.periods = nn.ModuleList(Branch(PERIOD_LAYERS, width, period=period) for period in PERIODS)
        self.scales = nn.ModuleList(Branch(SCALE_LAYERS, width, spectral=i == 0) for i in range(3))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = x[:, None]
        outputs = [branch(x) for branch in self.periods]
        for scale in self.scales:
            outputs.append(scale(x))
            x = F.avg_pool1d(x, 4, 2, 2)
        return outputs


class Terms(nn.Module):
    """Coherence 1024/256, log-mel L1, long-term level, largest lagged correlation, noise to mask."""

    def __init__(self) -> None:
        super().__init__()
        mel = torch.tensor(np.array(mel_filterbank(RATE, 1024, 80)).T, dtype=torch.float32)
        self.register_buffer("mel", mel)
        self.register_buffer("bands", torch.tensor(third_octave_matrix(8192)))
        self.register_buffer("window", torch.hann_window(1024, periodic=True))
        self.register_buffer("long_window", torch.hann_window(4096, periodic=True))
        self.register_buffer("level_window", torch.hann_window(8192, periodic=True))
        weights = np.array(mel_filterbank(RATE, 4096, 80))
        weights = (weights / weights.sum(1, keepdims=True)).mean(0)
        self.register_buffer("weights", torch.tensor(weights, dtype=torch.float32))

    def forward(self, side: torch.Tensor, mid: torch.Tensor) -> dict[str, torch.Tensor]:
        x, y = (torch.fft.rfft(s.unfold(-1, 1024, 256) * self.window) for s in (mid, side))
        powers = [z.real.square() + z.imag.square() for z in (x, y)]
        cross = (x * y.conj()).sum(1)
        energy = powers[0].sum(1) * powers[1].sum(1)
        numerator = (cross.real.square() + cross.imag.square() + 1e-20).sqrt() @ self.mel
        coherence = numerator / ((energy + 1e-20).sqrt() @ self.mel)
        logs = [(((p + 1e-20).sqrt() @ self.mel).clamp_min(1e-5)).log() for p in powers]
        long = (torch.fft.rfft(s.unfold(-1, 8192, 2048) * self.level_window) for s in (mid, side))
        levels = [z.abs().square().mean(1) @ self.bands for z in long]
        floor = 1e-6 * levels[0].amax(-1, keepdim=True) + 1e-20
        ratios = ((levels[1] + floor) / (levels[0] + floor)).log()
        size = 1 << int(mid.shape[-1] + 2646 - 1).bit_length()
        lagged = torch.fft.irfft(torch.fft.rfft(mid, size) * torch.fft.rfft(side, size).conj(), size)
        lagged = torch.cat([lagged[:, -2646:], lagged[:, :2647]], -1)
        x, y = (
            torch.fft.rfft(s.unfold(-1, 4096, 1024) * self.long_window).abs().square() for s in (mid, side)
        )
        quiet = 1e-6 * x.amax((1, 2), keepdim=True) + 1e-20
        mask = F.max_pool2d(x, (3, 9), 1, (1, 4))
        above = (0.5 * ((y + quiet) / (mask + quiet)).log()).relu()
        scale = (mid.square().sum(-1) * side.square().sum(-1) + 1e-20).rsqrt()
        return {
            "coherence": coherence.mean(),
            "mel": (logs[0] - logs[1]).abs().mean(),
            "level": 0.5 * ratios.square().mean(-1).add(1e-12).sqrt().mean(),
            "lag": (lagged.abs().amax(-1) * scale).mean(),
            "noise_to_mask": (above @ self.weights).mean(),
        }


class GanStep:
    """D first, then G, with `mono2stereo`'s default weights.

    Args:
        width: Of the discriminators.
        crop_samples: What losses and discriminators see.
        filters_per_bin: Of the generator.
    """

    def __init__(self, *, width: float, crop_samples: int, filters_per_bin: int = 16) -> None:
        self.generator, self.discriminator, self.terms = (
            Generator(filters_per_bin),
            Discriminator(width),
            Terms(),
        )
        self.crop = crop_samples
        options = {"lr": 2e-4, "betas": (0.8, 0.99), "eps": 1e-8, "weight_decay": 0.01, "fused": True}
        self.generator_optimizer = torch.optim.AdamW(self.generator.parameters(), **options)
        self.discriminator_optimizer = torch.optim.AdamW(self.discriminator.parameters(), **options)

    def __call__(self, mid: torch.Tensor, real: torch.Tensor) -> float:
        side = self.generator(mid)
        n = side.shape[-1]
        mid = self.generator.highpass(mid[:, -n - FRAME_STEP : -FRAME_STEP])[:, -self.crop :]
        side, real = side[:, -self.crop :], self.generator.highpass(real)

        outputs = self.discriminator(torch.cat([real, side.detach()]))
        halves = [output.chunk(2) for output in outputs]
        loss = sum((r - 1).square().mean() + f.square().mean() for r, f in halves) / len(halves)
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.discriminator_optimizer.step()

        for parameter in self.discriminator.parameters():
            parameter.requires_grad_(False)
        judged = self.discriminator(side)
        terms = self.terms(side, mid)
        adversarial = sum((output - 1).square().mean() for output in judged) / len(judged)
        total = adversarial + 2.5 * terms["coherence"] + 5.625 * terms["mel"] + terms["level"]
        self.generator_optimizer.zero_grad(set_to_none=True)
        total.backward()
        self.generator_optimizer.step()
        for parameter in self.discriminator.parameters():
            parameter.requires_grad_(True)
        return float(total.detach())

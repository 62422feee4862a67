"""A small listening page: two excerpts, two checkpoints, a method that changes the mid, one that fails."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.decorrelators.base import Streaming
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.decorrelators.schroeder import Schroeder
from mono2stereo.errors import AudioError
from mono2stereo.rendering.listening.page import WIDTHS, write_excerpt, write_page
from mono2stereo.rendering.listening.stimuli import LeftOut, Stimulus, make_stimuli

RATE = 22050
LOUDNESS = -23.0


class Delayed(Streaming):
    """Left as it is, right late: the fold-down is not the input."""

    name = "delayed"
    changes_mid = True

    def _late(self, mid: NDArray) -> NDArray:
        return np.concatenate([np.zeros(200, mid.dtype), mid[:-200]])

    def side(self, mid: NDArray, sample_rate: int) -> NDArray:
        return (mid - self._late(mid)) / 2

    def fold_down(self, mid: NDArray, sample_rate: int) -> NDArray:
        return (mid + self._late(mid)) / 2


class Failing(Streaming):
    name = "failing"

    def side(self, mid: NDArray, sample_rate: int) -> NDArray:
        raise AudioError("failing: needs 44100 Hz; resample first")


CHECKPOINTS = {50: Lauridsen, 500: lambda: Lauridsen(delay_seconds=0.02)}
CLASSICAL = {"schroeder": Schroeder, "delayed": Delayed, "failing": Failing}


def excerpt(number: int, *, seconds: float = 2.0, click: float = 0.0) -> Excerpt:
    """Noise bursts after a second of run-in, with a click of one sample."""
    rng = np.random.default_rng(number)
    samples = RATE + round(seconds * RATE)
    bursts = np.repeat(rng.uniform(0.1, 1.0, samples * 10 // RATE + 1), RATE // 10 + 1)[:samples, None]
    mid, side = (0.2 * bursts * rng.standard_normal((samples, 2))).astype(np.float32).T
    mid[2 * RATE] += click
    name, track = f"{number:02d}_A-träck", "A & <track> </script> $5"
    return Excerpt(name, track, 12.5, mid[:RATE], mid[RATE:], 0.5 * side[RATE:], RATE)


def stimuli(one: Excerpt) -> list[Stimulus | LeftOut]:
    return list(make_stimuli(one, CHECKPOINTS, CLASSICAL))  # type: ignore[arg-type]


def write_small_page(folder: Path) -> None:
    excerpts = [excerpt(1), excerpt(2, click=20.0)]
    described = [write_excerpt(one, stimuli(one), folder, loudness_lufs=LOUDNESS) for one in excerpts]
    write_page(folder, described, stimuli(excerpts[0]), loudness_lufs=LOUDNESS)


def handed_over(script: str) -> list[Any]:
    match = re.fullmatch(r"listening\.\w+\((.*)\);\n", script, re.DOTALL)
    assert match
    return json.loads(f"[{match[1]}]")


def decoded(page: Path, name: str) -> dict[str, NDArray]:
    """Signals as the browser decodes them: whole numbers over 32768."""
    key, packed = handed_over((page / "audio" / f"{name}.js").read_text(encoding="utf-8"))
    assert key == name
    signals = {}
    for signal, text in packed.items():
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(text)), dtype="int16")
        assert rate == RATE
        signals[signal] = samples / 32768
    return signals


def played(one: dict[str, Any], signals: dict[str, NDArray], key: str, width: float) -> NDArray:
    """Stereo as the page plays it at a width of the side."""
    stimulus = one["stimuli"][key]
    side = width * signals[stimulus["side"]] if stimulus["side"] else 0
    mid = signals[stimulus["mid"]]
    gain = np.interp(width**2, np.square(WIDTHS), np.power(stimulus["gains"], -2.0)) ** -0.5
    return gain * np.stack([mid + side, mid - side], axis=1)

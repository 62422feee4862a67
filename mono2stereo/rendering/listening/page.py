"""Writes the listening page: a folder that opens from disk, or one file that stands alone.

Browsers let a page opened from disk fetch nothing, so the sound travels inside scripts: per excerpt one file
with the mid once and every side beside it, each a 16-bit FLAC. Left and right are made while it plays.
"""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.dsp.mid_side import decode
from mono2stereo.hashes import short_hash
from mono2stereo.rendering.listening.stimuli import MONO, LeftOut, Stimulus
from mono2stereo.rendering.loudness_matching import HIGHEST_PEAK, fades, gain_to
from mono2stereo.rendering.retention import evenly_spaced
from mono2stereo.web import shared_assets

TITLE = "mono2stereo: listening page"
WIDTHS = (0.0, 1.0, 2.0)  # of the side; the page finds the gains between them
MOST_BYTES_IN_ONE_FILE = 24_000_000
FULL_SCALE = 32767

Described = dict[str, Any]  # what the page is told, as JSON


def write_excerpt(
    excerpt: Excerpt, stimuli: Sequence[Stimulus | LeftOut], folder: Path, *, loudness_lufs: float
) -> Described:
    """Write `<folder>/audio/<excerpt>.js` and return what `write_page` is to say about it.

    Every stimulus gets its gain at each of `WIDTHS`, so that all are equally loud at any of them; if one
    peaked above -1 dB of full scale, all are turned down together.

    Raises:
        AudioError: the excerpt is too quiet to measure.
    """
    edges = fades(len(excerpt.mid), excerpt.sample_rate)
    heard = [stimulus for stimulus in stimuli if isinstance(stimulus, Stimulus)]
    signals: dict[str, NDArray] = {"mid": excerpt.mid * edges}
    described: Described = {
        stimulus.key: {"reason": stimulus.reason} for stimulus in stimuli if isinstance(stimulus, LeftOut)
    }
    highest = 0.0
    for stimulus in heard:
        mid, side = "mid", stimulus.key
        if stimulus.mid is not excerpt.mid:
            mid = f"{stimulus.key}, mid"
            signals[mid] = stimulus.mid * edges
        if stimulus.key != MONO:
            signals[side] = stimulus.side * edges
        gains = []
        for width in WIDTHS:
            stereo = decode(signals[mid], width * stimulus.side * edges)
            gains.append(
                gain_to(loudness_lufs, stereo, excerpt.sample_rate, f"{excerpt.name}, {stimulus.key}")
            )
            highest = max(highest, gains[-1] * float(np.abs(stereo).max()))
        described[stimulus.key] = {
            "mid": mid,
            "side": None if stimulus.key == MONO else side,
            "gains": gains,
            "measures": stimulus.readings.values,
        }
    step = max(float(np.abs(signal).max()) for signal in signals.values()) / FULL_SCALE
    common = min(1.0, HIGHEST_PEAK / highest)
    for key in (stimulus.key for stimulus in heard):
        # To be multiplied with what the browser decodes: whole numbers over 32768.
        described[key]["gains"] = [
            gain * common * step * (FULL_SCALE + 1) for gain in described[key]["gains"]
        ]
    packed = {name: _flac(signal / step, excerpt.sample_rate) for name, signal in signals.items()}
    file = folder / "audio" / f"{excerpt.name}.js"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_call("audio", excerpt.name, packed), encoding="utf-8")
    return {
        "key": excerpt.name,
        "track": excerpt.track,
        "startSeconds": excerpt.start_seconds,
        "samples": len(excerpt.mid),
        "sampleRate": excerpt.sample_rate,
        "stimuli": described,
        "bytes": {name: len(text) for name, text in packed.items()},
    }


def write_page(
    folder: Path,
    excerpts: Sequence[Described],
    stimuli: Iterable[Stimulus | LeftOut],
    *,
    loudness_lufs: float,
) -> None:
    """Complete the folder: `index.html`, its scripts and style, and `data.js` about all excerpts.

    Args:
        folder: where `write_excerpt` wrote.
        excerpts: from `write_excerpt`, at least one, all at one sample rate.
        stimuli: of any excerpt, for their order.
        loudness_lufs: what they were matched to.
    """
    page: Described = {
        "sampleRate": excerpts[0]["sampleRate"],
        "loudnessLufs": loudness_lufs,
        "widths": WIDTHS,
        "stimuli": [
            {"key": stimulus.key, "group": stimulus.group if isinstance(stimulus, Stimulus) else "classical"}
            for stimulus in stimuli
        ],
        "excerpts": excerpts,
    }
    page["id"] = _digest(page, folder)
    with as_file(files("mono2stereo.rendering.listening") / "assets") as assets:
        shutil.copytree(assets, folder / "assets")
    for shared in shared_assets():
        (folder / "assets" / shared.name).write_bytes(shared.read_bytes())
    (folder / "assets" / "index.html").rename(folder / "index.html")
    (folder / "data.js").write_text(_call("page", page), encoding="utf-8")


def single_file(folder: Path, *, most_bytes: int = MOST_BYTES_IN_ONE_FILE) -> str:
    """HTML of a page that stands alone, made of one that `write_page` completed.

    Where all would be too much, it holds fewer checkpoints, evenly spaced and the last always, then fewer
    excerpts.
    """
    (page,) = _arguments(folder / "data.js")
    steps = [stimulus["key"] for stimulus in page["stimuli"] if stimulus["group"] == "network"]
    others = [
        sum(excerpt["bytes"].values()) - sum(excerpt["bytes"][step] for step in steps)
        for excerpt in page["excerpts"]
    ]
    each = [max(excerpt["bytes"][step] for step in steps) for excerpt in page["excerpts"]]
    kept = evenly_spaced(steps, always=others, each=each, most_bytes=most_bytes)
    dropped = set(steps) - kept.steps
    page["leftOut"] = {"checkpoints": len(dropped), "excerpts": len(page["excerpts"]) - kept.excerpts}
    page["excerpts"] = page["excerpts"][: kept.excerpts]
    page["stimuli"] = [stimulus for stimulus in page["stimuli"] if stimulus["key"] not in dropped]
    scripts = [_call("page", page)]
    for excerpt in page["excerpts"]:
        name, signals = _arguments(folder / "audio" / f"{excerpt['key']}.js")
        scripts.append(
            _call("audio", name, {key: text for key, text in signals.items() if key not in dropped})
        )
    html = (folder / "index.html").read_text(encoding="utf-8")
    html = html.replace(
        '<script src="data.js"></script>', "".join(f"<script>{script}</script>" for script in scripts)
    )
    html = re.sub(
        r'<script src="([^"]+)"></script>', lambda match: _inlined("script", folder, match[1]), html
    )
    return re.sub(
        r'<link rel="stylesheet" href="([^"]+)">', lambda match: _inlined("style", folder, match[1]), html
    )


def _inlined(tag: str, folder: Path, file: str) -> str:
    return f"<{tag}>\n{(folder / file).read_text(encoding='utf-8')}</{tag}>"


def _flac(samples: NDArray, sample_rate: int) -> str:
    packed = io.BytesIO()
    whole = np.round(samples).astype(np.int16)
    soundfile.write(packed, whole, sample_rate, format="FLAC", subtype="PCM_16")
    return base64.b64encode(packed.getvalue()).decode()


def _call(function: str, *arguments: Any) -> str:
    """A script that hands the page its data; fit to stand within HTML."""
    passed = ", ".join(json.dumps(argument, ensure_ascii=False, allow_nan=False) for argument in arguments)
    passed = passed.replace("</", "<\\/")
    return f"listening.{function}({passed});\n"


def _arguments(script: Path) -> list[Any]:
    text = script.read_text(encoding="utf-8")
    arguments: list[Any] = json.loads(f"[{text[text.index('(') + 1 : text.rindex(')')]}]")
    return arguments


def _digest(page: Described, folder: Path) -> str:
    """What tells this page's results from another's: all that is heard on it."""
    sounds = (file.read_bytes() for file in sorted(folder.glob("audio/*.js")))
    return short_hash(json.dumps(page, sort_keys=True).encode(), *sounds)

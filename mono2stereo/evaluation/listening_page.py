"""The listening page: every rendered excerpt and checkpoint in one HTML file without outside resources."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote

import soundfile

from mono2stereo.evaluation.rendering import CheckpointFiles, RenderedExcerpt, SideMeasures

TITLE = "mono2stereo: listening page"


def listening_page(
    rendered: Sequence[RenderedExcerpt], *, loudness_lufs: float, embed_from: Path | None = None
) -> str:
    """HTML with a player, the spectrograms and a table of excerpts by checkpoints.

    Args:
        rendered: from `render`, at least one excerpt.
        loudness_lufs: what the files were matched to.
        embed_from: the folder rendered into, to make a page that stands alone: sound and pictures of the last
            checkpoint within it. By default the page lies in that folder and refers to its files.
    """
    if embed_from:
        rendered = [
            RenderedExcerpt(one.excerpt, one.own, one.original, one.checkpoints[-1:]) for one in rendered
        ]
    link = _data_uri(embed_from) if embed_from else _relative
    first = rendered[0]
    rate, seconds = first.excerpt.sample_rate, len(first.excerpt.mid) / first.excerpt.sample_rate
    steps = [checkpoint.step for checkpoint in first.checkpoints]
    template = Template((files("mono2stereo.evaluation") / "listening_page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=TITLE,
        summary=f"{_count(len(rendered), 'excerpt')} of the validation split, "
        f"{_count(len(steps), 'checkpoint')}, every file at {loudness_lufs:g} LUFS. Mono, generated stereo "
        "and the recording’s own stereo are equally loud, so what differs is width and timbre.",
        head="".join(f'<th scope="col" data-step="{step}">Step {step}</th>' for step in steps),
        rows="\n".join(_row(one, link) for one in rendered),
        notes=_notes(rate, seconds, loudness_lufs),
    )


def _row(one: RenderedExcerpt, link: Callable[[Path], str]) -> str:
    track, start = escape(one.excerpt.track), one.excerpt.start_seconds
    cells = [
        f'<th scope="row">{track}<span>from {start:.1f} s</span></th>',
        f"<td {_numbers(one.own)}>{_play('original', one.original, link)}{_figures(one.own)}</td>",
        *(_cell(checkpoint, link) for checkpoint in one.checkpoints),
    ]
    return f'          <tr data-track="{track}, from {start:.1f} s">{"".join(cells)}</tr>'


def _cell(checkpoint: CheckpointFiles, link: Callable[[Path], str]) -> str:
    picture = f'<a data-picture href="{link(checkpoint.picture)}">picture</a>'
    return (
        f'<td data-step="{checkpoint.step}" {_numbers(checkpoint.measures)}>'
        f"{_play('mono', checkpoint.mono, link)} {_play('stereo', checkpoint.stereo, link)}"
        f"{_figures(checkpoint.measures, picture)}</td>"
    )


def _play(kind: str, file: Path, link: Callable[[Path], str]) -> str:
    return f'<a data-kind="{kind}" href="{link(file)}">{kind.capitalize()}</a>'


def _numbers(measures: SideMeasures) -> str:
    return (
        f'data-log-mel="{measures.log_mel_db:.1f}" data-coherence1024="{measures.coherence_1024:.2f}" '
        f'data-coherence4096="{measures.coherence_4096:.2f}" data-level="{measures.side_to_mid_db:.1f}"'
    )


def _figures(measures: SideMeasures, more: str = "") -> str:
    return f'<span class="figures">{measures.log_mel_db:.1f} dB{" · " + more if more else ""}</span>'


def _notes(sample_rate: int, seconds: float, loudness_lufs: float) -> str:
    paragraphs = (
        "<strong>Mono</strong> is the mid, (L+R)/2, on both loudspeakers. <strong>Stereo</strong> is that "
        "mid with the side the checkpoint made of it: L = mid + side, R = mid − side. "
        "<strong>Original</strong> is the recording itself, with its own side.",
        f"Files are 24-bit at {sample_rate} Hz, {seconds:g} s long, matched to {loudness_lufs:g} LUFS "
        "(BS.1770-4). Where a file would have peaked above −1 dB of full scale, all files of that excerpt "
        "are turned down alike.",
        "The numbers below the buttons are the log-mel difference of side and mid in dB, the side at the "
        "mid’s level: 0 is a copy’s timbre. Coherence is the mean over 80 mel bands over the whole excerpt: "
        "1 is a copy or a filter of the mid. Compare both with the recording’s own.",
        "Use headphones, or sit midway between two loudspeakers. Compare at your usual volume.",
    )
    return "\n".join(f"    <p>{paragraph}</p>" for paragraph in paragraphs)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _relative(file: Path) -> str:
    return quote(file.as_posix())


def _data_uri(folder: Path) -> Callable[[Path], str]:
    def link(file: Path) -> str:
        if file.suffix == ".png":
            kind, content = "image/png", (folder / file).read_bytes()
        else:
            # Lossless: lossy codecs save on the side, which is what is to be heard.
            samples, rate = soundfile.read(folder / file)
            packed = io.BytesIO()
            soundfile.write(packed, samples, rate, format="FLAC", subtype="PCM_16")
            kind, content = "audio/flac", packed.getvalue()
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"

    return link

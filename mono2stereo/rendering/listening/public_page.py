"""A small listening page for everybody: passages whose licences let us pass them on, each credited on it.

The recordings are named with author, licence and source in a table of Markdown, docs/recordings.md.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mono2stereo.data.pairs import Pair
from mono2stereo.decorrelators import Decorrelator
from mono2stereo.rendering.choosing import choose_excerpts
from mono2stereo.rendering.listening.page import single_file, write_excerpt, write_page
from mono2stereo.rendering.listening.stimuli import Makers, make_stimuli

EXCERPTS = 6
LONGEST_SECONDS, SHORTEST_SECONDS = 10.0, 3.0
MOST_BYTES = 5_000_000
# Passing on in another form asks for credit at most; what CC BY-SA would ask of the whole page is left out.
FREE = re.compile(r"(CC0|CC BY(?!-)|Public domain)\b")
CREATIVE_COMMONS = {
    "CC0": "publicdomain/zero/1.0",
    "CC BY 3.0": "licenses/by/3.0",
    "CC BY 4.0": "licenses/by/4.0",
}


@dataclass(frozen=True)
class Credit:
    """Who made a recording, what allows us to pass it on, and where it comes from."""

    recording: str
    by: str
    licence: str
    source: str

    @property
    def title(self) -> str:
        return re.sub(r"(\.hq)?\.\w+$", "", self.recording).replace("_", " ").strip()


def free_credits(table: str, split: str) -> dict[str, Credit]:
    """Recordings of a split that may be passed on, by the name that they have in data/pairs.

    Args:
        table: Markdown with the columns split, recording, by, licence and source.
        split: train, valid or test.
    """
    rows = (re.findall(r"[^|]+", line) for line in table.splitlines() if line.startswith("|"))
    cells = ([cell.strip() for cell in row] for row in rows)
    credits = (Credit(*row[1:5]) for row in cells if len(row) >= 5 and row[0] == split)
    return {plain_name(credit.recording): credit for credit in credits if FREE.match(credit.licence)}


def write_public_page(
    pairs: Sequence[Pair],
    credits_by_name: Mapping[str, Credit],
    folder: Path,
    *,
    step: int,
    model: Callable[[], Decorrelator],
    classical: Makers,
    loudness_lufs: float,
) -> list[Credit]:
    """Write `<folder>/index.html`, which stands alone in at most 5 MB.

    Args:
        pairs: of the split; one of them at least may be passed on.
        credits_by_name: from `free_credits`.
        folder: is made.
        step: at which the model was exported.
        model: loads the network's decorrelator.
        classical: to hear beside it, by name.
        loudness_lufs: what all are matched to.

    Returns:
        Whose recordings are heard.
    """
    free = [pair for pair in pairs if plain_name(pair.name) in credits_by_name]
    heard = [credits_by_name[plain_name(pair.name)] for pair in free][:EXCERPTS]
    seconds = LONGEST_SECONDS
    while True:
        page = _page(free, credits_by_name, seconds, {step: model}, classical, loudness_lufs)
        page = page.replace("<noscript>", f"{_credits(heard)}\n<noscript>", 1)
        if len(page.encode()) <= MOST_BYTES or seconds <= SHORTEST_SECONDS:
            break
        seconds = max(SHORTEST_SECONDS, seconds * 0.95 * MOST_BYTES / len(page.encode()))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(page, encoding="utf-8")
    return heard


def _page(
    pairs: Sequence[Pair],
    credits_by_name: Mapping[str, Credit],
    seconds: float,
    models: Mapping[int, Callable[[], Decorrelator]],
    classical: Makers,
    loudness_lufs: float,
) -> str:
    count = min(EXCERPTS, len(pairs))
    with TemporaryDirectory() as folder_of_page:
        page, described, stimuli = Path(folder_of_page), [], []
        for excerpt in choose_excerpts(pairs[:count], count=count, seconds=seconds):
            credit = credits_by_name[plain_name(excerpt.track)]
            credited = replace(excerpt, track=f"{credit.title} ({credit.by}, {credit.licence})")
            stimuli = list(make_stimuli(credited, models, classical))
            described.append(write_excerpt(credited, stimuli, page, loudness_lufs=loudness_lufs))
        write_page(page, described, stimuli, loudness_lufs=loudness_lufs)
        return single_file(page)


def _credits(heard: Sequence[Credit]) -> str:
    """Of each recording author, title, licence, source, and that it was changed, as CC BY asks."""
    rows = "".join(
        f"<li>{html.escape(credit.title)}, by {html.escape(credit.by)}: {_licence(credit.licence)}; "
        f"{html.escape(credit.source)}</li>"
        for credit in heard
    )
    return (
        "<footer id='credits'><h2>Recordings</h2><ul>"
        + rows
        + "</ul><p>Passages, resampled, made mono and given other sides. The network and this page: "
        "<a href='https://www.apache.org/licenses/LICENSE-2.0'>Apache-2.0</a>, its weights "
        "<a href='https://creativecommons.org/licenses/by-sa/4.0/'>CC BY-SA 4.0</a>.</p></footer>"
    )


def _licence(name: str) -> str:
    for start, place in CREATIVE_COMMONS.items():
        if name.startswith(start):
            return f"<a href='https://creativecommons.org/{place}/'>{html.escape(name)}</a>"
    return html.escape(name)


def plain_name(name: str) -> str:
    """A recording's name without folder and suffix, in the characters that survive any file system."""
    return re.sub(r"\W+", "", re.sub(r"\.(wav|aiff?|flac|ogg|opus|mp3|m4a)$", "", Path(name).name)).lower()

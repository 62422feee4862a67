"""Texts and pictures into the tags of the formats that are written."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from mono2stereo.conversion.chunk_copying import append_chunks
from mono2stereo.conversion.stale import id3_bytes
from mono2stereo.conversion.tag_names import COUNTED, ID3_TEXTS
from mono2stereo.conversion.tag_reading import Tags

TOTALS = {total: number for number, total in COUNTED.items()}


def write_tags(tags: Tags, target: Path, kind: str) -> None:
    """Put tags into a finished file of a kind that is written."""
    if kind in ("WAV", "AIFF"):
        name = b"id3 " if kind == "WAV" else b"ID3 "
        append_chunks(target, [(name, [id3_bytes(as_id3(tags), 4)])])
    elif kind == "MP3":
        as_id3(tags).save(target, v1=0)
    else:
        _as_comments(tags, target)


def as_id3(tags: Tags) -> Any:
    """A `mutagen.id3.ID3` of version 2.4."""
    from mutagen.id3 import APIC, ID3

    id3 = ID3()
    for name, texts in tags.texts.items():
        lowered = name.lower()
        if lowered in TOTALS:
            if TOTALS[lowered] in tags.texts:
                continue  # they go together
        elif total := tags.texts.get(COUNTED.get(lowered, "")):
            texts = [f"{texts[0]}/{total[0]}"]
        _add_text(id3, name, texts)
    for number, picture in enumerate(tags.pictures):
        description = picture.desc + " " * sum(other.desc == picture.desc for other in tags.pictures[:number])
        id3.add(APIC(encoding=3, mime=picture.mime, type=picture.type, desc=description, data=picture.data))
    return id3


def _add_text(tags: Any, name: str, texts: list[str]) -> None:
    from mutagen.easyid3 import EasyID3
    from mutagen.id3 import COMM, TMCL, TXXX, USLT, Frames

    lowered, _, description = name.lower().partition(":")
    frames = {text: frame for frame, text in ID3_TEXTS.items()}
    if lowered == "performer":
        people = [re.fullmatch(r"(.*?)(?: \((.*)\))?", text, re.DOTALL) for text in texts]
        tags.add(TMCL(encoding=3, people=[[match[2] or "", match[1]] for match in people if match]))
    elif lowered == "comment":
        tags.add(COMM(encoding=3, lang="XXX", desc=description, text=texts))
    elif lowered in ("lyrics", "unsyncedlyrics"):
        tags.add(USLT(encoding=3, lang="XXX", desc=description, text="\n\n".join(texts)))
    elif name.lower() in frames:
        tags.add(Frames[frames[name.lower()]](encoding=3, text=texts))
    else:
        try:
            EasyID3.Set[name.lower()](tags, name.lower(), texts)
            if EasyID3.Get[name.lower()](tags, name.lower()) == texts:
                return
            EasyID3.Delete[name.lower()](tags, name.lower())
        except (KeyError, ValueError, TypeError):
            pass  # no name, or no value, of ID3's own
        tags.add(TXXX(encoding=3, desc=name, text=texts))


def _as_comments(tags: Tags, target: Path) -> None:
    import mutagen

    file = mutagen.File(target)
    if file.tags is None:
        file.add_tags()
    for name, texts in tags.texts.items():
        file.tags[re.sub(r"[^ -<>-}]", "_", name)] = texts
    for picture in tags.pictures:
        if hasattr(file, "add_picture"):
            file.add_picture(picture)
    if not hasattr(file, "add_picture") and tags.pictures:
        encoded = [base64.b64encode(picture.write()).decode("ascii") for picture in tags.pictures]
        file.tags["metadata_block_picture"] = encoded
    file.save()

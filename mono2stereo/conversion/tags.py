"""Titles, pictures and markers from one file into another, where the other's format has a place for them.

Within WAV and within AIFF chunks are copied byte for byte (`chunks`). Within FLAC, OGG and MP3 all comments,
frames, pictures and cue sheets go over as they are, ID3 in its own version, and ID3v1 and APE tags with it.
From one format to another go all texts and pictures (`tag_reading`, `tag_writing`). What is about the sound
is left out (`stale`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mono2stereo.conversion.chunk_copying import copy_chunks
from mono2stereo.conversion.stale import is_stale
from mono2stereo.conversion.tag_reading import Tags, why_lost
from mono2stereo.conversion.tag_writing import write_tags

ID3V1_BYTES = 128
APPLICATION = 2  # FLAC's number of such blocks
FOREIGN = (b"riff", b"aiff", b"w64 ")  # application blocks about another file's header


def carry_tags(source: Path, target: Path, tags: Tags, *, source_kind: str, target_kind: str) -> str:
    """Copy tags and markers into a finished file.

    Args:
        source: Where they are.
        target: Where they go.
        tags: What was read of the source.
        source_kind: WAV, AIFF, FLAC, OGG, MP3 or another.
        target_kind: One of these five.

    Returns:
        Why some could not be kept; empty if all was well. A strange tag is no reason to lose a conversion.
    """
    lost = list(tags.lost)
    try:
        if source_kind != target_kind:
            if tags:
                write_tags(tags, target, target_kind)
        elif target_kind in ("WAV", "AIFF"):
            lost = [left] if (left := copy_chunks(source, target)) else []  # the others as they were
        elif target_kind == "MP3":
            _copy_of_mp3(source, target)
        else:
            _copy_comments(source, target)
    except Exception as error:  # of a stranger's tags anything may be wrong
        lost.append(why_lost(error))
    return f"some of its tags could not be kept ({'; '.join(dict.fromkeys(lost))})" if lost else ""


def _copy_of_mp3(source: Path, target: Path) -> None:
    from mutagen import apev2, id3

    try:
        # As they are: frames of version 2.3 have no place in 2.4, and the other way round.
        tags = id3.ID3(source, translate=False, load_v1=False)
    except id3.ID3NoHeaderError:
        pass
    else:
        _drop_stale(tags)
        tags.save(target, v1=0, v2_version=3 if tags.version[1] < 4 else 4, v23_sep=None)
    try:
        ape = apev2.APEv2(source)
    except apev2.APENoHeaderError:
        pass
    else:
        _drop_stale(ape)
        ape.save(target)
    with source.open("rb") as file:
        file.seek(-min(file.seek(0, 2), ID3V1_BYTES), 2)
        id3v1 = file.read()
    if id3v1.startswith(b"TAG") and len(id3v1) == ID3V1_BYTES:
        with target.open("ab") as file:
            file.write(id3v1)


def _drop_stale(tags: Any) -> None:
    for key in [key for key in tags if is_stale(key)]:
        del tags[key]


def _copy_comments(source: Path, target: Path) -> None:
    import mutagen

    old, new = mutagen.File(source), mutagen.File(target)
    if new.tags is None:
        new.add_tags()
    new.tags[:] = [(key, value) for key, value in old.tags or [] if not is_stale(key)]
    for picture in getattr(old, "pictures", []):
        new.add_picture(picture)
    if getattr(old, "cuesheet", None):
        new.metadata_blocks.append(old.cuesheet)
    for block in getattr(old, "metadata_blocks", []):
        if block.code == APPLICATION and block.data[:4] not in FOREIGN:
            new.metadata_blocks.append(block)
    new.save()

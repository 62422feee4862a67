"""Titles, pictures and markers from one file into another, where the other's format has a place for them.

Within WAV and within AIFF chunks are copied byte for byte (`chunks`). Within FLAC, OGG and MP3 all comments,
frames, pictures and cue sheets go over as they are. From one format to another go the fields and pictures
that mediafile knows in both, and all Vorbis comments. Loudness (ReplayGain, R 128) and encoder are left out:
they are the mono file's.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mono2stereo.conversion.chunks import copy_chunks

STALE = re.compile("replaygain_|r128_|rg_|RVA2|RGAD|TXXX:replaygain|encoder", re.IGNORECASE)


def carry_tags(source: Path, target: Path, *, source_kind: str, target_kind: str) -> str:
    """Copy tags and markers into a finished file.

    Args:
        source: Where they are.
        target: Where they go.
        source_kind: WAV, AIFF, FLAC, OGG or MP3.
        target_kind: Likewise.

    Returns:
        Why some could not be kept; empty if all was well. A strange tag is no reason to lose a conversion.
    """
    try:
        if source_kind == target_kind in ("WAV", "AIFF"):
            copy_chunks(source, target)
        elif source_kind == target_kind:
            _copy_native(source, target)
        else:
            _translate(source, target)
    except OSError:
        raise
    except Exception as error:  # of a stranger's tags anything may be wrong
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return f"its tags could not be kept ({reason})"
    return ""


def _copy_native(source: Path, target: Path) -> None:
    import mutagen

    old, new = mutagen.File(source), mutagen.File(target)
    if old is None or new is None or not (old.tags or getattr(old, "pictures", None)):
        return
    if new.tags is None:
        new.add_tags()
    if hasattr(old.tags, "getall"):  # ID3
        new.tags.clear()
        for frame in old.tags.values():
            if not STALE.match(frame.HashKey):
                new.tags.add(frame)
        version = old.tags.version[1]
        new.save(v2_version=3 if version == 3 else 4)
        return
    new.tags[:] = [(key, value) for key, value in old.tags if not STALE.match(key)]
    for picture in getattr(old, "pictures", []):
        new.add_picture(picture)
    if getattr(old, "cuesheet", None):
        new.metadata_blocks.append(old.cuesheet)
    new.save()


def _translate(source: Path, target: Path) -> None:
    import mediafile

    try:
        old: Any = mediafile.MediaFile(source)
    except mediafile.UnreadableFileError:
        return  # no tags of the kind that mediafile reads
    values = {field: getattr(old, field) for field in mediafile.MediaFile.fields() if not STALE.match(field)}
    found = {field: value for field, value in values.items() if value}
    if not found:
        return
    new: Any = mediafile.MediaFile(target)
    # Lists last: a field of one value is the first of its list.
    for field, value in sorted(found.items(), key=lambda item: isinstance(item[1], list)):
        setattr(new, field, value)
    ours, theirs = new.mgfile.tags, old.mgfile.tags
    if hasattr(ours, "vendor") and hasattr(theirs, "vendor"):  # both Vorbis comments
        for key in theirs.keys():  # noqa: SIM118, iterating gives pairs
            if key != "metadata_block_picture" and not STALE.match(key):
                ours[key] = theirs[key]
    new.save()
